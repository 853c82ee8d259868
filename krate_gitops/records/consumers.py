"""Who was told what: snapshots by run, commit, record, path or mark, from indexes and newest first."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, Select, and_, exists, select
from sqlalchemy.sql.elements import ColumnElement

from krate_gitops.records.snapshots import StoredSnapshot, read_snapshots
from krate_gitops.records.tables import consumed, known_bad_marks, snapshots

MOST = 200


class SnapshotFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What snapshots must have, all of it. ``since`` is an instant; ``known_bad`` None asks for both."""

    memory_repository: str | None = None
    commit: str | None = None
    record: str | None = None
    path: str | None = None
    run: str | None = None
    since: str | None = None
    known_bad: bool | None = None


class Page(msgspec.Struct, frozen=True):
    """Snapshots, and the row to go on below where there are more."""

    items: list[StoredSnapshot]
    next_before: int | None


def list_snapshots(
    connection: Connection, organization: str, wanted: SnapshotFilter, *, limit: int = 50, before: int | None = None
) -> Page:
    """One page, newest first. ``before`` is a page's ``next_before``; rows added meanwhile don't shift the pages."""
    statement = _filtered(organization, wanted)
    if before is not None:
        statement = statement.where(snapshots.c.id < before)
    if sources := _sources(organization, wanted):
        # Alone, the index hands out numbers in order, and only a page of them need be looked at.
        alone = wanted == SnapshotFilter(record=wanted.record, path=wanted.path)
        statement = statement.where(snapshots.c.id.in_(_numbers(sources, before, limit + 1 if alone else None)))
    statement = statement.order_by(snapshots.c.id.desc()).limit(limit + 1)
    found = read_snapshots(connection, statement)
    more = len(found) > limit
    return Page(found[:limit], found[limit - 1].id if more else None)


def _filtered(organization: str, wanted: SnapshotFilter) -> Select[tuple[object, ...]]:
    statement = select(snapshots).where(snapshots.c.organization == organization)
    for column, value in (
        (snapshots.c.memory_repository, wanted.memory_repository),
        (snapshots.c.resolved_commit, wanted.commit),
        (snapshots.c.dispatch_run, wanted.run),
    ):
        if value is not None:
            statement = statement.where(column == value)
    if wanted.since is not None:
        statement = statement.where(snapshots.c.created_at >= wanted.since)
    if wanted.known_bad is not None:
        statement = statement.where(is_bad() if wanted.known_bad else ~is_bad())
    return statement


def _sources(organization: str, wanted: SnapshotFilter) -> list[ColumnElement[bool]]:
    sources = consumed.c
    where = [sources.record_id == wanted.record] if wanted.record is not None else []
    where += [sources.path == wanted.path] if wanted.path is not None else []
    return [sources.organization == organization, *where] if where else []


def _numbers(where: list[ColumnElement[bool]], before: int | None, limit: int | None) -> Select[tuple[int]]:
    numbers = select(consumed.c.snapshot_id).where(*where).distinct()
    if before is not None:
        numbers = numbers.where(consumed.c.snapshot_id < before)
    return numbers.order_by(consumed.c.snapshot_id.desc()).limit(limit) if limit else numbers


def is_bad() -> ColumnElement[bool]:
    """Whether a range covers the snapshot of the row: of each range's marks the newest counts."""
    marks, newer = known_bad_marks.alias(), known_bad_marks.alias()
    same = and_(
        newer.c.organization == marks.c.organization,
        newer.c.snapshot_id == marks.c.snapshot_id,
        newer.c.range_name == marks.c.range_name,
        newer.c.id > marks.c.id,
    )
    return exists().where(
        marks.c.organization == snapshots.c.organization,
        marks.c.snapshot_id == snapshots.c.id,
        marks.c.is_bad,
        ~exists().where(same),
    )
