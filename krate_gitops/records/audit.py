"""Appending to the audit log.

Each organisation has a chain of its own: numbers from 1 without a gap, times that never go back, and in every record
the hash of the one before. The caller brings the transaction, so that what is done and the record of it are stored
together or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from krate_gitops.digest import json_digest
from krate_gitops.errors import KrateError
from krate_gitops.records.audit_clean import cleaned
from krate_gitops.records.audit_record import AuditRecord, Entry
from krate_gitops.records.audit_rows import group_rows, sealed, searchable
from krate_gitops.records.tables import audit_groups, audit_heads, audit_records

NO_HASH = json_digest({})
"""``previousHash`` of an organisation's first record: the digest of an empty object."""


class Head(msgspec.Struct, frozen=True):
    """The last record of an organisation; sequence 0 when there is none."""

    sequence: int = 0
    time: str = ""
    hash: str = NO_HASH


def append(connection: Connection, entries: Sequence[Entry], *, now: datetime) -> list[AuditRecord]:
    """Appends entries of one organisation, in their order; durable when the caller's transaction is.

    ``now`` is cut to milliseconds, and replaced by the time of the record before when that is later: a clock that was
    set back must not make the log look reordered. Until the transaction ends, others who append for the organisation
    wait. Raises ``KrateError(AUDIT_RECORD_INVALID)`` for an entry that breaks the schema; nothing is written then.
    """
    drafts = [cleaned(entry) for entry in entries]
    if not drafts:
        return []
    organization = entries[0].organization_ref
    if any(entry.organization_ref != organization for entry in entries):
        raise KrateError("AUDIT_RECORD_INVALID", "entries of several organisations can't be appended at once")
    head = _locked_head(connection, organization)
    written = _chained(drafts, head, max(head.time, timestamp(now)))
    records = [record for record, _ in written]
    connection.execute(
        insert(audit_records),
        [{**searchable(record), "body": body, "hash": record.hash} for record, body in written],
    )
    groups = [row for record in records for row in group_rows(record)]
    if groups:
        connection.execute(insert(audit_groups), groups)
    last = records[-1]
    connection.execute(
        update(audit_heads)
        .where(audit_heads.c.organization == organization)
        .values(sequence=last.sequence, time=last.time, hash=last.hash)
    )
    return records


def read_head(connection: Connection, organization: str) -> Head:
    """The last record of an organisation as the log remembers it."""
    row = connection.execute(_head_of(organization)).first()
    return Head() if row is None else Head(row.sequence, row.time, row.hash)


def timestamp(moment: datetime) -> str:
    """``2026-03-02T09:15:04.120Z``; texts of this form sort as the times do."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _chained(drafts: list[dict[str, Any]], head: Head, time: str) -> list[tuple[AuditRecord, str]]:
    written: list[tuple[AuditRecord, str]] = []
    previous = head.hash
    for sequence, draft in enumerate(drafts, head.sequence + 1):
        place = {"id": f"aud-{sequence:016d}", "sequence": sequence, "time": time, "previousHash": previous}
        record, body = sealed({**draft, **place})
        written.append((record, body))
        previous = record.hash
    return written


def _locked_head(connection: Connection, organization: str) -> Head:
    wanted = _head_of(organization).with_for_update()
    row = connection.execute(wanted).first()
    if row is None:
        # Two may be the first at once; on PostgreSQL the second waits here for the transaction of the other.
        make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        first = {"organization": organization, **msgspec.structs.asdict(Head())}
        connection.execute(make(audit_heads).values(first).on_conflict_do_nothing())
        row = connection.execute(wanted).one()
    return Head(row.sequence, row.time, row.hash)


def _head_of(organization: str) -> Select[tuple[int, str, str]]:
    columns = audit_heads.c
    return select(columns.sequence, columns.time, columns.hash).where(columns.organization == organization)
