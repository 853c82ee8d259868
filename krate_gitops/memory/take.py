"""Takes snapshots: resolves, asks, freezes, stores, and tags where that is wanted."""

from __future__ import annotations

from datetime import UTC, datetime

from krate_gitops.git.refs import RefResolution
from krate_gitops.git.request import RefMode, RefRequest
from krate_gitops.git.snapshot_tags import create_snapshot_tag
from krate_gitops.memory.brain import Brain
from krate_gitops.memory.freeze import Frozen, Occasion, freeze
from krate_gitops.memory.keep import find_taken, keep, refuse_known_bad
from krate_gitops.memory.opened import OpenIndex
from krate_gitops.memory.policy import EffectivePolicy
from krate_gitops.memory.question import settled
from krate_gitops.memory.recall import Kept
from krate_gitops.memory.request import QueryRequest
from krate_gitops.memory.snapshot import snapshot_name
from krate_gitops.memory.trail import append_tag
from krate_gitops.records.database import Database
from krate_gitops.records.snapshots import find_snapshot, insert_tag


def take(
    brain: Brain,
    database: Database,
    ref: RefRequest,
    request: QueryRequest,
    policy: EffectivePolicy,
    occasion: Occasion,
    *,
    acknowledge_known_bad: bool = False,
) -> Kept:
    """The snapshot of a question at a ref; the one there is already where the occasion's request id has been used.

    Raises what resolving and asking raise, ``KrateError(MEMORY_SNAPSHOT_KNOWN_BAD)``,
    ``UnavailableError(MEMORY_SNAPSHOT_FAILED)`` and ``UsageError(IDEMPOTENCY_KEY_REUSED)``.
    """
    if occasion.request_id is not None:
        name = snapshot_name(occasion.request_id)
        with database.reading() as connection:
            organization, repository = brain.settings.organization, brain.repository.name
            taken = find_taken(connection, organization, name, repository, settled(request, policy))
        if taken is not None:
            return taken

    def frozen(opened: OpenIndex, resolution: RefResolution) -> Frozen:
        refuse_known_bad(resolution.known_bad, acknowledge_known_bad, location=resolution.resolved_commit)
        return freeze(opened, request, policy, brain.scope(resolution), occasion, now=datetime.now(UTC))

    one = brain.read_under(ref, policy, frozen)
    return keep(database, [one], brain.repository, brain.origin(), settings=brain.settings)[0]


def refresh(
    brain: Brain, database: Database, kept: Kept, occasion: Occasion, *, acknowledge_known_bad: bool = False
) -> Kept:
    """A new snapshot of the same question under the same policy, its ref resolved again; the old one stays.

    A time means the same time again, and a commit or tag the same name; only the current tip may have moved.
    """
    material = kept.material
    return take(
        brain,
        database,
        recorded_ref(kept.snapshot.spec.ref_resolution),
        material.request,
        material.policy,
        occasion,
        acknowledge_known_bad=acknowledge_known_bad,
    )


def recorded_ref(resolution: RefResolution) -> RefRequest:
    """The request that led to a resolution."""
    mode = RefMode(resolution.mode)
    named = mode in (RefMode.EXPLICIT_REF, RefMode.SNAPSHOT_TAG)
    return RefRequest(
        mode=mode,
        requested_ref=resolution.requested_ref if named else None,
        requested_at=resolution.requested_at,
        require_approved_commit=resolution.approved or mode is not RefMode.EXPLICIT_REF,
    )


def tag_snapshot(brain: Brain, database: Database, kept: Kept) -> str:
    """Puts a snapshot tag on the commit of a snapshot and records it; the tag's full name.

    Raises what ``create_snapshot_tag`` raises.
    """
    spec = kept.snapshot.spec
    record = {
        "commit": spec.resolved_commit,
        "ontologyDigest": spec.ontology_digest,
        "indexDigest": spec.index_digest,
    }
    name = create_snapshot_tag(
        brain.repository, brain.spec, spec.resolved_commit, record, now=datetime.now(UTC), settings=brain.settings
    )
    with database.writing() as connection:
        found = find_snapshot(connection, spec.organization_ref, kept.snapshot.metadata.name)
        if found is not None:
            insert_tag(connection, found, name)
            append_tag(connection, kept.snapshot, name, kept.query.spec.requester.name)
    return name
