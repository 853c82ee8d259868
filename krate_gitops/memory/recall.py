"""Snapshots read back: from the record store by name, or from a file that was written for somebody else."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection

from krate_gitops.errors import UsageError
from krate_gitops.memory.material import Material, decode, encode
from krate_gitops.memory.origin import Origin
from krate_gitops.memory.reference import check_organization, no_such_snapshot, snapshot_reference
from krate_gitops.memory.snapshot import (
    AgentMemoryQuery,
    AgentMemorySnapshot,
    KnownBadMark,
    QuerySpec,
    QueryStatus,
    SnapshotSpec,
    metadata,
    status,
)
from krate_gitops.records.consumers import SnapshotFilter, list_snapshots
from krate_gitops.records.database import Database
from krate_gitops.records.known_bad import KnownBadRange, ranges_of
from krate_gitops.records.snapshots import StoredSnapshot, find_object, find_query, find_snapshot, spoilt

T = TypeVar("T")

_MOST_FILE_BYTES = 64 << 20


class Kept(msgspec.Struct, frozen=True, dict=True):
    """A stored snapshot. ``stored`` are the bytes of its material; ``number`` is 0 for one from a file."""

    number: int
    snapshot: AgentMemorySnapshot
    query: AgentMemoryQuery
    stored: bytes
    origin: Origin

    @cached_property
    def material(self) -> Material:
        return decode(self.stored)


class SnapshotFile(msgspec.Struct, frozen=True):
    """The form in which a snapshot travels."""

    snapshot: AgentMemorySnapshot
    query: AgentMemoryQuery
    material: Material
    origin: Origin = Origin()


def recall(database: Database | None, text: str, organization: str) -> Kept:
    """The snapshot that a name, a qualified name or a file means.

    Raises ``DeniedError(CROSS_ORG_REF_DENIED)``, ``UnavailableError(NOT_FOUND)``,
    ``KrateError(MEMORY_SNAPSHOT_FAILED)`` when its material is damaged, and ``UsageError(INVALID_REQUEST)`` for a file
    that holds none.
    """
    name = snapshot_reference(text, organization)
    if name is None and _is_file(text):
        return _with_marks(database, read_file(Path(text), organization))
    if name is None or database is None:
        raise no_such_snapshot()
    with database.reading() as connection:
        found = find_snapshot(connection, organization, name)
        if found is None:
            raise no_such_snapshot()
        return load(connection, found)


def _with_marks(database: Database | None, kept: Kept) -> Kept:
    """A snapshot from a file, with what the store has learnt of it since the file was written."""
    if database is None:
        return kept
    with database.reading() as connection:
        found = find_snapshot(connection, kept.snapshot.spec.organization_ref, kept.snapshot.metadata.name)
        if found is None or found.snapshot.digest != kept.snapshot.status.digest:
            return kept
        return msgspec.structs.replace(kept, snapshot=_as_of_now(connection, found))


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):
        return False  # too long for a path, for instance


def load(connection: Connection, found: StoredSnapshot) -> Kept:
    """A stored snapshot with its query and material.

    Raises ``KrateError(MEMORY_SNAPSHOT_FAILED)`` for rows that are not as they were written and can't be read.
    """
    row = found.snapshot
    query = find_query(connection, found.id)
    return Kept(
        found.id,
        _as_of_now(connection, found),
        AgentMemoryQuery(
            metadata=metadata(query.name, row.organization, row.dispatch_run),
            spec=_decoded(found, query.spec, QuerySpec),
            status=_decoded(found, query.status, QueryStatus),
        ),
        find_object(connection, row.organization, row.selection_digest),
        _decoded(found, row.origin, Origin),
    )


def _decoded(found: StoredSnapshot, text: str, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.DecodeError as error:
        raise spoilt("rows", f"can't be read: {error}", location=found.snapshot.name) from None


def documents(connection: Connection, organization: str, found: Sequence[StoredSnapshot]) -> list[AgentMemorySnapshot]:
    """Snapshots of an organisation as resources, their status as of now.

    Raises ``KrateError(MEMORY_SNAPSHOT_FAILED)``.
    """
    ranges = ranges_of(connection, organization, [one.id for one in found])
    return [_document(one, ranges.get(one.id, ())) for one in found]


def _as_of_now(connection: Connection, found: StoredSnapshot) -> AgentMemorySnapshot:
    return documents(connection, found.snapshot.organization, [found])[0]


def _document(found: StoredSnapshot, ranges: Sequence[KnownBadRange]) -> AgentMemorySnapshot:
    row = found.snapshot
    spec = _decoded(found, row.spec, SnapshotSpec)
    marks = tuple(KnownBadMark(bad.reason, bad.ref, bad.marked_by, bad.marked_at) for bad in ranges)
    return AgentMemorySnapshot(
        metadata=metadata(row.name, row.organization, row.dispatch_run),
        spec=spec,
        status=status(row.digest, created_at=row.created_at, marks=marks),
    )


class Documents(msgspec.Struct, frozen=True, rename="camel"):
    """One page of snapshots."""

    items: list[AgentMemorySnapshot]
    next_cursor: str | None


def list_documents(
    database: Database | None, organization: str, wanted: SnapshotFilter, *, limit: int, cursor: str | None
) -> Documents:
    """Snapshots that have what is wanted, newest first; ``cursor`` is a page's ``next_cursor``.

    Raises ``UsageError(INVALID_REQUEST)`` for a cursor that is none.
    """
    if cursor is not None and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise UsageError("INVALID_REQUEST", "this is no cursor", hint="give back what a page said, unchanged")
    if database is None:
        return Documents([], None)
    with database.reading() as connection:
        page = list_snapshots(
            connection, organization, wanted, limit=limit, before=None if cursor is None else int(cursor)
        )
        items = documents(connection, organization, page.items)
    return Documents(items, None if page.next_before is None else str(page.next_before))


def read_file(path: Path, organization: str) -> Kept:
    """A snapshot from a file that ``file_form`` was written to."""
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_FILE_BYTES + 1)
    except OSError as error:
        raise _no_snapshot(path, error.strerror or str(error)) from None
    if len(text) > _MOST_FILE_BYTES:
        raise _no_snapshot(path, "it is too large")
    _check_organization_first(path, text, organization)
    try:
        found = msgspec.json.decode(text, type=SnapshotFile)
    except msgspec.DecodeError as error:
        raise _no_snapshot(path, str(error)) from None
    return Kept(0, found.snapshot, found.query, encode(found.material), found.origin)


def _check_organization_first(path: Path, text: bytes, organization: str) -> None:
    """Another organisation's file is refused before its content can make a difference."""
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError):
        raise _no_snapshot(path, "it is no JSON") from None
    snapshot = value.get("snapshot") if isinstance(value, dict) else None
    spec = snapshot.get("spec") if isinstance(snapshot, dict) else None
    named = spec.get("organizationRef") if isinstance(spec, dict) else None
    if isinstance(named, str):
        check_organization(named, organization, "AgentMemorySnapshot")


def file_form(kept: Kept) -> SnapshotFile:
    """The snapshot with all that a replay elsewhere needs, and nothing of this machine."""
    return SnapshotFile(
        kept.snapshot, kept.query, kept.material, Origin(root=kept.origin.root, fence=kept.origin.fence)
    )


def _no_snapshot(path: Path, why: str) -> UsageError:
    return UsageError(
        "INVALID_REQUEST",
        f"{path.name} holds no snapshot: {why}",
        hint="give a name, or a file made by `krate-gitops snapshot create --out`",
        location=str(path),
    )
