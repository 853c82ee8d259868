"""Entries of the graph index and the search manifest: what digests cover and exports print."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from krate_gitops.brain.facts import ParsedFile, freshness
from krate_gitops.brain.layout import SERVED
from krate_gitops.brain.model import Attributes, Edge, Record

# Members of structs keep their order, so those here are declared as canonical JSON sorts them; only maps are sorted.
_encode = msgspec.json.Encoder(order="deterministic").encode


class RecordEntry(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    """A record as the graph index lists it, without what the ontology adds; null members left out."""

    aliases: tuple[str, ...]
    attributes: Attributes
    bytes: int
    digest: str
    form: str
    id: str | None = None
    """Of a patch; other records are listed under theirs."""
    kind: str
    owners: tuple[str, ...]
    patch: bool = False
    path: str
    repo_refs: tuple[str, ...]
    sensitivity: str | None = None
    source_refs: tuple[str, ...]
    status: str | None = None
    summary: str | None = None
    tags: tuple[str, ...]
    title: str | None = None
    updated_at: str | None = None


class _EdgeEntry(msgspec.Struct):
    """A declared edge as the graph index lists it, without what other shards decide."""

    attributes: Attributes
    kind: str
    origin: str
    source: str
    target: str


class DocumentEntry(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    """A file as the search manifest lists it; null members left out."""

    bytes: int
    file_class: str = msgspec.field(name="class")
    digest: str
    freshness_date: str | None = None
    id: str | None = None
    kind: str | None = None
    lines: int
    owners: tuple[str, ...]
    parse_error: bool
    repo_refs: tuple[str, ...]
    sensitivity: str | None = None
    status: str | None = None
    tags: tuple[str, ...]
    title: str | None = None


class _GraphPart(msgspec.Struct):
    edges: list[_EdgeEntry]
    patches: list[RecordEntry]
    path: str
    records: dict[str, RecordEntry]


class _SearchPart(msgspec.Struct):
    document: DocumentEntry
    path: str


class _Content(msgspec.Struct):
    graph: list[_GraphPart]
    search: list[_SearchPart]


def record_entry(path: str, record: Record) -> RecordEntry:
    """A record of the file at ``path``."""
    return RecordEntry(
        aliases=record.aliases,
        attributes=record.attributes,
        bytes=record.end - record.start,
        digest=record.digest,
        form=record.form,
        id=record.id if record.patch else None,
        kind=record.kind,
        owners=record.owners,
        patch=record.patch,
        path=path,
        repo_refs=record.repo_refs,
        sensitivity=record.sensitivity,
        source_refs=record.source_refs,
        status=record.status,
        summary=record.summary,
        tags=record.tags,
        title=record.title,
        updated_at=record.updated_at,
    )


def document_entry(file: ParsedFile) -> DocumentEntry:
    """A file, with what its first record says or, without one, its own head."""
    record = file.records[0] if file.records else None
    note = record or file.note
    return DocumentEntry(
        bytes=file.size,
        file_class=file.file_class.value,
        digest=file.digest,
        freshness_date=freshness(file, record),
        id=record.id if record else None,
        kind=record.kind if record else None,
        lines=file.lines,
        owners=note.owners if note else (),
        parse_error=file.parse_error,
        repo_refs=note.repo_refs if note else (),
        sensitivity=note.sensitivity if note else None,
        status=note.status if note else None,
        tags=note.tags if note else (),
        title=note.title if note else None,
    )


def is_searchable(file: ParsedFile) -> bool:
    """Whether the file takes part in search: served classes, and never the body of ``secret-metadata``."""
    if file.file_class not in SERVED:
        return False
    return not any(record.sensitivity == "secret-metadata" for record in file.records)


def content_bytes(files: Sequence[ParsedFile]) -> bytes:
    """Canonical JSON of what files add to the graph index and to the search manifest."""
    return _encode(
        _Content(
            [_graph_part(file) for file in files],
            [_SearchPart(document_entry(file), file.path) for file in files if is_searchable(file)],
        )
    )


def _graph_part(file: ParsedFile) -> _GraphPart:
    path = file.path
    return _GraphPart(
        [_edge_entry(record.id, edge) for record in file.records for edge in record.edges],
        [record_entry(path, record) for record in file.records if record.patch],
        path,
        {record.id: record_entry(path, record) for record in file.records if not record.patch},
    )


def _edge_entry(source: str, edge: Edge) -> _EdgeEntry:
    return _EdgeEntry(edge.attributes or {}, edge.kind, "declared", source, edge.target)
