"""Notifications: who has to be told what. Each is written once, however often its cause is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from krate_gitops.records.tables import notifications

MOST = 200


class Notification(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """``recipient`` is an id such as ``user:ann`` or ``team:payments``; ``subject`` is one line, ``text`` a few.

    ``facts`` says the same for programs. Two with the same ``dedupe_key`` are one.
    """

    recipient: str
    subject: str
    dedupe_key: str
    text: str
    created_at: str
    facts: dict[str, Any] = {}


class NotificationPage(msgspec.Struct, frozen=True):
    """Notifications, and the row to go on below where there are more."""

    items: list[Notification]
    next_before: int | None


def insert_notifications(connection: Connection, organization: str, new: Sequence[Notification]) -> int:
    """Writes those that are not there yet; how many that were."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement: Any = dialect.insert(notifications).on_conflict_do_nothing().returning(notifications.c.id)
    return sum(
        connection.execute(statement, _row(organization, one)).scalar() is not None
        for one in {one.dedupe_key: one for one in new}.values()
    )


def _row(organization: str, one: Notification) -> dict[str, str]:
    return {
        "organization": organization,
        "recipient": one.recipient,
        "subject": one.subject,
        "dedupe_key": one.dedupe_key,
        "body": msgspec.json.encode(one).decode(),
    }


def list_notifications(
    connection: Connection,
    organization: str,
    *,
    recipient: str | None = None,
    limit: int = 50,
    before: int | None = None,
) -> NotificationPage:
    """One page, newest first: all, or those of a recipient. ``before`` is a page's ``next_before``."""
    table = notifications.c
    statement = select(table.id, table.body).where(table.organization == organization)
    if recipient is not None:
        statement = statement.where(table.recipient == recipient)
    if before is not None:
        statement = statement.where(table.id < before)
    rows = connection.execute(statement.order_by(table.id.desc()).limit(limit + 1)).all()
    items = [msgspec.json.decode(row.body, type=Notification) for row in rows[:limit]]
    return NotificationPage(items, rows[limit - 1].id if len(rows) > limit else None)
