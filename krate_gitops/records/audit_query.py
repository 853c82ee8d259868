"""Reading the audit log: pages, the tail, and counts.

Numbers are given out in the order of commits and never reused. So a page ends at a number, the next one begins there,
and records that were appended in between move nothing.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

import msgspec
from sqlalchemy import Connection, func, select

from krate_gitops.errors import UsageError
from krate_gitops.records.audit_filter import AuditFilter, condition
from krate_gitops.records.audit_record import AuditRecord
from krate_gitops.records.audit_rows import record_of
from krate_gitops.records.tables import audit_records

PAGE, LARGEST_PAGE = 50, 500


class Page(msgspec.Struct, frozen=True, rename="camel"):
    """Some records, and where the next ones are; ``None`` where there are no more."""

    items: tuple[AuditRecord, ...] = ()
    next_cursor: str | None = None


class Counts(msgspec.Struct, frozen=True, rename="camel"):
    """How many records there are, in all and by what; hours are UTC, ``2026-03-02T09``."""

    total: int = 0
    by_class: Mapping[str, int] = {}
    by_type: Mapping[str, int] = {}
    by_hour: Mapping[str, int] = {}


class _Cursor(msgspec.Struct, frozen=True, omit_defaults=True):
    """Before or after which number a page begins, for one filter."""

    wanted: str
    before: int | None = None
    after: int | None = None


def query(connection: Connection, wanted: AuditFilter, *, limit: int = PAGE, cursor: str | None = None) -> Page:
    """The newest records first, or the page that an earlier one's ``next_cursor`` leads to.

    Raises ``UsageError(INVALID_REQUEST)`` for a limit out of range and for a cursor that is not of this filter.
    """
    return _page(
        connection, wanted, _Cursor(wanted.fingerprint()) if cursor is None else _decoded(cursor, wanted), limit
    )


def tail(connection: Connection, wanted: AuditFilter, *, after: int, limit: int = PAGE) -> Page:
    """The records after a number, oldest first. Its cursor is for ``query``. Raises as that does."""
    return _page(connection, wanted, _Cursor(wanted.fingerprint(), after=after), limit)


def count(connection: Connection, wanted: AuditFilter) -> Counts:
    """Counts of the records that match."""
    by = {
        "by_class": audit_records.c["class"],
        "by_type": audit_records.c.type,
        "by_hour": func.substr(audit_records.c.time, 1, len("2026-03-02T09")),
    }
    found: dict[str, dict[str, int]] = {}
    for name, key in by.items():
        label = key.label("key")
        number = func.count().label("number")
        rows = connection.execute(select(label, number).where(condition(wanted)).group_by(label).order_by(label))
        found[name] = {row.key: row.number for row in rows}
    return Counts(total=sum(found["by_class"].values()), **found)


def _page(connection: Connection, wanted: AuditFilter, place: _Cursor, limit: int) -> Page:
    if not 1 <= limit <= LARGEST_PAGE:
        raise UsageError("INVALID_REQUEST", f"limit must be from 1 to {LARGEST_PAGE}")
    sequence = audit_records.c.sequence
    statement = select(audit_records.c.body, audit_records.c.hash).where(condition(wanted))
    if place.before is not None:
        statement = statement.where(sequence < place.before)
    if place.after is not None:
        statement = statement.where(sequence > place.after)
    order = sequence.asc() if place.after is not None else sequence.desc()
    rows = connection.execute(statement.order_by(order).limit(limit + 1)).all()
    items = tuple(record_of(row.body, row.hash) for row in rows[:limit])
    if len(rows) <= limit:
        return Page(items)
    last = items[-1].sequence
    following = _Cursor(place.wanted, after=last) if place.after is not None else _Cursor(place.wanted, before=last)
    return Page(items, _encoded(following))


def _encoded(cursor: _Cursor) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).decode().rstrip("=")


def _decoded(text: str, wanted: AuditFilter) -> _Cursor:
    try:
        cursor = msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=_Cursor)
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        cursor = None
    if cursor is None or cursor.wanted != wanted.fingerprint():
        raise UsageError(
            "INVALID_REQUEST", "the cursor does not belong to this query", hint="repeat the filters it was printed for"
        )
    return cursor
