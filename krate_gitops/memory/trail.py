"""What reading memory leaves in the audit log: ids, counts and digests, never a word of a memory or a question."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

from sqlalchemy import Connection, select

from krate_gitops.digest import sha256_digest
from krate_gitops.errors import KrateError
from krate_gitops.git.refs import RefResolution
from krate_gitops.git.request import RefRequest
from krate_gitops.memory.freeze import Frozen, Occasion, OntologyState
from krate_gitops.memory.reference import ForeignReferenceError
from krate_gitops.memory.response import Denied, Response
from krate_gitops.memory.snapshot import AgentMemorySnapshot
from krate_gitops.records.audit import append
from krate_gitops.records.audit_record import Actor, Entry
from krate_gitops.records.correlation import new_correlation_id
from krate_gitops.records.database import Database, open_database
from krate_gitops.records.known_bad import KnownBadRange
from krate_gitops.records.memory_events import (
    MemoryUse,
    cross_org_denied,
    denied,
    known_bad_changed,
    ontology_invalid,
    query_executed,
    ref_resolved,
    snapshot_created,
    snapshot_tagged,
)
from krate_gitops.records.tables import audit_records
from krate_gitops.settings import Settings

_MODES = {"graph-only": ("graph",), "grep-only": ("grep",), "graph-and-grep": ("graph", "grep")}


def append_snapshots(connection: Connection, new: Sequence[Frozen]) -> None:
    """Records the making of snapshots, in the transaction that stores them."""
    now = datetime.now(UTC)
    entries: list[Entry] = []
    told: set[str] = set()
    for one in new:
        use = use_of(one.snapshot.spec.organization_ref, one.snapshot.spec.memory_repository, one.occasion)
        entries += _of_snapshot(one, use)
        commit = one.snapshot.spec.resolved_commit
        if one.ontology is not None and commit not in told:
            told.add(commit)
            entries += _invalid(connection, use, commit, one.ontology, blocking=False)
    append(connection, entries, now=now)


def use_of(organization: str, repository: str, occasion: Occasion) -> MemoryUse:
    """What the entries of one operation share."""
    return MemoryUse(
        organization=organization,
        repository=repository,
        actor=Actor(kind=occasion.requester.kind, name=occasion.requester.name),
        correlation_id=occasion.correlation_id or new_correlation_id(now=datetime.now(UTC)),
        dispatch_run=occasion.dispatch_run,
        session=occasion.session_ref,
    )


def _of_snapshot(one: Frozen, use: MemoryUse) -> list[Entry]:
    spec, status, request = one.snapshot.spec, one.query.status, one.material.request
    name = one.snapshot.metadata.name
    return [
        _resolved(use, spec.ref_resolution, one.occasion.acknowledges_known_bad),
        query_executed(
            use,
            commit=spec.resolved_commit,
            query_modes=_MODES.get(request.mode, (request.mode,)),
            counts=status.counts,
            truncated=status.truncated,
            query_manifest_digest=spec.query_manifest_digest,
            query_digest=sha256_digest(request.text.encode()),
            denied_scopes=_scopes(one.material.denied),
            snapshot=name,
        ),
        snapshot_created(
            use,
            snapshot=name,
            commit=spec.resolved_commit,
            ontology_digest=spec.ontology_digest,
            index_digest=spec.index_digest,
            query_manifest_digest=spec.query_manifest_digest,
            counts=status.counts,
        ),
    ]


def _resolved(use: MemoryUse, resolution: RefResolution, acknowledges_known_bad: bool = False) -> Entry:
    return ref_resolved(
        use,
        requested_ref=resolution.requested_ref,
        mode=str(resolution.mode),
        commit=resolution.resolved_commit,
        require_approved_commit=resolution.approved,
        acknowledge_known_bad=acknowledges_known_bad,
    )


def _scopes(denied: Sequence[Denied]) -> list[str]:
    """What was denied: kinds, paths and levels, as the caller named them."""
    return [f"{one.scope}:{one.value}" for one in denied]


def _invalid(
    connection: Connection, use: MemoryUse, commit: str, ontology: OntologyState, *, blocking: bool
) -> list[Entry]:
    """That a commit's ontology is invalid is told once, and once that it kept somebody from reading."""
    table = audit_records.c
    where = (
        table.organization == use.organization,
        table.type == "MemoryOntologyInvalid",
        table.memory_commit == commit,
        table.allowed.is_(not blocking),
    )
    if connection.execute(select(table.sequence).where(*where).limit(1)).first():
        return []
    counts = {"parse_errors": ontology.parse_errors, "errors": ontology.errors}
    return [ontology_invalid(use, commit=commit, **counts, blocking=blocking)]


