"""The last record of each organisation: where the next one goes, and what must not be missing at the end."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, Select, select, update
from sqlalchemy.dialects import postgresql, sqlite

from krate_gitops.digest import json_digest
from krate_gitops.records.audit_record import AuditRecord
from krate_gitops.records.tables import audit_heads

NO_HASH = json_digest({})
"""``previousHash`` of an organisation's first record: the digest of an empty object."""


class Head(msgspec.Struct, frozen=True):
    """The last record of an organisation; sequence 0 when there is none."""

    sequence: int = 0
    time: str = ""
    hash: str = NO_HASH


def read_head(connection: Connection, organization: str) -> Head:
    """The last record as the log remembers it."""
    row = connection.execute(_head_of(organization)).first()
    return Head() if row is None else Head(row.sequence, row.time, row.hash)


def locked_head(connection: Connection, organization: str) -> Head:
    """The last record, which stays so until the transaction ends: others who append wait here."""
    wanted = _head_of(organization).with_for_update()
    row = connection.execute(wanted).first()
    if row is None:
        # Two may be the first at once; on PostgreSQL the second waits here for the transaction of the other.
        make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        first = {"organization": organization, **msgspec.structs.asdict(Head())}
        connection.execute(make(audit_heads).values(first).on_conflict_do_nothing())
        row = connection.execute(wanted).one()
    return Head(row.sequence, row.time, row.hash)


def move_head(connection: Connection, organization: str, last: AuditRecord) -> None:
    """Makes a record the last one."""
    connection.execute(
        update(audit_heads)
        .where(audit_heads.c.organization == organization)
        .values(sequence=last.sequence, time=last.time, hash=last.hash)
    )


def _head_of(organization: str) -> Select[tuple[int, str, str]]:
    columns = audit_heads.c
    return select(columns.sequence, columns.time, columns.hash).where(columns.organization == organization)
