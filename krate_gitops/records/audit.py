"""Appending to the audit log.

Each organisation has a chain of its own: numbers from 1 without a gap, times that never go back, and in every record
the hash of the one before. The caller brings the transaction, so that what is done and the record of it are stored
together or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert

from krate_gitops.errors import KrateError
from krate_gitops.records.audit_clean import cleaned
from krate_gitops.records.audit_head import Head, locked_head, move_head
from krate_gitops.records.audit_record import AuditRecord, Entry
from krate_gitops.records.audit_rows import audit_id, group_rows, sealed, searchable, timestamp
from krate_gitops.records.tables import audit_groups, audit_records


def append(connection: Connection, entries: Sequence[Entry], *, now: datetime) -> list[AuditRecord]:
    """Appends entries of one organisation, in their order; durable when the caller's transaction is.

    ``now`` is cut to milliseconds, and replaced by the time of the record before when that is later: a clock that was
    set back must not make the log look reordered. Until the transaction ends, others who append for the organisation
    wait.

    Raises ``KrateError``, and has written nothing then: ``AUDIT_RECORD_INVALID`` for an entry that breaks the schema,
    ``DIGEST_INPUT_INVALID`` for details that are no canonical JSON, such as floats.
    """
    drafts = [cleaned(entry) for entry in entries]
    if not drafts:
        return []
    organization = entries[0].organization_ref
    if any(entry.organization_ref != organization for entry in entries):
        raise KrateError("AUDIT_RECORD_INVALID", "entries of several organisations can't be appended at once")
    head = locked_head(connection, organization)
    written = _chained(drafts, head, max(head.time, timestamp(now)))
    records = [record for record, _ in written]
    connection.execute(
        insert(audit_records),
        [{**searchable(record), "body": body, "hash": record.hash} for record, body in written],
    )
    groups = [row for record in records for row in group_rows(record)]
    if groups:
        connection.execute(insert(audit_groups), groups)
    move_head(connection, organization, records[-1])
    return records


def _chained(drafts: list[dict[str, Any]], head: Head, time: str) -> list[tuple[AuditRecord, str]]:
    written: list[tuple[AuditRecord, str]] = []
    previous = head.hash
    for sequence, draft in enumerate(drafts, head.sequence + 1):
        place = {"id": audit_id(sequence), "sequence": sequence, "time": time, "previousHash": previous}
        record, body = sealed({**draft, **place})
        written.append((record, body))
        previous = record.hash
    return written
