"""Marks stretches of history as known to be bad, and every snapshot that consumed something of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from krate_gitops.digest import json_digest
from krate_gitops.errors import UnavailableError, UsageError
from krate_gitops.git.chain import FirstParentChain, load_chain
from krate_gitops.git.instants import format_instant
from krate_gitops.git.request import RefMode, RefRequest
from krate_gitops.memory.brain import Brain
from krate_gitops.memory.coverage import covered_snapshots
from krate_gitops.memory.known_bad_notices import notify
from krate_gitops.memory.owner_book import OwnerBook, read_owners
from krate_gitops.memory.trail import append_known_bad
from krate_gitops.records.audit_head import locked_head
from krate_gitops.records.database import Database
from krate_gitops.records.known_bad import (
    KnownBadRange,
    commits_with_snapshots,
    insert_marks,
    insert_range,
    list_ranges,
    marked_snapshots,
)


class Marked(msgspec.Struct, frozen=True, rename="camel"):
    """A range as it is now, how many snapshots it covers, and how many of them, and of others, that is news for.

    ``notified`` is how many people and teams were told so.
    """

    range: KnownBadRange
    covered: int
    marked: int
    unmarked: int
    notified: int = 0


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What is bad and why. ``ref`` names where more is told; without paths and ids everything in the range is bad."""

    reason: str
    marked_by: str
    ref: str | None = None
    paths: tuple[str, ...] = ()
    record_ids: tuple[str, ...] = ()


def mark(brain: Brain, database: Database, start: str, end: str | None, evidence: Evidence) -> Marked:
    """Marks the commits from ``start`` on and before ``end``; both are refs of approved commits.

    Whom it concerns is notified in the same transaction, see ``known_bad_notices``.

    Raises what resolving raises, and ``UsageError(INVALID_REQUEST)`` for an end that is not after the start.
    """
    chain, first = _chain(brain), _commit(brain, start)
    last = None if end is None else _commit(brain, end)
    _check_order(chain, first, last)
    bad = KnownBadRange(
        name="",
        memory_repository=brain.repository.name,
        start=first,
        end=last,
        reason=evidence.reason,
        ref=evidence.ref,
        paths=tuple(sorted(set(evidence.paths))),
        record_ids=tuple(sorted(set(evidence.record_ids))),
        marked_by="",
        marked_at="",
    )
    # The same range marked again is the same range, whenever and whoever: so repeating a command does no harm.
    name = f"bad-{json_digest(msgspec.to_builtins(bad))[7:19]}"

    def marked(known: KnownBadRange | None) -> KnownBadRange:
        if known is None or known.withdrawn:
            return _renewed(msgspec.structs.replace(bad, name=name), evidence.marked_by)
        return known  # closed meanwhile, perhaps; it stays closed

    book = read_owners(brain, (chain.oid(len(chain) - 1), first), bad.paths, bad.record_ids)
    return _apply(database, brain.settings.organization, name, marked, chain, book)


def close(brain: Brain, database: Database, name: str, end: str, *, marked_by: str) -> Marked:
    """Says which commit fixed what a range is about; snapshots from there on are no longer covered."""
    chain, last = _chain(brain), _commit(brain, end)

    def closed(known: KnownBadRange | None) -> KnownBadRange:
        bad = _known(known)
        _check_order(chain, bad.start, last)
        return bad if bad.end == last else _renewed(bad, marked_by, end=last)

    return _apply(database, brain.settings.organization, name, closed, chain)


def withdraw(database: Database, organization: str, name: str, *, reason: str, marked_by: str) -> Marked:
    """Takes a range back that was marked by mistake; its history stays on record."""

    def withdrawn(known: KnownBadRange | None) -> KnownBadRange:
        bad = _known(known)
        return bad if bad.withdrawn else _renewed(bad, marked_by, withdrawn=True, reason=reason)

    return _apply(database, organization, name, withdrawn, None)


def ranges(database: Database | None, organization: str, repository: str | None) -> list[KnownBadRange]:
    """All ranges of an organisation, or of one repository."""
    if database is None:
        return []
    with database.reading() as connection:
        return list_ranges(connection, organization, repository=repository)


def _renewed(bad: KnownBadRange, marked_by: str, **changes: object) -> KnownBadRange:
    now = format_instant(int(datetime.now(UTC).timestamp()))
    return msgspec.structs.replace(bad, marked_by=marked_by, marked_at=now, **changes)


def _apply(
    database: Database,
    organization: str,
    name: str,
    change: Callable[[KnownBadRange | None], KnownBadRange],
    chain: FirstParentChain | None,
    book: OwnerBook | None = None,
) -> Marked:
    """Makes of a range, as it is, what it becomes, and marks what it then covers. What changes nothing writes nothing.

    Without a chain it covers nothing. With a book of owners, those whom it concerns are notified.

    The head of the audit log is taken first: whoever stores a snapshot takes it too before looking for ranges, so that
    of the two one sees the other's work.
    """
    with database.writing() as connection:
        locked_head(connection, organization)
        known = next(iter(list_ranges(connection, organization, name=name)), None)
        bad = change(known)
        before = marked_snapshots(connection, organization, name)
        after: set[int] = set()
        notified = 0
        if chain is not None:
            commits = commits_with_snapshots(connection, organization, bad.memory_repository)
            after = covered_snapshots(connection, organization, bad, chain, commits)
        if bad != known or before != after:
            row = insert_range(connection, organization, bad)
            insert_marks(connection, organization, row, bad, sorted(after - before))
            insert_marks(connection, organization, row, bad, sorted(before - after), is_bad=False)
            append_known_bad(connection, organization, bad, marked=len(after - before), unmarked=len(before - after))
            if book is not None:
                notified = notify(connection, organization, bad, after - before, book)
    return Marked(bad, len(after), len(after - before), len(before - after), notified)


def _known(bad: KnownBadRange | None) -> KnownBadRange:
    if bad is None:
        raise UnavailableError(
            "NOT_FOUND", "there is no such range here", hint="`krate-gitops snapshot known-bad` lists them"
        )
    return bad


def _chain(brain: Brain) -> FirstParentChain:
    tip = brain.resolve(RefRequest()).current_commit
    return load_chain(brain.repository, tip, home=brain.settings.home)


def _commit(brain: Brain, ref: str) -> str:
    return brain.resolve(RefRequest(mode=RefMode.EXPLICIT_REF, requested_ref=ref)).resolved_commit


def _check_order(chain: FirstParentChain, start: str, end: str | None) -> None:
    first, last = chain.position(start), chain.position(end) if end else None
    if first is None:
        raise UsageError("INVALID_REQUEST", "the start is not on the default branch", location=start)
    if last is not None and last <= first:
        raise UsageError(
            "INVALID_REQUEST",
            "the commit that fixed it is not after the one that introduced it",
            hint="a range starts with the bad commit and ends before the good one",
            location=end or "",
        )
