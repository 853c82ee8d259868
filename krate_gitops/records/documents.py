"""Updates and imports as rows: what names a document for good, and the whole of it after each step.

A step is taken from a numbered state to the next number. Of two who take a step from the same state one gets the
number, and the other is told so by SQLAlchemy's ``IntegrityError``: nothing is decided on an old state.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Table, func, insert, select

from krate_gitops.records.tables import memory_import_states, memory_imports, memory_update_states, memory_updates

MOST = 200


class Shelf(NamedTuple):
    """The tables of one kind of document; ``key`` is the column of a state that points at its document."""

    documents: Table
    states: Table
    key: str


UPDATES = Shelf(memory_updates, memory_update_states, "update_id")
IMPORTS = Shelf(memory_imports, memory_import_states, "import_id")


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """What never changes of a document. ``created_at`` is RFC 3339 in UTC to the second."""

    organization: str
    name: str
    memory_repository: str
    source_run: str | None
    idempotency_key: str
    created_at: str


class Stored(NamedTuple):
    """A document as it is now: its row, the number of its newest state, and that state's ``body`` in JSON."""

    id: int
    number: int
    identity: Identity
    phase: str
    updated_at: str
    body: str


class Step(NamedTuple):
    """The state that follows."""

    phase: str
    updated_at: str
    body: str


def insert_document(connection: Connection, shelf: Shelf, identity: Identity, first: Step) -> Stored:
    """Writes a document with its first state. One of its name comes as SQLAlchemy's ``IntegrityError``."""
    statement = insert(shelf.documents).returning(shelf.documents.c.id)
    number = int(connection.execute(statement, msgspec.to_builtins(identity)).scalar_one())
    return _insert_state(connection, shelf, number, identity, 1, first)


def insert_step(connection: Connection, shelf: Shelf, stored: Stored, step: Step) -> Stored:
    """Writes what follows a state; SQLAlchemy's ``IntegrityError`` when another step followed it already."""
    return _insert_state(connection, shelf, stored.id, stored.identity, stored.number + 1, step)


def _insert_state(
    connection: Connection, shelf: Shelf, document: int, identity: Identity, number: int, step: Step
) -> Stored:
    row = {"organization": identity.organization, shelf.key: document, "number": number, **step._asdict()}
    connection.execute(insert(shelf.states), row)
    return Stored(document, number, identity, step.phase, step.updated_at, step.body)


def find_document(connection: Connection, shelf: Shelf, organization: str, name: str) -> Stored | None:
    """The document of a name, as it is now."""
    found = _read(connection, shelf, organization, [shelf.documents.c.name == name], limit=1)
    return found[0] if found else None


def list_documents(
    connection: Connection,
    shelf: Shelf,
    organization: str,
    *,
    memory_repository: str | None = None,
    source_run: str | None = None,
    idempotency_key: str | None = None,
    phases: Collection[str] | None = None,
    limit: int = MOST,
) -> list[Stored]:
    """Documents of an organisation as they are now, newest first."""
    table = shelf.documents.c
    where: list[Any] = []
    where += [table.memory_repository == memory_repository] if memory_repository is not None else []
    where += [table.source_run == source_run] if source_run is not None else []
    where += [table.idempotency_key == idempotency_key] if idempotency_key is not None else []
    return _read(connection, shelf, organization, where, phases=phases, limit=limit)


def count_documents(connection: Connection, shelf: Shelf, organization: str, *, source_run: str) -> int:
    """How many documents a run has led to."""
    table = shelf.documents.c
    where = (table.organization == organization, table.source_run == source_run)
    return int(connection.execute(select(func.count()).select_from(shelf.documents).where(*where)).scalar_one())


def _read(
    connection: Connection,
    shelf: Shelf,
    organization: str,
    where: Sequence[Any],
    *,
    phases: Collection[str] | None = None,
    limit: int,
) -> list[Stored]:
    documents, states = shelf.documents.c, shelf.states.c
    later = shelf.states.alias()
    is_newest = ~(
        select(later.c.id).where(later.c[shelf.key] == states[shelf.key], later.c.number > states.number).exists()
    )
    statement = (
        select(shelf.documents, states.number, states.phase, states.updated_at, states.body)
        .join_from(shelf.documents, shelf.states, states[shelf.key] == documents.id)
        .where(documents.organization == organization, is_newest, *where)
        .order_by(documents.id.desc())
        .limit(limit)
    )
    if phases is not None:
        statement = statement.where(states.phase.in_(sorted(phases)))
    return [_stored(row) for row in connection.execute(statement)]


def _stored(row: Any) -> Stored:
    identity = Identity(**{name: getattr(row, name) for name in Identity.__struct_fields__})
    return Stored(row.id, row.number, identity, row.phase, row.updated_at, row.body)
