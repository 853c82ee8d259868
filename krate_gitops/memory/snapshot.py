"""``AgentMemorySnapshot`` and ``AgentMemoryQuery``: what was asked at which commit, and digests of what came back.

A snapshot's ``spec`` never changes; its digest covers all of it. ``status`` says what was learnt later.
"""

from __future__ import annotations

from typing import Any

import msgspec

from krate_gitops.digest import sha256_digest
from krate_gitops.git.refs import RefResolution
from krate_gitops.memory.policy import SourceRef
from krate_gitops.organization import namespace_of

API_VERSION = "krate.a5c.ai/v1alpha1"
SNAPSHOT_KIND, QUERY_KIND = "AgentMemorySnapshot", "AgentMemoryQuery"
_NAME_DIGITS = 12


class Metadata(msgspec.Struct, frozen=True):
    name: str
    namespace: str
    labels: dict[str, str]


class SnapshotSpec(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """``selection_ref`` is ``objects/<digest>``: the stored manifest and redacted material."""

    organization_ref: str
    memory_repository: str
    requested_ref: str
    requested_at: str | None = None
    resolved_commit: str
    ref_resolution: RefResolution
    current_commit_at_dispatch: str
    sources: tuple[SourceRef, ...]
    query_manifest_digest: str
    selected_records_digest: str
    selected_excerpts_digest: str
    selected_documents_digest: str
    ontology_digest: str
    index_digest: str
    record_count: int
    excerpt_count: int
    document_count: int
    bytes: int
    selection_ref: str
    dispatch_run: str | None = None
    session_ref: str | None = None

    @property
    def selection_digest(self) -> str:
        return self.selection_ref.removeprefix("objects/")


class Condition(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    type: str
    status: str
    reason: str
    message: str = ""
    last_transition_time: str | None = None


class KnownBadMark(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Why a snapshot must not be used, where more is told, and who said so."""

    reason: str
    ref: str | None
    marked_by: str
    marked_at: str


class SnapshotStatus(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    phase: str
    created_at: str
    digest: str
    conditions: tuple[Condition, ...]
    known_bad: KnownBadMark | None = None


class AgentMemorySnapshot(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    api_version: str = API_VERSION
    kind: str = SNAPSHOT_KIND
    metadata: Metadata
    spec: SnapshotSpec
    status: SnapshotStatus


class Requester(msgspec.Struct, frozen=True):
    """Who asked: ``kind`` is ``User``, ``Agent`` or ``Controller``."""

    kind: str
    name: str


class QuerySpec(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """``query`` is the request with its defaults, ``limits`` those that applied under the policy."""

    organization_ref: str
    snapshot_ref: str
    requester: Requester
    query: dict[str, Any]
    limits: dict[str, int]


class QueryStatus(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    phase: str
    executed_at: str
    duration_ms: int
    result_digest: str
    counts: dict[str, int]
    truncated: bool
    denied_scopes: tuple[dict[str, str], ...]
    redaction: dict[str, Any]
    ranking_version: int


class AgentMemoryQuery(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    api_version: str = API_VERSION
    kind: str = QUERY_KIND
    metadata: Metadata
    spec: QuerySpec
    status: QueryStatus


def snapshot_name(key: str) -> str:
    """The name of the snapshot of a dispatch: by its request id or, where the caller named none, its canonical spec."""
    return f"ams-{sha256_digest(key.encode()).removeprefix('sha256:')[:_NAME_DIGITS]}"


def query_name(snapshot: str, number: int = 1) -> str:
    """The name of a snapshot's query."""
    return f"amq-{snapshot.removeprefix('ams-')}-{number}"


def metadata(name: str, organization: str, dispatch_run: str | None) -> Metadata:
    """Name, namespace and labels of a record of an organisation."""
    namespace = namespace_of(organization)
    labels = {"krate.a5c.ai/org": organization, "krate.a5c.ai/namespace": namespace}
    if dispatch_run:
        labels["krate.a5c.ai/dispatch-run"] = dispatch_run
    return Metadata(name, namespace, labels)


def status(digest: str, *, created_at: str, marks: tuple[KnownBadMark, ...] = ()) -> SnapshotStatus:
    """The status as of now: pinned for good, and known to be bad or not. ``digest`` is that of the spec."""
    mark = marks[0] if marks else None
    known_bad = Condition(
        type="KnownBad",
        status="True" if mark else "False",
        reason="InKnownBadRange" if mark else "NotMarked",
        message=mark.reason if mark else "",
        last_transition_time=mark.marked_at if mark else created_at,
    )
    pinned = Condition("Pinned", "True", "SelectionStored", "", created_at)
    return SnapshotStatus(
        phase="Pinned", created_at=created_at, digest=digest, conditions=(pinned, known_bad), known_bad=mark
    )
