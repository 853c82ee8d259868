"""Ranges of history that are known to be bad, and the snapshots they cover."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from sqlalchemy import Connection, func, insert, select

from krate_gitops.records.tables import consumed, known_bad_marks, known_bad_ranges, snapshots

_CHUNK = 500


_NAMES = {
    "start": "from",
    "end": "to",
    "memory_repository": "memoryRepository",
    "record_ids": "recordIds",
    "marked_by": "markedBy",
    "marked_at": "markedAt",
}


class KnownBadRange(msgspec.Struct, frozen=True, kw_only=True, rename=_NAMES, omit_defaults=True):
    """Commits on the first-parent chain from ``start`` on and before ``end``, which fixed it; no end while it isn't.

    ``paths`` and ``record_ids`` narrow down which snapshots are marked: those that selected one of them; without any,
    all. ``ref`` names what tells more: an incident, a pull request. A withdrawn range was marked by mistake.
    """

    name: str
    memory_repository: str
    start: str
    reason: str
    marked_by: str
    marked_at: str
    end: str | None = None
    paths: tuple[str, ...] = ()
    record_ids: tuple[str, ...] = ()
    ref: str | None = None
    withdrawn: bool = False


def insert_range(connection: Connection, organization: str, bad: KnownBadRange) -> int:
    """Writes a range, or the newer state of one of that name; its row number."""
    row = {
        "organization": organization,
        "memory_repository": bad.memory_repository,
        "name": bad.name,
        "body": msgspec.json.encode(bad).decode(),
    }
    return int(connection.execute(insert(known_bad_ranges).returning(known_bad_ranges.c.id), row).scalar_one())


def list_ranges(
    connection: Connection, organization: str, *, repository: str | None = None, name: str | None = None
) -> list[KnownBadRange]:
    """The newest state of every range, withdrawn ones too: all, those of a repository, or the one of a name."""
    table = known_bad_ranges.c
    where = [table.organization == organization]
    where += [table.memory_repository == repository] if repository is not None else []
    where += [table.name == name] if name is not None else []
    newest = select(func.max(table.id)).where(*where).group_by(table.name)
    bodies = connection.execute(select(table.body).where(table.id.in_(newest)).order_by(table.name)).scalars()
    return [msgspec.json.decode(body, type=KnownBadRange) for body in bodies]


def insert_marks(
    connection: Connection,
    organization: str,
    range_id: int,
    bad: KnownBadRange,
    numbers: Iterable[int],
    *,
    is_bad: bool = True,
) -> None:
    """Marks snapshots, by row number, as covered by a range or no longer so."""
    rows = [
        {
            "organization": organization,
            "snapshot_id": number,
            "range_id": range_id,
            "range_name": bad.name,
            "is_bad": is_bad,
        }
        for number in numbers
    ]
    if rows:
        connection.execute(insert(known_bad_marks), rows)


def range_row(connection: Connection, organization: str, name: str) -> int | None:
    """Row number of a range's newest state."""
    table = known_bad_ranges.c
    where = (table.organization == organization, table.name == name)
    return connection.execute(select(func.max(table.id)).where(*where)).scalar()


def ranges_of(
    connection: Connection, organization: str, snapshot_ids: Sequence[int]
) -> Mapping[int, Sequence[KnownBadRange]]:
    """Ranges that cover each of the snapshots that one covers, newest first."""
    marks, ranges = known_bad_marks.c, known_bad_ranges.c
    newest = (
        select(func.max(marks.id))
        .where(marks.organization == organization, marks.snapshot_id.in_(snapshot_ids))
        .group_by(marks.snapshot_id, marks.range_name)
    )
    found: dict[int, list[KnownBadRange]] = {}
    for row in connection.execute(
        select(marks.snapshot_id, ranges.body)
        .join_from(known_bad_marks, known_bad_ranges, marks.range_id == ranges.id)
        .where(marks.id.in_(newest), marks.is_bad)
        .order_by(ranges.id.desc())
    ):
        found.setdefault(row.snapshot_id, []).append(msgspec.json.decode(row.body, type=KnownBadRange))
    return found


def marked_snapshots(connection: Connection, organization: str, name: str) -> set[int]:
    """Row numbers of the snapshots that a range covers now."""
    marks = known_bad_marks.c
    newest = (
        select(func.max(marks.id))
        .where(marks.organization == organization, marks.range_name == name)
        .group_by(marks.snapshot_id)
    )
    return set(connection.execute(select(marks.snapshot_id).where(marks.id.in_(newest), marks.is_bad)).scalars())


def commits_with_snapshots(connection: Connection, organization: str, repository: str) -> list[str]:
    """Every commit that a snapshot of the repository is pinned to."""
    table = snapshots.c
    where = (table.organization == organization, table.memory_repository == repository)
    return list(connection.execute(select(table.resolved_commit).where(*where).distinct()).scalars())


def affected_snapshots(
    connection: Connection, organization: str, bad: KnownBadRange, commits: Sequence[str]
) -> set[int]:
    """Row numbers of the repository's snapshots at one of the commits which selected one of the range's paths or
    records; where it names none, all of them.
    """
    found: set[int] = set()
    for start in range(0, len(commits), _CHUNK):
        where = [
            snapshots.c.organization == organization,
            snapshots.c.memory_repository == bad.memory_repository,
            snapshots.c.resolved_commit.in_(commits[start : start + _CHUNK]),
        ]
        statement = select(snapshots.c.id).where(*where)
        if bad.paths or bad.record_ids:
            sources = consumed.c
            statement = statement.join(consumed, sources.snapshot_id == snapshots.c.id).where(
                sources.path.in_(bad.paths) | sources.record_id.in_(bad.record_ids)
            )
        found.update(connection.execute(statement).scalars())
    return found
