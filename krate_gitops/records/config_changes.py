"""Changes of config repositories: what was asked for, the commit that holds it, and what became of it."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, func, insert, select

from krate_gitops.records.tables import config_change_states, config_changes

MOST = 200


class Status(enum.StrEnum):
    """Where a change is on its way."""

    PENDING = "Pending"
    """It was begun; whether its push came through isn't known yet."""
    PROPOSED = "Proposed"
    MERGED = "Merged"
    APPLIED = "Applied"
    REJECTED = "Rejected"
    SUPERSEDED = "Superseded"
    FAILED = "Failed"


OPEN = (Status.PENDING, Status.PROPOSED, Status.MERGED)
"""What may still become something else."""


class ChangedObject(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One object that a change touches: ``operation`` is create, update or delete, ``fields`` are pointers."""

    operation: str
    kind: str
    name: str
    path: str
    fields: tuple[str, ...] = ()


class ConfigChange(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A change as it was begun. ``branch`` is the one that is pushed to, ``mode`` pull-request or direct."""

    name: str
    organization: str
    source: str
    source_uid: str
    repository: str
    path: str
    target_branch: str
    branch: str
    mode: str
    base_commit: str
    commit: str
    change_digest: str
    idempotency_key: str
    actor: str
    message: str
    correlation_id: str
    created_at: str
    paths: tuple[str, ...] = ()
    objects: tuple[ChangedObject, ...] = ()
    request_id: str | None = None
    plan_digest: str | None = None


class State(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What became of a change, and when that was found out."""

    status: Status
    at: str
    commit: str | None = None
    pull_request: str | None = None
    reason: str | None = None


class StoredChange(NamedTuple):
    """A change with its row number, and its newest state where there is one."""

    id: int
    change: ConfigChange
    state: State | None

    @property
    def status(self) -> Status:
        """The newest status."""
        return self.state.status if self.state else Status.PENDING

    @property
    def commit(self) -> str:
        """The commit that holds it: the first one, or the one it was built again as."""
        return (self.state.commit if self.state else None) or self.change.commit


def insert_change(connection: Connection, change: ConfigChange) -> int:
    """Writes a change; its row number. One with its idempotency key comes as SQLAlchemy's ``IntegrityError``."""
    row = {
        "organization": change.organization,
        "idempotency_key": change.idempotency_key,
        "name": change.name,
        "source_uid": change.source_uid,
        "change_digest": change.change_digest,
        "commit": change.commit,
        "body": msgspec.json.encode(change).decode(),
    }
    return int(connection.execute(insert(config_changes).returning(config_changes.c.id), row).scalar_one())


def insert_state(connection: Connection, organization: str, change_id: int, state: State) -> None:
    """Writes what became of a change."""
    row = {
        "organization": organization,
        "change_id": change_id,
        "status": state.status.value,
        "body": msgspec.json.encode(state).decode(),
    }
    connection.execute(insert(config_change_states), row)


def find_change(
    connection: Connection, organization: str, idempotency_key: str, *, locks: bool = False
) -> StoredChange | None:
    """The change with a key. ``locks`` keeps others from finding out the same at once, until the transaction ends."""
    if locks:
        table = config_changes.c
        where = (table.organization == organization, table.idempotency_key == idempotency_key)
        connection.execute(select(table.id).where(*where).with_for_update())
    found = _read(connection, organization, [config_changes.c.idempotency_key == idempotency_key], limit=1)
    return found[0] if found else None


def list_changes(
    connection: Connection,
    organization: str,
    *,
    source_uid: str | None = None,
    name: str | None = None,
    change_digest: str | None = None,
    limit: int = MOST,
) -> list[StoredChange]:
    """Changes of an organisation, newest first."""
    table = config_changes.c
    where = [table.source_uid == source_uid] if source_uid is not None else []
    where += [table.name == name] if name is not None else []
    where += [table.change_digest == change_digest] if change_digest is not None else []
    return _read(connection, organization, where, limit=limit)


def _read(connection: Connection, organization: str, where: Sequence[object], *, limit: int) -> list[StoredChange]:
    table, states = config_changes.c, config_change_states.c
    statement = select(table.id, table.body).where(table.organization == organization, *where)  # type: ignore[arg-type]
    rows = connection.execute(statement.order_by(table.id.desc()).limit(limit)).all()
    numbers = [row.id for row in rows]
    newest = (
        select(func.max(states.id))
        .where(states.organization == organization, states.change_id.in_(numbers))
        .group_by(states.change_id)
    )
    found = connection.execute(select(states.change_id, states.body).where(states.id.in_(newest))).all()
    state_of = {row.change_id: msgspec.json.decode(row.body, type=State) for row in found}
    return [
        StoredChange(row.id, msgspec.json.decode(row.body, type=ConfigChange), state_of.get(row.id)) for row in rows
    ]
