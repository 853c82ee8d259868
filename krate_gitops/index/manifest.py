"""The manifest of a commit: which shards make its index, and the digests that name its content."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property

import msgspec

from krate_gitops.brain.model import Severity
from krate_gitops.digest import json_digest
from krate_gitops.index.carry import Span
from krate_gitops.index.formats import INDEXER_VERSION
from krate_gitops.index.shard import Summary

SCHEMA_VERSION = 1


class TreeIssue(msgspec.Struct, frozen=True, array_like=True):
    """An entry of the tree that can't be a document; ``path`` is fit to be shown."""

    path: str
    reason: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Index of one commit under one root, ontology and parse profile (together the ``variant``)."""

    commit: str
    variant: str
    repository: str
    root: str
    commit_time: int
    ontology_digest: str
    ontology_version: str
    judge: str
    """Name of who judged; verdicts of the shards are kept under it."""
    profile_digest: str
    shards: tuple[Summary, ...]
    issues: tuple[TreeIssue, ...]
    result: str
    findings: dict[str, dict[str, int]]
    """Diagnostics by code and severity."""
    catalog: str
    """Name of the catalog that serves the judging of the next commit."""
    holds: Span
    """Commit times for which these counts hold, were nothing else to change."""

    @property
    def counts(self) -> dict[str, int]:
        """Diagnostics by code."""
        return {code: sum(by_severity.values()) for code, by_severity in self.findings.items()}

    @property
    def severities(self) -> dict[str, int]:
        """Diagnostics by severity."""
        counts = dict.fromkeys((severity.label for severity in Severity), 0)
        for by_severity in self.findings.values():
            for label, count in by_severity.items():
                counts[label] += count
        return counts

    @property
    def documents(self) -> int:
        return sum(shard.documents for shard in self.shards)

    @property
    def records(self) -> int:
        return sum(shard.records for shard in self.shards)

    @cached_property
    def index_digest(self) -> str:
        """Digest of the logical content, equal however and wherever the index was built. It looks at every shard."""
        return index_digest(self.ontology_digest, self.shards)

    @property
    def source_digest(self) -> str:
        """Digest of the documents' bytes."""
        return json_digest([shard.source_digest for shard in self.shards])


def index_digest(ontology_digest: str, shards: Sequence[Summary]) -> str:
    rows = [
        {"digest": shard.digest, "documents": shard.documents, "first": shard.first, "last": shard.last}
        for shard in shards
    ]
    return json_digest(
        {
            "schemaVersion": SCHEMA_VERSION,
            "indexerVersion": INDEXER_VERSION,
            "ontologyDigest": ontology_digest,
            "shards": rows,
        }
    )


def judge_name(ontology_digest: str, organization: str) -> str:
    """Whose verdict on a shard it is, as 16 hex digits: some rules ask which organisation a brain belongs to."""
    return hashlib.sha256(f"{ontology_digest}\0{organization}".encode()).hexdigest()[:16]


def variant_of(root: str, ontology_digest: str, profile_digest: str, organization: str) -> str:
    """What beside the commit decides a manifest, as 16 hex digits."""
    parts = (root, ontology_digest, profile_digest, organization)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
