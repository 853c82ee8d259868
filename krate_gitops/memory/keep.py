"""Stores snapshots: first the commits are pinned, then everything is written in one transaction.

A process that is killed leaves a pin too many, or no trace, or the whole snapshot with its audit records.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from krate_gitops.errors import KrateError, UnavailableError, UsageError
from krate_gitops.git.chain import load_chain
from krate_gitops.git.local import Repository
from krate_gitops.git.pins import pin_commit
from krate_gitops.git.refs import RefResolution
from krate_gitops.git.request import RefMode
from krate_gitops.memory.coverage import covered_snapshots
from krate_gitops.memory.freeze import Frozen, rows
from krate_gitops.memory.origin import Origin
from krate_gitops.memory.recall import Kept, load
from krate_gitops.memory.request import QueryRequest
from krate_gitops.memory.trail import append_snapshots
from krate_gitops.records.database import Database
from krate_gitops.records.known_bad import insert_marks, list_ranges, range_row
from krate_gitops.records.snapshots import StoredSnapshot, find_snapshots, insert_snapshots
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
    named = {one.snapshot.metadata.name: one for one in frozen}
    with database.writing() as connection:
        there = find_snapshots(connection, settings.organization, list(named))
        known = {name: same_question(connection, row, _asked(named[name])) for name, row in there.items()}
        new = [one for name, one in named.items() if name not in known]
        made = _insert(connection, new, origin)
        append_snapshots(connection, new)
        kept = known | made | _marked(connection, list(made.values()), repository, settings)
    return [kept[one.snapshot.metadata.name] for one in frozen]


def _insert(connection: Connection, new: Sequence[Frozen], origin: Origin) -> dict[str, Kept]:
    # Each snapshot's prompt has fences of its own: nobody learns them from another one's.
    origins = [msgspec.structs.replace(origin, fence=secrets.token_hex(3)) for _ in new]
    written = [rows(one, msgspec.to_builtins(place)) for one, place in zip(new, origins, strict=True)]
    numbers = insert_snapshots(connection, written)
    return {
        one.snapshot.metadata.name: Kept(number, one.snapshot, one.query, one.stored, place)
        for number, one, place in zip(numbers, new, origins, strict=True)
    }


def _asked(frozen: Frozen) -> Asked:
    spec = frozen.snapshot.spec
    return Asked(spec.memory_repository, frozen.material.request, *asked_ref(spec.ref_resolution))


class Asked(NamedTuple):
    """What makes a question: asked of which repository, as it is answered, and at which ref or time."""

    repository: str
    request: QueryRequest
    mode: RefMode
    ref: str
    at: str | None


def asked_ref(resolution: RefResolution) -> tuple[RefMode, str, str | None]:
    """The ref or time that a resolution was asked for."""
    return resolution.mode, resolution.requested_ref, resolution.requested_at


def same_question(connection: Connection, found: StoredSnapshot, asked: Asked) -> Kept:
    """The stored snapshot of a dispatch that is asked for again, with its settled request.

    Raises ``UsageError(IDEMPOTENCY_KEY_REUSED)`` where its name belongs to another question.
    """
    kept = load(connection, found)
    spec = kept.snapshot.spec
    if Asked(spec.memory_repository, kept.material.request, *asked_ref(spec.ref_resolution)) != asked:
        raise UsageError(
            "IDEMPOTENCY_KEY_REUSED",
            "this request id belongs to a snapshot of another question",
            hint="use a new request id",
            location=found.snapshot.name,
        )
    return kept


def _marked(
    connection: Connection, kept: Sequence[Kept], repository: Repository, settings: Settings
) -> dict[str, Kept]:
    """Marks the snapshots that a bad range covers, and gives them back as they are then.

    Not only those that were taken with open eyes: a range may have been marked since their ref was resolved.
    """
    organization = settings.organization
    marked: set[int] = set()
    for bad in list_ranges(connection, organization, repository=repository.name):
        for tip in {one.snapshot.spec.current_commit_at_dispatch for one in kept}:
            of_tip = [one for one in kept if one.snapshot.spec.current_commit_at_dispatch == tip]
            chain = load_chain(repository, tip, home=settings.home)
            commits = {one.snapshot.spec.resolved_commit for one in of_tip}
            covered = covered_snapshots(connection, organization, bad, chain, commits)
            new = covered.intersection(one.number for one in of_tip)
            row = range_row(connection, organization, bad.name)
            if new and row is not None:
                insert_marks(connection, organization, row, bad, sorted(new))
                marked |= new
    names = [one.snapshot.metadata.name for one in kept if one.number in marked]
    stored = find_snapshots(connection, organization, names) if names else {}
    return {name: load(connection, row) for name, row in stored.items()}


def refuse_known_bad(is_bad: bool, acknowledged: bool, *, location: str) -> None:
    """Raises ``KrateError(MEMORY_SNAPSHOT_KNOWN_BAD)`` where nobody has said that they know."""
    if is_bad and not acknowledged:
        raise KrateError(
            "MEMORY_SNAPSHOT_KNOWN_BAD",
            "this memory is known to be bad",
            hint="use another commit or refresh the snapshot, or acknowledge it with --acknowledge-known-bad",
            location=location,
        )
