"""Snapshots as rows: written once, all of one together, and found by name or by what they consumed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import zstandard
from sqlalchemy import Connection, Select, Table, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from krate_gitops.digest import sha256_digest
from krate_gitops.errors import KrateError
from krate_gitops.records.tables import consumed, objects, queries, snapshot_tags, snapshots

_LEVEL = 1


class SnapshotRow(msgspec.Struct, frozen=True, kw_only=True):
    """One snapshot. ``spec`` and ``origin`` are JSON; times are RFC 3339 in UTC to the second."""

    organization: str
    name: str
    memory_repository: str
    resolved_commit: str
    created_at: str
    dispatch_run: str | None
    session_ref: str | None
    selection_digest: str
    spec: str
    digest: str
    origin: str


class QueryRow(msgspec.Struct, frozen=True, kw_only=True):
    """The query a snapshot froze. ``spec`` and ``status`` are JSON."""

    name: str
    spec: str
    status: str


class Consumed(NamedTuple):
    """A file that a snapshot selected something of, and the record, where it is of one."""

    record_id: str | None
    path: str


class NewSnapshot(msgspec.Struct, frozen=True):
    """All that is kept of one snapshot. ``selection`` are the bytes whose digest the row names."""

    snapshot: SnapshotRow
    query: QueryRow
    consumed: tuple[Consumed, ...]
    selection: bytes


class StoredSnapshot(msgspec.Struct, frozen=True):
    """A snapshot as it lies in the store."""

    id: int
    snapshot: SnapshotRow


def insert_snapshots(connection: Connection, new: Sequence[NewSnapshot]) -> list[int]:
    """Writes snapshots; their row numbers. Raises SQLAlchemy's ``IntegrityError`` for a name that exists."""
    if not new:
        return []
    _insert_objects(connection, new)
    statement = insert(snapshots).returning(snapshots.c.id, sort_by_parameter_order=True)
    rows = [msgspec.to_builtins(one.snapshot) for one in new]
    numbers = list(connection.execute(statement, rows).scalars())
    connection.execute(
        insert(queries),
        [
            {"organization": one.snapshot.organization, "snapshot_id": number, **msgspec.to_builtins(one.query)}
            for number, one in zip(numbers, new, strict=True)
        ],
    )
    _insert_consumed(
        connection,
        [
            {
                "snapshot_id": number,
                "number": at,
                "organization": one.snapshot.organization,
                "record_id": source.record_id,
                "path": source.path,
            }
            for number, one in zip(numbers, new, strict=True)
            for at, source in enumerate(one.consumed, 1)
        ],
    )
    return numbers


