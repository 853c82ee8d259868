"""Turns an answer into a snapshot: documents, material and rows, all of it in memory."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from krate_gitops.digest import canonical_json, sha256_digest
from krate_gitops.git.instants import format_instant
from krate_gitops.git.refs import RefResolution
from krate_gitops.memory.material import Material, encode, material_of
from krate_gitops.memory.opened import OpenIndex
from krate_gitops.memory.policy import EffectivePolicy
from krate_gitops.memory.query import Scope, answer
from krate_gitops.memory.question import Question
from krate_gitops.memory.request import QueryRequest
from krate_gitops.memory.response import ExcerptItem
from krate_gitops.memory.snapshot import (
    AgentMemoryQuery,
    AgentMemorySnapshot,
    QuerySpec,
    QueryStatus,
    Requester,
    SnapshotSpec,
    metadata,
    query_name,
    snapshot_name,
    status,
)
from krate_gitops.records.snapshots import Consumed, NewSnapshot, QueryRow, SnapshotRow


class Occasion(msgspec.Struct, frozen=True, kw_only=True):
    """Why a snapshot is made. With a ``request_id`` it is made once, however often it is asked for.

    ``acknowledges_known_bad``: whoever asks knows, and takes it nonetheless.
    """

    requester: Requester
    request_id: str | None = None
    dispatch_run: str | None = None
    session_ref: str | None = None
    correlation_id: str | None = None
    acknowledges_known_bad: bool = False


class OntologyState(NamedTuple):
    """Why the ontology of a commit is invalid: files that can't be read, and errors."""

    parse_errors: int
    errors: int


class Frozen(NamedTuple):
    """A snapshot that is not stored yet; ``spec`` is its canonical JSON."""

    snapshot: AgentMemorySnapshot
    spec: str
    query: AgentMemoryQuery
    material: Material
    stored: bytes
    occasion: Occasion
    ontology: OntologyState | None


def freeze(
    opened: OpenIndex,
    request: QueryRequest,
    policy: EffectivePolicy,
    scope: Scope,
    occasion: Occasion,
    *,
    now: datetime,
) -> Frozen:
    """Asks, and freezes the answer. Raises what ``run_query`` raises."""
    started = time.perf_counter()
    question = Question(opened, request, policy)
    found = answer(question, scope)
    material = material_of(question, scope, found)
    stored = encode(material)
    digests = {**material.digests(found.snapshot_preview), "selectionDigest": sha256_digest(stored)}
    spec = _spec(opened, scope, occasion, material, digests)
    canonical = canonical_json(msgspec.to_builtins(spec))
    name = snapshot_name(canonical.decode() if occasion.request_id is None else occasion.request_id)
    created_at = format_instant(int(now.timestamp()))
    snapshot = AgentMemorySnapshot(
        metadata=metadata(name, scope.organization, occasion.dispatch_run),
        spec=spec,
        status=status(sha256_digest(canonical), created_at=created_at),
    )
    query = _query(
        snapshot, material, digests["resultDigest"], occasion, created_at, round((time.perf_counter() - started) * 1000)
    )
    return Frozen(snapshot, canonical.decode(), query, material, stored, occasion, ontology_state(opened))


def ontology_state(opened: OpenIndex) -> OntologyState | None:
    """What is wrong with the commit's ontology; None where nothing is."""
    manifest = opened.manifest
    if manifest.result != "invalid":
        return None
    return OntologyState(sum(shard.parse_errors for shard in manifest.shards), manifest.severities["error"])


def _spec(
    opened: OpenIndex, scope: Scope, occasion: Occasion, material: Material, digests: Mapping[str, str]
) -> SnapshotSpec:
    resolution: RefResolution = scope.resolution
    return SnapshotSpec(
        organization_ref=scope.organization,
        memory_repository=scope.memory_repository,
        requested_ref=resolution.requested_ref,
        requested_at=resolution.requested_at,
        resolved_commit=resolution.resolved_commit,
        ref_resolution=resolution,
        current_commit_at_dispatch=resolution.current_commit,
        sources=material.policy.sources,
        query_manifest_digest=digests["queryManifestDigest"],
        selected_records_digest=digests["selectedRecordsDigest"],
        selected_excerpts_digest=digests["selectedExcerptsDigest"],
        selected_documents_digest=digests["selectedDocumentsDigest"],
        ontology_digest=opened.manifest.ontology_digest,
        index_digest=opened.manifest.index_digest,
        record_count=len(material.records),
        excerpt_count=len(material.excerpts),
        document_count=len(material.documents),
        bytes=material.limits.bytes,
        selection_ref=f"objects/{digests['selectionDigest']}",
        dispatch_run=occasion.dispatch_run,
        session_ref=occasion.session_ref,
    )


def _query(
    snapshot: AgentMemorySnapshot,
    material: Material,
    result_digest: str,
    occasion: Occasion,
    executed_at: str,
    duration_ms: int,
) -> AgentMemoryQuery:
    name = snapshot.metadata.name
    request = msgspec.to_builtins(material.request)
    return AgentMemoryQuery(
        metadata=metadata(query_name(name), snapshot.spec.organization_ref, occasion.dispatch_run),
        spec=QuerySpec(
            organization_ref=snapshot.spec.organization_ref,
            snapshot_ref=name,
            requester=occasion.requester,
            query=request,
            limits=request["limits"],
        ),
        status=QueryStatus(
            phase="Completed",
            executed_at=executed_at,
            duration_ms=duration_ms,
            result_digest=result_digest,
            **outcome(material),
        ),
    )


def outcome(material: Material) -> dict[str, Any]:
    """What the status of a query repeats of its material."""
    return {
        "counts": {
            "records": len(material.records),
            "excerpts": len(material.excerpts),
            "documents": len(material.documents),
        },
        "truncated": material.limits.truncated,
        "denied_scopes": tuple(msgspec.to_builtins(denied) for denied in material.denied),
        "redaction": msgspec.to_builtins(material.redaction),
        "ranking_version": material.request.ranking_version,
    }


def rows(frozen: Frozen, origin: dict[str, str]) -> NewSnapshot:
    """What is stored of a snapshot; ``origin`` is what only this installation knows of it."""
    spec, query = frozen.snapshot.spec, frozen.query
    return NewSnapshot(
        SnapshotRow(
            organization=spec.organization_ref,
            name=frozen.snapshot.metadata.name,
            memory_repository=spec.memory_repository,
            resolved_commit=spec.resolved_commit,
            created_at=frozen.snapshot.status.created_at,
            dispatch_run=spec.dispatch_run,
            session_ref=spec.session_ref,
            selection_digest=spec.selection_digest,
            spec=frozen.spec,
            digest=frozen.snapshot.status.digest,
            origin=canonical_json(origin).decode(),
        ),
        QueryRow(
            name=query.metadata.name,
            spec=msgspec.json.encode(query.spec).decode(),
            status=msgspec.json.encode(query.status).decode(),
        ),
        consumed_by(frozen.material),
        frozen.stored,
    )


def consumed_by(material: Material) -> tuple[Consumed, ...]:
    """The records and files that a selection has something of, each once, by its best rank."""
    ids = (
        Consumed(item.record_id if isinstance(item, ExcerptItem) else item.id, item.path) for item in material.items()
    )
    return tuple(dict.fromkeys(ids))
