"""The table of derived files, and the header they share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from krate_gitops.git.instants import format_instant
from krate_gitops.git.objects import ObjectReader
from krate_gitops.index.export.graph_index import graph_members
from krate_gitops.index.export.lines import document
from krate_gitops.index.export.ontology_report import report_members
from krate_gitops.index.export.search_manifest import search_members
from krate_gitops.index.formats import INDEXER_VERSION
from krate_gitops.index.judged import Judged
from krate_gitops.index.manifest import SCHEMA_VERSION, Manifest

Members = Mapping[str, Any]


class Export(msgspec.Struct, frozen=True):
    """A derived file: the name it has below ``indexes/``, and what makes its members."""

    name: str
    members: Callable[[Judged, ObjectReader], Members]


EXPORTS: Mapping[str, Export] = {
    "graph-index": Export("graph-index.json", graph_members),
    "search-manifest": Export("search-manifest.json", search_members),
    "ontology-report": Export("ontology-report.json", report_members),
}


class Stamp(msgspec.Struct, frozen=True):
    """The two members of a header that no digest covers."""

    generated_at: str
    source_commit: str


def stamp_of(manifest: Manifest, *, generated_at: int | None = None) -> Stamp:
    """The stamp of a commit; the time is the commit's own unless seconds since 1970 are given."""
    seconds = manifest.commit_time if generated_at is None else generated_at
    return Stamp(format_instant(seconds), manifest.commit)


def export(kind: str, judged: Judged, reader: ObjectReader, stamp: Stamp) -> Iterator[bytes]:
    """Pieces of a derived file, ``kind`` being a name of ``EXPORTS``."""
    manifest = judged.manifest
    header = {
        "schemaVersion": SCHEMA_VERSION,
        "indexerVersion": INDEXER_VERSION,
        "generatedAt": stamp.generated_at,
        "sourceCommit": stamp.source_commit,
        "sourceDigest": manifest.source_digest,
        "ontologyDigest": manifest.ontology_digest,
        "ontologyVersion": manifest.ontology_version,
    }
    yield from document({**header, **EXPORTS[kind].members(judged, reader)})
