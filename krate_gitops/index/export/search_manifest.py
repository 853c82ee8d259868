"""``search-manifest.json``: every file whose text may be searched, with what is known of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from krate_gitops.brain.facts import ParsedFile
from krate_gitops.brain.model import FileClass
from krate_gitops.brain.ontology import OntologyIndex
from krate_gitops.brain.rules.secret_metadata import SECRET_METADATA
from krate_gitops.git.objects import ObjectReader
from krate_gitops.index.entries import document_entry, is_searchable
from krate_gitops.index.export.graph_index import canonical_tags
from krate_gitops.index.export.lines import Entries, encode
from krate_gitops.index.judged import Judged

_WHOLE = {"freshnessDate": None, "id": None, "kind": None, "sensitivity": None, "status": None, "title": None}


def search_members(judged: Judged, _: ObjectReader) -> Mapping[str, Any]:
    """Members of the document beside its header."""
    index = judged.ontology_index()
    sizes = [file.size for file in _searchable(judged, index)]
    entries = ((file.path, encode(_entry(index, file))) for file in _searchable(judged, index))
    return {"stats": {"documents": len(sizes), "bytes": sum(sizes)}, "documents": Entries(entries)}


def _searchable(judged: Judged, index: OntologyIndex) -> Iterator[ParsedFile]:
    for shard in judged.columns.shards:
        for file in shard.facts():
            if is_searchable(file) and not any(
                index.sensitivity(record.kind, record.sensitivity) == SECRET_METADATA for record in file.records
            ):
                yield file


def _entry(index: OntologyIndex, file: ParsedFile) -> dict[str, Any]:
    entry = {**_WHOLE, **msgspec.to_builtins(document_entry(file))}
    entry["tags"] = canonical_tags(index, entry["tags"])
    if file.records:
        entry["sensitivity"] = index.sensitivity(entry["kind"] or "", entry["sensitivity"])
    elif not file.parse_error:
        # What could not be read may be of any sensitivity; a note is for everybody inside.
        entry["sensitivity"] = entry["sensitivity"] or "internal"
        if file.file_class is FileClass.NOTE:
            entry["status"] = entry["status"] or "draft"
    return entry
