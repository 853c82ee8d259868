"""One query over an opened index: retrieve, rank, redact, fit into the room, explain."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from krate_gitops.digest import json_digest
from krate_gitops.index.formats import INDEXER_VERSION
from krate_gitops.memory.candidates import DOCUMENT, EXCERPT, RECORD, Candidate, record_candidate
from krate_gitops.memory.graph_step import best_records
from krate_gitops.memory.grep_step import best_lines
from krate_gitops.memory.items import Assembler, Selection
from krate_gitops.memory.opened import OpenIndex
from krate_gitops.memory.picked import denied_scopes, named_documents, selected
from krate_gitops.memory.policy import EffectivePolicy
from krate_gitops.memory.question import Question
from krate_gitops.memory.redact import REDACTION_VERSION
from krate_gitops.memory.request import QueryRequest
from krate_gitops.memory.response import (
    Denied,
    LimitReport,
    Omitted,
    Response,
    SnapshotPreview,
    documents_digest,
    excerpts_digest,
    records_digest,
)
from krate_gitops.organization import namespace_of

_IN_MANIFEST = ("text", "graph", "grep", "documents", "selection", "consumer", "limits", "intent")


class Scope(NamedTuple):
    """Who asks for what, resolved: names for the answer, and the resolution of the ref."""

    organization: str
    memory_repository: str
    resolution: Any


class Found(NamedTuple):
    """Candidates in ranking order, what the limits of items left out, and what may not be read."""

    candidates: list[Candidate]
    omitted_records: int
    omitted_excerpts: int
    cut: bool
    denied: list[Denied]


def run_query(opened: OpenIndex, request: QueryRequest, policy: EffectivePolicy, scope: Scope) -> Response:
    """The answer to a request under a policy.

    Raises ``UsageError(INVALID_REQUEST)`` for a request that can't be answered, ``DeniedError(POLICY_DENIED)`` when the
    user picked what the policy denies, ``KrateError`` when what the user picked does not fit (MEMORY_LIMIT_EXCEEDED) or
    may not be shown (MEMORY_REDACTION_FAILED).
    """
    return answer(Question(opened, request, policy), scope)


def answer(question: Question, scope: Scope) -> Response:
    """The answer to a question that was checked. Raises what ``run_query`` raises but INVALID_REQUEST."""
    found = find(question)
    chosen = Assembler(question).select(found.candidates, question.request.limits.max_bytes)
    return _response(question, scope, found, chosen)


def find(question: Question) -> Found:
    """Candidates for the answer in ranking order. Raises what ``run_query`` raises but INVALID_REQUEST."""
    found = selected(question)
    denied = denied_scopes(question)
    omitted_records = omitted_excerpts = 0
    cut = False
    if question.wants_records:
        records, omitted_records = best_records(question)
        known = {item.record for item in found if item.kind == RECORD}
        found += [record_candidate(question, record) for record in records if record not in known]
    if question.wants_lines:
        lines = best_lines(question, [item.record for item in found if item.kind == RECORD])
        found += lines.excerpts
        omitted_excerpts, cut = lines.omitted, lines.cut
    if question.mode == "document-read":
        documents, unread = named_documents(question, found)
        found += documents
        denied += unread
    found.sort(key=lambda item: item.order)
    return Found(found, omitted_records, omitted_excerpts, cut, denied)


def _response(question: Question, scope: Scope, found: Found, chosen: Selection) -> Response:
    omitted = Omitted(
        found.omitted_records + chosen.omitted[RECORD],
        found.omitted_excerpts + chosen.omitted[EXCERPT],
        chosen.omitted[DOCUMENT],
        chosen.omitted_bytes,
    )
    reason = _reason(found, chosen)
    warnings = [
        *chosen.dropped,
        *["truncated"] * bool(reason),
        *["redacted"] * bool(chosen.redaction.total),
        *["denied-scope"] * bool(found.denied),
    ]
    return Response(
        organization=scope.organization,
        namespace=namespace_of(scope.organization),
        memory_repository=scope.memory_repository,
        ref_resolution=scope.resolution,
        snapshot_preview=SnapshotPreview(
            json_digest(manifest(question, scope)),
            records_digest(chosen.records),
            excerpts_digest(chosen.excerpts),
            documents_digest(chosen.documents),
        ),
        records=chosen.records,
        excerpts=chosen.excerpts,
        documents=chosen.documents,
        denied=tuple(found.denied),
        redaction=chosen.redaction,
        limits=LimitReport(chosen.bytes, question.request.limits.max_bytes, bool(reason), omitted, reason),
        warnings=tuple(warnings),
    )


def _reason(found: Found, chosen: Selection) -> str | None:
    """Why something did not come back; None when everything did."""
    if chosen.omitted_bytes or chosen.cut:
        return "size-limit"
    if found.omitted_records or found.omitted_excerpts or found.cut:
        return "item-limit"
    return next(iter(chosen.dropped), None)


def manifest(question: Question, scope: Scope) -> dict[str, Any]:
    """The query manifest: everything that decides the answer, and no clock."""
    request: dict[str, Any] = msgspec.to_builtins(question.request)
    return {
        "schemaVersion": 1,
        "organization": scope.organization,
        "memoryRepository": scope.memory_repository,
        "resolvedCommit": question.opened.manifest.commit,
        "refMode": scope.resolution.mode,
        "mode": question.mode,
        **{name: request[name] for name in _IN_MANIFEST},
        "sources": msgspec.to_builtins(question.policy.sources),
        "policyDigest": question.policy.digest,
        "rankingVersion": request["rankingVersion"],
        "redactionVersion": REDACTION_VERSION,
        "indexerVersion": INDEXER_VERSION,
    }
