"""Who is told that memory was bad: those whose runs were given it, the owners of the records, and of the repositories.

A notification holds names, the range and the reason, redacted. It never repeats a memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from krate_gitops.digest import json_digest
from krate_gitops.git.instants import format_instant
from krate_gitops.memory.owner_book import OwnerBook
from krate_gitops.memory.snapshot import QuerySpec
from krate_gitops.printable import printable
from krate_gitops.records.known_bad import KnownBadRange
from krate_gitops.records.notifications import Notification, insert_notifications
from krate_gitops.records.tables import queries, snapshots

_CHUNK = 500
_MOST_NAMES = 50
"""Of each kind in one notification; the counts say how many there are."""
_MOST_CHARACTERS = 200
"""Of a name: what is written as an owner in some record is anybody's text."""


class _Told(msgspec.Struct):
    """Why somebody is told: names by kind, each once and in order."""

    runs: dict[str, None] = {}
    snapshots: dict[str, None] = {}
    records: dict[str, None] = {}
    repositories: dict[str, None] = {}


def notify(
    connection: Connection, organization: str, bad: KnownBadRange, snapshot_ids: Iterable[int], book: OwnerBook
) -> int:
    """Writes a notification for everybody whom a range that was marked concerns; how many new ones.

    ``snapshot_ids`` are row numbers of the snapshots that the range covers now and did not before.
    """
    told: dict[str, _Told] = {}
    _tell_runs(told, connection, sorted(snapshot_ids), book)
    _tell_owners(told, bad, book)
    now = format_instant(int(datetime.now(UTC).timestamp()))
    new = [_notification(recipient, why, bad, book, now) for recipient, why in told.items()]
    return insert_notifications(connection, organization, new)


def _tell_runs(told: dict[str, _Told], connection: Connection, numbers: Sequence[int], book: OwnerBook) -> None:
    for start in range(0, len(numbers), _CHUNK):
        columns = (snapshots.c.name, snapshots.c.dispatch_run, queries.c.spec)
        joined = select(*columns).join_from(snapshots, queries, queries.c.snapshot_id == snapshots.c.id)
        for row in connection.execute(
            joined.where(snapshots.c.id.in_(numbers[start : start + _CHUNK])).order_by(snapshots.c.id)
        ):
            asked = msgspec.json.decode(row.spec, type=QuerySpec)
            repository = _repository(asked.query)
            owners = book.repositories.get(repository, ())
            recipients = (f"{asked.requester.kind.lower()}:{asked.requester.name}", *owners)
            for at, why in enumerate(_of(told, recipients)):
                why.snapshots[row.name] = None
                if row.dispatch_run:
                    why.runs[row.dispatch_run] = None
                if at:
                    why.repositories[repository] = None


def _repository(query: dict[str, Any]) -> str:
    """Id of the code repository that a run asked for; empty where it named none."""
    consumer = query.get("consumer")
    name = consumer.get("repository") if isinstance(consumer, dict) else None
    if not isinstance(name, str) or not name:
        return ""
    return name if ":" in name else f"repository:{name}"


def _tell_owners(told: dict[str, _Told], bad: KnownBadRange, book: OwnerBook) -> None:
    if bad.withdrawn:
        return
    for record, owners in book.records.items():
        for why in _of(told, owners):
            why.records[record] = None
        for repository in book.applies.get(record, ()):
            for why in _of(told, book.repositories.get(repository, ())):
                why.records[record] = None
                why.repositories[repository] = None


def _of(told: dict[str, _Told], recipients: Iterable[str]) -> Iterator[_Told]:
    for recipient in recipients:
        yield told.setdefault(recipient, _Told())


def _notification(recipient: str, why: _Told, bad: KnownBadRange, book: OwnerBook, now: str) -> Notification:
    def clean(text: str) -> str:
        return printable(book.clean(text))[:_MOST_CHARACTERS]

    names = {kind: [clean(name) for name in getattr(why, kind)] for kind in why.__struct_fields__}
    facts = {
        "range": bad.name,
        "memoryRepository": bad.memory_repository,
        "from": bad.start,
        "to": bad.end,
        "reason": printable(book.clean(bad.reason)),
        "ref": None if bad.ref is None else printable(book.clean(bad.ref)),
        "markedBy": bad.marked_by,
        "markedAt": bad.marked_at,
        "counts": {kind: len(found) for kind, found in names.items()},
    } | {kind: found[:_MOST_NAMES] for kind, found in names.items()}
    facts = {name: value for name, value in facts.items() if value not in (None, [])}
    to = clean(recipient)
    # When it is told is no part of what is told: the same message is not written a second time.
    key = json_digest({"recipient": recipient, "facts": facts, "names": {k: sorted(v) for k, v in names.items()}})
    return Notification(
        recipient=to,
        subject=f"Memory of {clean(bad.memory_repository)} is known to be bad",
        dedupe_key=f"known-bad:{key}",
        text="\n".join(_lines(facts, names)),
        created_at=now,
        facts=facts,
    )


def _lines(facts: dict[str, Any], names: dict[str, list[str]]) -> Iterator[str]:
    until = f"before {facts['to']}" if "to" in facts else "on, not fixed yet"
    yield f"Commits from {facts['from']} {until}: {facts['reason']}"
    if "ref" in facts:
        yield f"See {facts['ref']}."
    for kind, words in (
        ("runs", "Runs that were given it"),
        ("snapshots", "Snapshots that hold it"),
        ("records", "Records it is about"),
        ("repositories", "Repositories it concerns"),
    ):
        found = names[kind]
        if found:
            more = f" and {len(found) - _MOST_NAMES} more" if len(found) > _MOST_NAMES else ""
            yield f"{words}: {', '.join(found[:_MOST_NAMES])}{more}"
