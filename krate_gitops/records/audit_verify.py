"""Proving that the audit log is what was written: nothing changed, removed, reordered, or cut off.

Only somebody who writes all records and the head anew, from some number on, goes unnoticed here. Against that helps a
hash that was kept elsewhere: the last one of an earlier verification or export.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, select

from krate_gitops.digest import sha256_digest
from krate_gitops.progress import Progress, silent
from krate_gitops.records.audit_head import NO_HASH, Head, read_head
from krate_gitops.records.audit_record import AuditRecord
from krate_gitops.records.audit_rows import audit_id, group_rows, record_of, searchable
from krate_gitops.records.tables import audit_groups, audit_records

_CHUNK = 1000
_LEAST = -(2**63)


class BreakKind(enum.StrEnum):
    """What is wrong with a record, or with what should be one."""

    MISSING = "missing"
    CHANGED = "changed"
    MOVED = "moved"
    UNCHAINED = "unchained"
    COLUMNS = "columns"
    TRUNCATED = "truncated"
    HEAD = "head"


class Break(msgspec.Struct, frozen=True):
    """The first number at which the log is not what was written."""

    sequence: int
    what: BreakKind
    detail: str


class Verification(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """``records`` are those before the break; ``last_hash`` is the hash of the last of them."""

    organization: str
    records: int
    ok: bool
    first_break: Break | None = None
    last_hash: str = NO_HASH


class _Link(msgspec.Struct, frozen=True):
    """The record that was checked last."""

    sequence: int = 0
    hash: str = NO_HASH


def verify(connection: Connection, organization: str, *, progress: Progress = silent) -> Verification:
    """Checks the whole log of an organisation, up to its first break. Holds a thousand records in memory at most."""
    head = read_head(connection, organization)
    link, broken = _Link(), None
    for row, groups in _rows(connection, organization):
        broken = _break_at(row, groups, link)
        if broken is not None:
            break
        link = _Link(row.sequence, row.hash)
        if link.sequence % _CHUNK == 0:
            progress("verify", link.sequence, head.sequence)
    broken = broken or _break_at_end(head, link)
    return Verification(
        organization=organization,
        records=link.sequence,
        ok=broken is None,
        first_break=broken,
        last_hash=link.hash,
    )


def _rows(connection: Connection, organization: str) -> Iterator[tuple[Row[Any], list[str]]]:
    """Every row with the groups beside it, in the order of numbers."""
    records, groups = audit_records.c, audit_groups.c
    last = _LEAST
    while True:
        wanted = select(audit_records).where(records.organization == organization, records.sequence > last)
        chunk = connection.execute(wanted.order_by(records.sequence).limit(_CHUNK)).all()
        if not chunk:
            return
        numbers = groups.sequence.between(chunk[0].sequence, chunk[-1].sequence)
        named: dict[int, list[str]] = {}
        for group, sequence in connection.execute(
            select(groups.group, groups.sequence).where(groups.organization == organization, numbers)
        ):
            named.setdefault(sequence, []).append(group)
        for row in chunk:
            yield row, named.get(row.sequence, [])
        last = chunk[-1].sequence


def _break_at(row: Row[Any], groups: Sequence[str], before: _Link) -> Break | None:
    expected = before.sequence + 1
    if row.sequence != expected:
        return Break(expected, BreakKind.MISSING, f"the record before {row.sequence} is not there")
    if not isinstance(row.body, str) or sha256_digest(row.body.encode()) != row.hash:
        return Break(expected, BreakKind.CHANGED, "its content does not have its hash")
    try:
        record = record_of(row.body, row.hash)
    except msgspec.MsgspecError as error:
        return Break(expected, BreakKind.CHANGED, f"its content is no audit record: {error}")
    if (record.sequence, record.id, record.organization_ref) != (expected, audit_id(expected), row.organization):
        return Break(expected, BreakKind.MOVED, f"here stands {record.id} of {record.organization_ref}")
    if record.previous_hash != before.hash:
        return Break(expected, BreakKind.UNCHAINED, "it was not written after the record before it")
    differing = _differing(record, row._mapping, groups)
    if differing:
        return Break(expected, BreakKind.COLUMNS, f"it is searched by other values than its own: {differing}")
    return None


def _differing(record: AuditRecord, row: Mapping[Any, Any], groups: Sequence[str]) -> str:
    names = [name for name, value in searchable(record).items() if row[name] != value]
    if sorted(groups) != [own["group"] for own in group_rows(record)]:
        names.append("groups")
    return ", ".join(names)


def _break_at_end(head: Head, last: _Link) -> Break | None:
    if head.sequence > last.sequence:
        detail = f"the log had {head.sequence} records"
        return Break(last.sequence + 1, BreakKind.TRUNCATED, detail)
    if (head.sequence, head.hash) != (last.sequence, last.hash):
        return Break(last.sequence, BreakKind.HEAD, "the head of the log names another record as the last")
    return None
