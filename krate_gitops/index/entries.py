"""Entries of the graph index and the search manifest: what digests cover and exports print."""

from __future__ import annotations

from typing import Any

import msgspec

from krate_gitops.brain.facts import ParsedFile, freshness
from krate_gitops.brain.layout import SERVED
from krate_gitops.brain.model import Edge, Record

_encode = msgspec.json.Encoder(order="sorted").encode


def record_entry(path: str, record: Record) -> dict[str, Any]:
    """A record as the graph index lists it, without what the ontology adds; null members left out."""
    entry: dict[str, Any] = {
        "aliases": record.aliases,
        "attributes": record.attributes,
        "bytes": record.end - record.start,
        "digest": record.digest,
        "form": record.form,
        "kind": record.kind,
        "owners": record.owners,
        "path": path,
        "repoRefs": record.repo_refs,
        "sourceRefs": record.source_refs,
        "tags": record.tags,
    }
    for name, value in (
        ("sensitivity", record.sensitivity),
        ("status", record.status),
        ("summary", record.summary),
        ("title", record.title),
        ("updatedAt", record.updated_at),
    ):
        if value is not None:
            entry[name] = value
    if record.patch:
        entry["patch"] = True
    return entry


def edge_entry(source: str, edge: Edge) -> dict[str, Any]:
    """A declared edge as the graph index lists it, without what other shards decide."""
    return {
        "attributes": edge.attributes or {},
        "kind": edge.kind,
        "origin": "declared",
        "source": source,
        "target": edge.target,
    }


def document_entry(file: ParsedFile) -> dict[str, Any]:
    """A file as the search manifest lists it."""
    record = file.records[0] if file.records else None
    note = file.note
    entry: dict[str, Any] = {
        "bytes": file.size,
        "class": file.file_class.value,
        "digest": file.digest,
        "lines": file.lines,
        "owners": record.owners if record else (note.owners if note else ()),
        "parseError": file.parse_error,
        "repoRefs": record.repo_refs if record else (note.repo_refs if note else ()),
        "tags": record.tags if record else (note.tags if note else ()),
    }
    for name, value in (
        ("freshnessDate", freshness(file, record)),
        ("id", record.id if record else None),
        ("kind", record.kind if record else None),
        ("sensitivity", (record.sensitivity if record else note.sensitivity if note else None)),
        ("status", (record.status if record else note.status if note else None)),
        ("title", (record.title if record else note.title if note else None)),
    ):
        if value is not None:
            entry[name] = value
    return entry


def is_searchable(file: ParsedFile) -> bool:
    """Whether the file takes part in search: served classes, and never the body of ``secret-metadata``."""
    if file.file_class not in SERVED:
        return False
    return not any(record.sensitivity == "secret-metadata" for record in file.records)


def graph_bytes(file: ParsedFile) -> bytes:
    """Canonical JSON of the file's part of the graph index."""
    records = {record.id: record_entry(file.path, record) for record in file.records if not record.patch}
    patches = [record_entry(file.path, record) | {"id": record.id} for record in file.records if record.patch]
    edges = [edge_entry(record.id, edge) for record in file.records for edge in record.edges]
    return _encode({"edges": edges, "patches": patches, "path": file.path, "records": records})


def search_bytes(file: ParsedFile) -> bytes:
    """Canonical JSON of the file's part of the search manifest."""
    return _encode({"document": document_entry(file), "path": file.path})
