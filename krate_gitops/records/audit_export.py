"""The audit log as JSON Lines, closed by a hash."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from sqlalchemy import Connection

from krate_gitops.encoding import json_lines
from krate_gitops.records.audit_filter import AuditFilter
from krate_gitops.records.audit_head import Head, read_head
from krate_gitops.records.audit_query import LARGEST_PAGE, query, tail
from krate_gitops.records.audit_record import AuditRecord


def export_lines(connection: Connection | None, wanted: AuditFilter) -> Iterator[str]:
    """A line for each record, oldest first, then one that closes the export; without a store only that.

    The last line is ``{"closing": {…}}``: how many records there are, ``hash``, the digest of all bytes before that
    line, and the number and hash of the log's last record, which prove later that nothing was cut off.
    """
    digest = hashlib.sha256()
    records = 0
    for line in () if connection is None else json_lines(_records(connection, wanted)):
        digest.update(line.encode())
        records += 1
        yield line
    head = Head() if connection is None else read_head(connection, wanted.organization)
    closing = {
        "organizationRef": wanted.organization,
        "records": records,
        "hash": f"sha256:{digest.hexdigest()}",
        "lastSequence": head.sequence,
        "lastHash": head.hash,
    }
    yield from json_lines([{"closing": closing}])


def _records(connection: Connection, wanted: AuditFilter) -> Iterator[AuditRecord]:
    page = tail(connection, wanted, after=0, limit=LARGEST_PAGE)
    yield from page.items
    while page.next_cursor is not None:
        page = query(connection, wanted, limit=LARGEST_PAGE, cursor=page.next_cursor)
        yield from page.items
