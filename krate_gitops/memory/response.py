"""The answer to a query, in the form every caller gets.

Items hold texts and numbers, nothing that leads back to them: the collector of garbage need not visit them (``gc``), of
which a batch of answers has thousands.
"""

from __future__ import annotations

from typing import Any

import msgspec

from krate_gitops.digest import json_digest
from krate_gitops.memory.grep import Match


class Why(msgspec.Struct, frozen=True, gc=False):
    """A criterion that contributed to an item's place: stable code, words for people, value."""

    criterion: str
    detail: str
    value: int


class EdgeItem(msgspec.Struct, frozen=True, gc=False):
    """An edge of a record; ``via`` says whether it is declared or derived."""

    kind: str
    target: str
    via: str


class RecordItem(msgspec.Struct, frozen=True, rename="camel", kw_only=True, gc=False):
    id: str
    kind: str
    path: str
    title: str | None = None
    status: str | None = None
    owners: tuple[str, ...] = ()
    summary: str | None = None
    updated_at: str | None = None
    sensitivity: str
    source_refs: tuple[str, ...] = ()
    edges: tuple[EdgeItem, ...] = ()
    digest: str
    rank: int
    score: int
    why: tuple[Why, ...]
    warnings: tuple[str, ...] = ()


class ExcerptItem(msgspec.Struct, frozen=True, rename="camel", kw_only=True, gc=False):
    path: str
    record_id: str | None = None
    line_start: int
    line_end: int
    text: str
    matches: tuple[Match, ...]
    digest: str
    file_digest: str
    rank: int
    why: tuple[Why, ...]
    warnings: tuple[str, ...] = ()


class DocumentItem(msgspec.Struct, frozen=True, rename="camel", kw_only=True, gc=False):
    path: str
    id: str | None = None
    title: str | None = None
    text: str
    truncated: bool
    digest: str
    rank: int
    why: tuple[Why, ...]
    warnings: tuple[str, ...] = ()


class Denied(msgspec.Struct, frozen=True):
    """Something the caller itself named and may not read."""

    scope: str
    value: str
    reason: str


class RedactionReport(msgspec.Struct, frozen=True, rename="camel"):
    """What was taken out: counts only. ``items`` is the number of items that changed."""

    status: str = "clean"
    total: int = 0
    by_kind: dict[str, int] = {}
    items: int = 0


class Omitted(msgspec.Struct, frozen=True):
    """Admitted material that did not come back."""

    records: int = 0
    excerpts: int = 0
    documents: int = 0
    bytes: int = 0


class LimitReport(msgspec.Struct, frozen=True, rename="camel"):
    bytes: int
    max_bytes: int
    truncated: bool
    omitted: Omitted
    reason: str | None = None


class PermissionReview(msgspec.Struct, frozen=True):
    decision: str = "allowed"
    missing: tuple[str, ...] = ()


class SnapshotPreview(msgspec.Struct, frozen=True, rename="camel"):
    """Digests a snapshot of this answer would pin."""

    query_manifest_digest: str
    selected_records_digest: str
    selected_excerpts_digest: str
    selected_documents_digest: str


class Response(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    organization: str
    namespace: str
    memory_repository: str
    ref_resolution: Any
    snapshot_preview: SnapshotPreview
    records: tuple[RecordItem, ...] = ()
    excerpts: tuple[ExcerptItem, ...] = ()
    documents: tuple[DocumentItem, ...] = ()
    denied: tuple[Denied, ...] = ()
    redaction: RedactionReport = RedactionReport()
    limits: LimitReport
    permission_review: PermissionReview = PermissionReview()
    warnings: tuple[str, ...] = ()


def records_digest(records: tuple[RecordItem, ...]) -> str:
    """``selectedRecordsDigest``."""
    return json_digest([{"id": r.id, "kind": r.kind, "path": r.path, "digest": r.digest} for r in records])


def excerpts_digest(excerpts: tuple[ExcerptItem, ...]) -> str:
    """``selectedExcerptsDigest``."""
    return json_digest(
        [{"path": e.path, "lineStart": e.line_start, "lineEnd": e.line_end, "digest": e.digest} for e in excerpts]
    )


def documents_digest(documents: tuple[DocumentItem, ...]) -> str:
    """``selectedDocumentsDigest``."""
    return json_digest([{"path": d.path, "id": d.id, "digest": d.digest} for d in documents])
