"""Stores snapshots: first the commits are pinned, then everything is written in one transaction.

A process that is killed leaves a pin too many, or no trace, or the whole snapshot with its audit records.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from krate_gitops.errors import KrateError, UnavailableError, UsageError
from krate_gitops.git.chain import load_chain
from krate_gitops.git.local import Repository
from krate_gitops.git.pins import pin_commit
from krate_gitops.git.ranges import CommitRange
from krate_gitops.memory.freeze import Frozen, rows
from krate_gitops.memory.origin import Origin
from krate_gitops.memory.recall import Kept, load
from krate_gitops.memory.request import QueryRequest
from krate_gitops.memory.trail import append_snapshots
from krate_gitops.records.database import Database
from krate_gitops.records.known_bad import KnownBadRange, insert_marks, list_ranges, range_row
from krate_gitops.records.snapshots import find_items, find_snapshot, insert_snapshots
from krate_gitops.settings import Settings


def keep(
    database: Database, frozen: Sequence[Frozen], repository: Repository, origin: Origin, *, settings: Settings
) -> list[Kept]:
    """Stores snapshots, all or none; what is stored, in their order. One whose name exists comes back as it was stored.

    Raises ``UnavailableError(MEMORY_SNAPSHOT_FAILED)`` when they can't be stored, and
    ``UsageError(IDEMPOTENCY_KEY_REUSED)`` for a request id that another question was asked under.
    """
    try:
        for commit in {one.snapshot.spec.resolved_commit for one in frozen}:
            pin_commit(repository, commit, settings=settings)
        try:
            return _store(database, frozen, repository, origin, settings)
        except IntegrityError:
            # Somebody else stored one of these names meanwhile: now it is there to be found.
            return _store(database, frozen, repository, origin, settings)
    except UnavailableError as error:
        raise UnavailableError(
            "MEMORY_SNAPSHOT_FAILED",
            f"the snapshot could not be stored: {error.message}",
            hint=error.hint,
            location=error.location,
        ) from error


def _store(
    database: Database, frozen: Sequence[Frozen], repository: Repository, origin: Origin, settings: Settings
) -> list[Kept]:
    with database.writing() as connection:
        found = [_existing(connection, one) for one in frozen]
        new = {one.snapshot.metadata.name: one for one, old in zip(frozen, found, strict=True) if old is None}
        plain = msgspec.to_builtins(origin)
        numbers = insert_snapshots(connection, [rows(one, plain) for one in new.values()])
        made = {
            name: Kept(number, one.snapshot, one.query, one.stored, origin)
            for number, (name, one) in zip(numbers, new.items(), strict=True)
        }
        append_snapshots(connection, list(new.values()))
        _mark(connection, list(made.values()), repository, settings)
    return [old or made[one.snapshot.metadata.name] for one, old in zip(frozen, found, strict=True)]


def _existing(connection: Connection, frozen: Frozen) -> Kept | None:
    spec = frozen.snapshot.spec
    return find_taken(
        connection,
        spec.organization_ref,
        frozen.snapshot.metadata.name,
        spec.memory_repository,
        frozen.material.request,
    )


def find_taken(
    connection: Connection, organization: str, name: str, repository: str, request: QueryRequest
) -> Kept | None:
    """The stored snapshot of a dispatch that is asked for again, with its settled request.

    Raises ``UsageError(IDEMPOTENCY_KEY_REUSED)`` where the name belongs to another question.
    """
    found = find_snapshot(connection, organization, name)
    if found is None:
        return None
    kept = load(connection, found)
    if (kept.snapshot.spec.memory_repository, kept.material.request) != (repository, request):
        raise UsageError(
            "IDEMPOTENCY_KEY_REUSED",
            "this request id belongs to a snapshot of another question",
            hint="use a new request id",
            location=name,
        )
    return kept


def _mark(connection: Connection, kept: Sequence[Kept], repository: Repository, settings: Settings) -> None:
    """Marks snapshots that were taken, with open eyes, of a range that is known to be bad."""
    risky = [one for one in kept if one.snapshot.spec.ref_resolution.known_bad]
    if not risky:
        return
    organization = settings.organization
    for bad in list_ranges(connection, organization, repository.name):
        number = range_row(connection, organization, bad.name)
        covered = [one.number for one in risky if _covers(connection, bad, one, repository, settings)]
        if covered and number is not None:
            insert_marks(connection, organization, number, bad, covered)


def _covers(connection: Connection, bad: KnownBadRange, kept: Kept, repository: Repository, settings: Settings) -> bool:
    if bad.withdrawn:
        return False
    spec = kept.snapshot.spec
    chain = load_chain(repository, spec.current_commit_at_dispatch, home=settings.home)
    if not CommitRange(bad.start, bad.end).covers(chain, chain.position(spec.resolved_commit)):
        return False
    if not bad.paths and not bad.record_ids:
        return True
    items = find_items(connection, kept.number)
    return any(item.path in bad.paths or item.record_id in bad.record_ids for item in items)


def refuse_known_bad(is_bad: bool, acknowledged: bool, *, location: str) -> None:
    """Raises ``KrateError(MEMORY_SNAPSHOT_KNOWN_BAD)`` where nobody has said that they know."""
    if is_bad and not acknowledged:
        raise KrateError(
            "MEMORY_SNAPSHOT_KNOWN_BAD",
            "this memory is known to be bad",
            hint="use another commit or refresh the snapshot, or acknowledge it with --acknowledge-known-bad",
            location=location,
        )
