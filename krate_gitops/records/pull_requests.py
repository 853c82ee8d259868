"""Pull requests and statuses of commits where no forge keeps them: rows that are added and never changed.

A pull request is its row and what was recorded about it since. It is over by the first ``closed`` or ``merged``.
"""

from __future__ import annotations

import enum
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, Table, exists, func, insert, select

from krate_gitops.records.tables import commit_statuses, pull_request_events, pull_requests


class EventKind(enum.StrEnum):
    """What can be recorded about a pull request."""

    DESCRIBED = "described"
    COMMENTED = "commented"
    REVIEWED = "reviewed"
    CLOSED = "closed"
    MERGED = "merged"


_FINAL = (EventKind.CLOSED.value, EventKind.MERGED.value)


class Place(NamedTuple):
    """The repository whose rows are meant."""

    organization: str
    memory_repository: str


class PullRow(NamedTuple):
    """A pull request as it was opened. Numbers of a repository start at 1 and have no gap."""

    number: int
    branch: str
    target: str


class EventRow(NamedTuple):
    """Something that was recorded. ``body`` is JSON."""

    kind: EventKind
    body: str


def next_number(connection: Connection, place: Place) -> int:
    """The number that a new pull request gets.

    Two that ask at once get the same one, and one of them fails at ``insert_pull``. Whoever wants to know whether
    there is one already asks for the number first: then what is opened meanwhile makes the insertion fail.
    """
    newest = func.coalesce(func.max(pull_requests.c.number), 0)
    statement = select(newest).where(*_within(pull_requests, place))
    return int(connection.execute(statement).scalar_one()) + 1


def insert_pull(connection: Connection, place: Place, row: PullRow) -> None:
    """Writes a pull request; a number that is taken comes as SQLAlchemy's ``IntegrityError``."""
    connection.execute(insert(pull_requests), {**place._asdict(), **row._asdict()})


def insert_event(connection: Connection, place: Place, number: int, event: EventRow) -> None:
    """Records what happened to a pull request."""
    row = {**place._asdict(), "number": number, "kind": event.kind.value, "body": event.body}
    connection.execute(insert(pull_request_events), row)


def find_pull(connection: Connection, place: Place, number: int) -> PullRow | None:
    """The pull request of that number."""
    table = pull_requests.c
    statement = select(table.number, table.branch, table.target).where(
        *_within(pull_requests, place), table.number == number
    )
    row = connection.execute(statement).one_or_none()
    return PullRow(*row) if row else None


def find_unfinished(connection: Connection, place: Place, branch: str, target: str) -> PullRow | None:
    """The newest pull request of a branch that is neither closed nor merged, as far as was recorded."""
    table, events = pull_requests.c, pull_request_events.c
    is_over = exists().where(
        *_within(pull_request_events, place), events.number == table.number, events.kind.in_(_FINAL)
    )
    where = (*_within(pull_requests, place), table.branch == branch, table.target == target, ~is_over)
    statement = select(table.number, table.branch, table.target).where(*where).order_by(table.number.desc()).limit(1)
    row = connection.execute(statement).one_or_none()
    return PullRow(*row) if row else None


def read_events(connection: Connection, place: Place, number: int, *kinds: EventKind) -> list[EventRow]:
    """What was recorded about a pull request, oldest first; of all kinds, or of those named."""
    table = pull_request_events.c
    where = [*_within(pull_request_events, place), table.number == number]
    if kinds:
        where.append(table.kind.in_([kind.value for kind in kinds]))
    rows = connection.execute(select(table.kind, table.body).where(*where).order_by(table.id))
    return [EventRow(EventKind(row.kind), row.body) for row in rows]


def insert_status(connection: Connection, place: Place, commit: str, context: str, body: str) -> None:
    """Records a status of a commit; ``body`` is JSON."""
    connection.execute(insert(commit_statuses), {**place._asdict(), "commit": commit, "context": context, "body": body})


def newest_status(connection: Connection, place: Place, commit: str, context: str) -> str | None:
    """JSON of the status that counts."""
    table = commit_statuses.c
    where = (*_within(commit_statuses, place), table.commit == commit, table.context == context)
    return connection.execute(select(table.body).where(*where).order_by(table.id.desc()).limit(1)).scalar()


def _within(table: Table, place: Place) -> tuple[ColumnElement[bool], ...]:
    return table.c.organization == place.organization, table.c.memory_repository == place.memory_repository
