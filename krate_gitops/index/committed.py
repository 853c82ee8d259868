"""Derived files that lie in the commit itself: are they made from it, and nothing else (KB070, KB071)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import msgspec

from krate_gitops.brain.model import Finding
from krate_gitops.brain.rules.severity import Severities
from krate_gitops.git.objects import ObjectReader
from krate_gitops.git.trees import SUBMODULE_MODE, SYMLINK_MODE, TreeEntry, list_tree, tree_oid
from krate_gitops.index.diagnose import Found
from krate_gitops.index.export.documents import EXPORTS, Stamp, export
from krate_gitops.index.formats import INDEXER_VERSION
from krate_gitops.index.judged import Judged
from krate_gitops.index.source import INDEXES

_MAX_BYTES = 256 << 20
# Ages in a report are told at the time of the commit, which a committed report can't know yet.
_COMPARED = ("graph-index", "search-manifest")


class _Header(msgspec.Struct, rename="camel"):
    """What a derived file says of its origin."""

    source_digest: str = ""
    ontology_digest: str = ""
    indexer_version: str = ""
    generated_at: str = ""
    source_commit: str = ""


def check_committed(judged: Judged, reader: ObjectReader) -> Iterator[Found]:
    """KB070 for derived files of the commit that were made from other files, KB071 for those that were changed since.

    A brain that commits none has none to be checked.
    """
    severities = Severities(judged.ontology.rules)
    for kind, entry in _committed(judged, reader):
        finding = _check(kind, entry, judged, reader)
        severity = severities.of(finding, INDEXES + entry.path) if finding else None
        if finding and severity is not None:
            yield INDEXES + entry.path, finding, severity


def _committed(judged: Judged, reader: ObjectReader) -> list[tuple[str, TreeEntry]]:
    folder = f"{judged.source.root}/{INDEXES}".strip("/")
    commit = judged.manifest.commit
    if not judged.source.root_present or tree_oid(reader, commit, folder) is None:
        return []
    kinds = {exported.name: kind for kind, exported in EXPORTS.items()}
    return [
        (kinds[entry.path], entry)
        for entry in list_tree(reader, commit, folder).entries
        if entry.path in kinds and entry.mode not in (SYMLINK_MODE, SUBMODULE_MODE)
    ]


def _check(kind: str, entry: TreeEntry, judged: Judged, reader: ObjectReader) -> Finding | None:
    [(_, _, _, data)] = reader.stream([entry.oid], max_bytes=_MAX_BYTES, sizes=[entry.size])
    try:
        header = msgspec.json.decode(data or b"", type=_Header)
    except msgspec.DecodeError:
        return Finding("KB071", f"{entry.path} is not a derived file", offset=0)
    manifest = judged.manifest
    stated = (header.source_digest, header.ontology_digest)
    if stated != (manifest.source_digest, manifest.ontology_digest):
        what = "source" if header.source_digest != manifest.source_digest else "ontology"
        return Finding("KB070", f"{entry.path} was built from another {what} digest", offset=0)
    if header.indexer_version != INDEXER_VERSION:
        return Finding("KB070", f"{entry.path} was built by another indexer version", offset=0)
    if kind not in _COMPARED:
        return None
    rebuilt = hashlib.sha256()
    for piece in export(kind, judged, reader, Stamp(header.generated_at, header.source_commit)):
        rebuilt.update(piece)
    if rebuilt.digest() == hashlib.sha256(data or b"").digest():
        return None
    return Finding("KB071", f"{entry.path} differs from a rebuild", offset=0)
