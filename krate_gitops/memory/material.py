"""The material of a snapshot: what was asked, under which policy, and everything that came back, redacted.

Its bytes are a pure function of commit, request and policy: no clock, no path of this machine. So equal answers have
equal bytes, and a replay proves itself by them.
"""

from __future__ import annotations

from typing import Any

import msgspec

from krate_gitops.digest import json_digest
from krate_gitops.errors import KrateError
from krate_gitops.memory.opened import ontology_warnings
from krate_gitops.memory.policy import EffectivePolicy
from krate_gitops.memory.query import Scope, answer, manifest
from krate_gitops.memory.question import Question
from krate_gitops.memory.request import QueryRequest
from krate_gitops.memory.response import (
    Denied,
    DocumentItem,
    ExcerptItem,
    LimitReport,
    RecordItem,
    RedactionReport,
    Response,
    SnapshotPreview,
    documents_digest,
    excerpts_digest,
    records_digest,
)

SCHEMA_VERSION = 1
Item = RecordItem | ExcerptItem | DocumentItem


class Material(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """``manifest`` is the query manifest; ``warnings`` are those of the answer itself, not of the day."""

    schema_version: int = SCHEMA_VERSION
    manifest: dict[str, Any]
    request: QueryRequest
    policy: EffectivePolicy
    records: tuple[RecordItem, ...]
    excerpts: tuple[ExcerptItem, ...]
    documents: tuple[DocumentItem, ...]
    denied: tuple[Denied, ...]
    redaction: RedactionReport
    limits: LimitReport
    warnings: tuple[str, ...]

    def items(self) -> list[Item]:
        """Everything selected, by rank."""
        return sorted((*self.records, *self.excerpts, *self.documents), key=lambda item: item.rank)

    def digests(self, answered: SnapshotPreview | None = None) -> dict[str, str]:
        """Every digest of the selection, by name; those that came with its answer need not be made again."""
        known = answered or SnapshotPreview(
            json_digest(self.manifest),
            records_digest(self.records),
            excerpts_digest(self.excerpts),
            documents_digest(self.documents),
        )
        triple = {
            "records": known.selected_records_digest,
            "excerpts": known.selected_excerpts_digest,
            "documents": known.selected_documents_digest,
        }
        return {
            "queryManifestDigest": known.query_manifest_digest,
            "policyDigest": self.policy.digest,
            "selectedRecordsDigest": known.selected_records_digest,
            "selectedExcerptsDigest": known.selected_excerpts_digest,
            "selectedDocumentsDigest": known.selected_documents_digest,
            "resultDigest": json_digest({**triple, "limits": msgspec.to_builtins(self.limits)}),
            "redactionDigest": json_digest(msgspec.to_builtins(self.redaction)),
        }


def ask(question: Question, scope: Scope) -> Material:
    """The material of a question's answer. Raises what ``query.answer`` raises."""
    return material_of(question, scope, answer(question, scope))


def material_of(question: Question, scope: Scope, found: Response) -> Material:
    """The material of an answer that was found."""
    return Material(
        manifest=manifest(question, scope),
        request=question.request,
        policy=question.policy,
        records=found.records,
        excerpts=found.excerpts,
        documents=found.documents,
        denied=found.denied,
        redaction=found.redaction,
        limits=found.limits,
        warnings=(*found.warnings, *ontology_warnings(question.opened)),
    )


_ENCODER = msgspec.json.Encoder(order="sorted")
_DECODER = msgspec.json.Decoder(Material)


def source_kind(item: Item) -> str:
    """What an item is called where a bundle lists its sources."""
    if isinstance(item, RecordItem):
        return "memory-markdown-record" if item.path.endswith(".md") else "memory-graph-record"
    return "memory-grep-excerpt" if isinstance(item, ExcerptItem) else "memory-document"


def encode(material: Material) -> bytes:
    """The bytes that are stored."""
    return _ENCODER.encode(material)


def decode(stored: bytes) -> Material:
    """Material from its bytes.

    Raises ``KrateError(MEMORY_SNAPSHOT_FAILED)`` for bytes that are none, or of a form this program does not know.
    """
    try:
        material = _DECODER.decode(stored)
    except msgspec.DecodeError as error:
        raise _unreadable(f"the stored selection can't be read: {error}") from None
    if material.schema_version != SCHEMA_VERSION:
        raise _unreadable(f"the stored selection has schema version {material.schema_version}")
    return material


def _unreadable(message: str) -> KrateError:
    return KrateError(
        "MEMORY_SNAPSHOT_FAILED", message, hint=f"this program reads schema version {SCHEMA_VERSION}: use a newer one"
    )