def _insert_consumed(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Inserts by the driver itself: there are many rows, and their values need no conversion."""
    if not rows:
        return
    compiled = insert(consumed).compile(dialect=connection.dialect)
    if compiled.positiontup is None:
        connection.exec_driver_sql(str(compiled), list(rows))
    else:
        names = compiled.positiontup
        connection.exec_driver_sql(str(compiled), [tuple(row[name] for name in names) for row in rows])


def _insert_objects(connection: Connection, new: Sequence[NewSnapshot]) -> None:
    found = {(one.snapshot.organization, one.snapshot.selection_digest): one.selection for one in new}
    insert_objects(connection, found)


def insert_objects(connection: Connection, contents: Mapping[tuple[str, str], bytes]) -> None:
    """Stores material by organisation and digest; what is there already stays."""
    compressor = zstandard.ZstdCompressor(level=_LEVEL)
    rows = [
        {
            "organization": organization,
            "digest": digest,
            "bytes": len(content),
            "content": compressor.compress(content),
        }
        for (organization, digest), content in contents.items()
    ]
    if rows:
        connection.execute(_insert_if_new(connection, objects), rows)


def _insert_if_new(connection: Connection, table: Table) -> Any:
    """Equal material of two snapshots is stored once."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    return dialect.insert(table).on_conflict_do_nothing()


def find_snapshot(connection: Connection, organization: str, name: str) -> StoredSnapshot | None:
    """The snapshot of that name in the organisation."""
    return find_snapshots(connection, organization, [name]).get(name)


def find_snapshots(connection: Connection, organization: str, names: Sequence[str]) -> dict[str, StoredSnapshot]:
    """Those of the names that there are in the organisation."""
    where = (snapshots.c.organization == organization, snapshots.c.name.in_(names))
    return {found.snapshot.name: found for found in read_snapshots(connection, select(snapshots).where(*where))}


def find_query(connection: Connection, snapshot_id: int) -> QueryRow:
    """The query that a snapshot froze. Raises ``KrateError(MEMORY_SNAPSHOT_FAILED)`` where it has not one."""
    columns = (queries.c.name, queries.c.spec, queries.c.status)
    rows = connection.execute(select(*columns).where(queries.c.snapshot_id == snapshot_id)).all()
    if len(rows) != 1:
        raise spoilt("query", f"is there {len(rows)} times")
    [row] = rows
    return QueryRow(name=row.name, spec=row.spec, status=row.status)


def find_consumed(connection: Connection, snapshot_id: int) -> tuple[Consumed, ...]:
    """What a snapshot selected something of, in order of rank."""
    columns = (consumed.c.record_id, consumed.c.path)
    statement = select(*columns).where(consumed.c.snapshot_id == snapshot_id).order_by(consumed.c.number)
    return tuple(Consumed(*row) for row in connection.execute(statement))


def find_object(connection: Connection, organization: str, digest: str) -> bytes:
    """Stored material, proven to be what its digest says.

    Raises ``KrateError(MEMORY_SNAPSHOT_FAILED)`` for material that is missing or was changed.
    """
    where = (objects.c.organization == organization, objects.c.digest == digest)
    stored = connection.execute(select(objects.c.bytes, objects.c.content).where(*where)).one_or_none()
    if stored is None:
        raise spoilt("selection", "is missing", location=digest)
    try:
        # A frame says its own size, and the limit below counts only where it does not.
        if zstandard.frame_content_size(stored.content) != stored.bytes:
            raise zstandard.ZstdError
        content = zstandard.ZstdDecompressor().decompress(stored.content, max_output_size=stored.bytes)
    except zstandard.ZstdError:
        raise spoilt("selection", "is damaged", location=digest) from None
    if sha256_digest(content) != digest:
        raise spoilt("selection", "was changed", location=digest)
    return content


def read_snapshots(connection: Connection, statement: Select[Any]) -> list[StoredSnapshot]:
    """Rows of a selection of the table's columns."""
    rows = (dict(row) for row in connection.execute(statement).mappings())
    return [StoredSnapshot(row.pop("id"), SnapshotRow(**row)) for row in rows]


def insert_tag(connection: Connection, stored: StoredSnapshot, tag: str) -> None:
    """Records the commit that a snapshot tag was put on."""
    row = {
        "organization": stored.snapshot.organization,
        "memory_repository": stored.snapshot.memory_repository,
        "tag": tag,
        "commit": stored.snapshot.resolved_commit,
        "snapshot_id": stored.id,
    }
    connection.execute(insert(snapshot_tags), row)


def find_tag(connection: Connection, snapshot_id: int) -> str | None:
    """The full name of the tag that a snapshot was given."""
    return connection.execute(select(snapshot_tags.c.tag).where(snapshot_tags.c.snapshot_id == snapshot_id)).scalar()


def find_tags(connection: Connection, organization: str, repository: str, names: Sequence[str]) -> dict[str, str]:
    """Commits recorded for those of the full names that are snapshot tags of the repository."""
    table = snapshot_tags.c
    where = (table.organization == organization, table.memory_repository == repository, table.tag.in_(names))
    return {row.tag: row.commit for row in connection.execute(select(table.tag, table.commit).where(*where))}


def spoilt(part: str, what: str, *, location: str = "") -> KrateError:
    """The error of a snapshot of which a part is not as it was written."""
    return KrateError(
        "MEMORY_SNAPSHOT_FAILED",
        f"the stored {part} {what}",
        hint="restore the record store from a backup; `krate-gitops snapshot verify` checks all of it",
        location=location,
    )