_REFUSALS = (
    "MEMORY_SNAPSHOT_KNOWN_BAD",
    "MEMORY_REF_NOT_APPROVED",
    "MEMORY_REF_NOT_CURRENT",
    "MEMORY_ONTOLOGY_INVALID",
    "POLICY_DENIED",
)


def record_refusal(
    database: Database,
    use: MemoryUse,
    ref: RefRequest,
    resolution: RefResolution | None,
    error: KrateError,
    ontology: OntologyState | None = None,
) -> None:
    """Records that memory was asked for and refused; other failures are no decision of anybody's.

    ``ontology`` is what was wrong where an invalid one was the reason.
    """
    if error.code not in _REFUSALS:
        return
    commit = None if resolution is None else resolution.resolved_commit
    refused = ref_resolved(
        use,
        requested_ref=ref.requested_ref or "" if resolution is None else resolution.requested_ref,
        mode=str(ref.mode or "" if resolution is None else resolution.mode),
        commit=commit,
        require_approved_commit=ref.require_approved_commit,
        decision=denied(error.code, error.code),
    )
    with database.writing() as connection:
        entries = [refused]
        if commit is not None and ontology is not None:
            entries += _invalid(connection, use, commit, ontology, blocking=True)
        append(connection, entries, now=datetime.now(UTC))


def record_acknowledgement(database: Database, snapshot: AgentMemorySnapshot, requester: str) -> None:
    """Records that somebody takes memory that is known to be bad, before they get it."""
    spec = snapshot.spec
    use = _of_user(spec.organization_ref, spec.memory_repository, requester)
    entry = _resolved(use, spec.ref_resolution, acknowledges_known_bad=True)
    with database.writing() as connection:
        append(connection, [entry], now=datetime.now(UTC))


def append_known_bad(
    connection: Connection, organization: str, bad: KnownBadRange, *, marked: int, unmarked: int
) -> None:
    """Records that a range was marked, closed or withdrawn."""
    use = _of_user(organization, bad.memory_repository, bad.marked_by)
    entry = known_bad_changed(
        use,
        known_bad_range=bad.name,
        is_bad=not bad.withdrawn,
        reason="Withdrawn" if bad.withdrawn else "Fixed" if bad.end else "KnownBad",
        commit=bad.start,
        counts={"marked": marked, "unmarked": unmarked},
    )
    append(connection, [entry], now=datetime.now(UTC))


def append_tag(connection: Connection, kept: AgentMemorySnapshot, tag: str | None, requester: str) -> None:
    """Records that a snapshot tag was made or, without its name, that one is about to be."""
    spec = kept.spec
    use = _of_user(spec.organization_ref, spec.memory_repository, requester)
    entry = snapshot_tagged(use, tag=tag, snapshot=kept.metadata.name, commit=spec.resolved_commit)
    append(connection, [entry], now=datetime.now(UTC))


def _of_user(organization: str, repository: str, name: str) -> MemoryUse:
    return MemoryUse(
        organization=organization,
        repository=repository,
        actor=Actor(kind="User", name=name),
        correlation_id=new_correlation_id(now=datetime.now(UTC)),
    )


def record_preview(settings: Settings, mode: str, text: str, response: Response, requester: str) -> None:
    """Records a question of which nothing is stored. Raises ``UnavailableError(SERVICE_UNAVAILABLE)``."""
    now = datetime.now(UTC)
    use = _of_user(settings.organization, response.memory_repository, requester)
    asked = query_executed(
        use,
        commit=response.ref_resolution.resolved_commit,
        query_modes=_MODES.get(mode, (mode,)),
        counts={
            "records": len(response.records),
            "excerpts": len(response.excerpts),
            "documents": len(response.documents),
        },
        truncated=response.limits.truncated,
        query_manifest_digest=response.snapshot_preview.query_manifest_digest,
        query_digest=sha256_digest(text.encode()),
        denied_scopes=_scopes(response.denied),
        preview=True,
    )
    with open_database(settings).writing() as connection:
        append(connection, [_resolved(use, response.ref_resolution), asked], now=now)


@contextmanager
def denials_recorded(settings: Settings, requester: Actor) -> Iterator[None]:
    """Puts a refused reference into another organisation on record: its kind, and nothing else of it."""
    try:
        yield
    except ForeignReferenceError as error:
        # The answer is the same where the log can't be written: it must not tell one reference from another.
        with suppress(KrateError):
            record_denial(settings, requester, error.kind)
        raise


def record_denial(settings: Settings, requester: Actor, reference_kind: str) -> None:
    """Records that a reference into another organisation was refused."""
    now = datetime.now(UTC)
    entry = cross_org_denied(
        organization=settings.organization,
        actor=requester,
        correlation_id=new_correlation_id(now=now),
        reference_kind=reference_kind,
    )
    with open_database(settings).writing() as connection:
        append(connection, [entry], now=now)
