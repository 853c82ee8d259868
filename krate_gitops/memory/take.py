"""Takes snapshots: resolves, asks, freezes, stores, and tags where that is wanted."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from krate_gitops.brain.model import SecretScan
from krate_gitops.brain.scan.patterns import SecretKind
from krate_gitops.brain.scan.secrets import find_secrets
from krate_gitops.encoding import strings_in
from krate_gitops.errors import KrateError, UsageError
from krate_gitops.git.instants import format_instant, parse_instant
from krate_gitops.git.lookup import find_default_branch
from krate_gitops.git.refs import RefResolution
from krate_gitops.git.request import RefMode, RefRequest
from krate_gitops.git.snapshot_tags import create_snapshot_tag, snapshot_tag_names
from krate_gitops.memory.brain import Brain
from krate_gitops.memory.freeze import Frozen, Occasion, OntologyState, freeze, ontology_state
from krate_gitops.memory.keep import Asked, keep, refuse_known_bad, same_question
from krate_gitops.memory.opened import OpenIndex
from krate_gitops.memory.policy import EffectivePolicy
from krate_gitops.memory.question import settled
from krate_gitops.memory.recall import Kept
from krate_gitops.memory.request import QueryRequest
from krate_gitops.memory.snapshot import snapshot_name
from krate_gitops.memory.trail import append_tag, record_refusal, use_of
from krate_gitops.records.database import Database
from krate_gitops.records.snapshots import find_snapshot, find_tag, find_tags, insert_tag


def take(
    brain: Brain,
    database: Database,
    ref: RefRequest,
    request: QueryRequest,
    policy: EffectivePolicy,
    occasion: Occasion,
) -> Kept:
    """The snapshot of a question at a ref; the one there is already where the occasion's request id has been used.

    What is refused is put on record. Raises what resolving and asking raise, ``UsageError(INVALID_REQUEST)`` for a
    question that holds a secret, ``KrateError(MEMORY_SNAPSHOT_KNOWN_BAD)``,
    ``UnavailableError(MEMORY_SNAPSHOT_FAILED)`` and ``UsageError(IDEMPOTENCY_KEY_REUSED)``.
    """
    request = settled(request, policy)
    _refuse_secrets(request, occasion)
    if occasion.request_id is not None:
        name, asked = snapshot_name(occasion.request_id), _asked(brain, ref, request)
        with database.reading() as connection:
            found = find_snapshot(connection, brain.settings.organization, name)
            if found is not None:
                return same_question(connection, found, asked)

    def frozen(opened: OpenIndex, resolution: RefResolution) -> Frozen:
        return freeze(opened, request, policy, brain.scope(resolution), occasion, now=datetime.now(UTC))

    resolution: RefResolution | None = None
    try:
        resolution = brain.resolve(ref, current_only=policy.current_only)
        refuse_known_bad(resolution.known_bad, occasion.acknowledges_known_bad, location=resolution.resolved_commit)
        one = brain.read_resolved(resolution, policy, frozen)
    except KrateError as error:
        use = use_of(brain.settings.organization, brain.repository.name, occasion)
        record_refusal(database, use, ref, resolution, error, _reason(brain, resolution, error))
        raise
    return keep(database, [one], brain.repository, brain.origin(), settings=brain.settings)[0]


def _reason(brain: Brain, resolution: RefResolution | None, error: KrateError) -> OntologyState | None:
    """What is wrong with the ontology, where that was the error."""
    if resolution is None or error.code != "MEMORY_ONTOLOGY_INVALID":
        return None
    return brain.read(resolution.resolved_commit, ontology_state)


def _refuse_secrets(request: QueryRequest, occasion: Occasion) -> None:
    """A snapshot is never changed: a secret in its question would stay in it for good."""
    words = [*strings_in(msgspec.to_builtins(request)), *strings_in([occasion.dispatch_run, occasion.session_ref])]
    if any(hit.kind != SecretKind.EXAMPLE for hit in find_secrets("\n\0\n".join(words), SecretScan())):
        raise UsageError(
            "INVALID_REQUEST",
            "the question holds what looks like a secret, and a snapshot keeps its question for good",
            hint="ask without it; if it is real, revoke it: it may be in your shell's history now",
        )


def _asked(brain: Brain, ref: RefRequest, request: QueryRequest) -> Asked:
    """The question, its ref named as a resolution names it."""
    branch = find_default_branch(brain.repository).removeprefix("refs/heads/")
    wanted = ref.settle(branch)
    at = None if wanted.requested_at is None else parse_instant(wanted.requested_at, now=datetime.now(UTC))
    return Asked(
        brain.repository.name,
        request,
        wanted.mode or RefMode.CURRENT,
        ref.requested_ref or branch,
        None if at is None else format_instant(at),
    )


def refresh(brain: Brain, database: Database, kept: Kept, occasion: Occasion) -> Kept:
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
    """Puts a snapshot tag on the commit of a snapshot and records it, before and after; the tag's full name.

    Raises what ``create_snapshot_tag`` raises.
    """
    spec = kept.snapshot.spec
    record = {
        "commit": spec.resolved_commit,
        "ontologyDigest": spec.ontology_digest,
        "indexDigest": spec.index_digest,
    }
    requester = kept.query.spec.requester.name
    now = datetime.now(UTC)
    with database.writing() as connection:
        made = find_tag(connection, kept.number)
        if made is not None:
            return made  # asked for again under the same request id
        append_tag(connection, kept.snapshot, None, requester)
        taken = find_tags(connection, spec.organization_ref, spec.memory_repository, snapshot_tag_names(now))
    name = create_snapshot_tag(
        brain.repository,
        brain.spec,
        spec.resolved_commit,
        record,
        now=now,
        settings=brain.settings,
        taken=taken,
    )
    with database.writing() as connection:
        found = find_snapshot(connection, spec.organization_ref, kept.snapshot.metadata.name)
        if found is not None:
            insert_tag(connection, found, name)
            append_tag(connection, kept.snapshot, name, requester)
    return name
