"""A draft ontology from the documents of a commit, read without any ontology."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from krate_gitops.brain.documents import split_documents
from krate_gitops.brain.frontmatter import find_frontmatter
from krate_gitops.brain.infer import infer_ontology
from krate_gitops.brain.model import Limits
from krate_gitops.brain.text import EncodingProblem, decode
from krate_gitops.brain.values import settle
from krate_gitops.brain.yaml_exact import YamlRefused, parse_exact
from krate_gitops.brain.yaml_fast import NeedExact, fractions_are_plain, parse_fast
from krate_gitops.errors import KrateError
from krate_gitops.git.objects import ObjectReader
from krate_gitops.git.trees import SUBMODULE_MODE, SYMLINK_MODE, list_tree
from krate_gitops.index.source import Target, open_source
from krate_gitops.progress import Progress, silent

_PASSED_OVER = ("ontology/", "indexes/")
_ENDINGS = (".yaml", ".yml", ".md")


def draft_ontology(target: Target, *, progress: Progress = silent) -> dict[str, bytes]:
    """The four ontology files that fit what a commit holds, by their path in a brain.

    Files that can't be read are passed over. Raises ``KrateError(MEMORY_LAYOUT_INVALID)`` without a memory root.
    """
    with ObjectReader(target.repository) as reader:
        source = open_source(target, reader)
        if not source.root_present:
            raise KrateError(
                "MEMORY_LAYOUT_INVALID", f"there is no memory root {source.root}", hint="name it with --root"
            )
        return infer_ontology(_documents(target.commit, source.root, reader, progress))


def _documents(
    commit: str, root: str, reader: ObjectReader, progress: Progress
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    entries = [
        entry
        for entry in list_tree(reader, commit, root).entries
        if entry.path.endswith(_ENDINGS)
        and not entry.path.startswith(_PASSED_OVER)
        and entry.mode not in (SYMLINK_MODE, SUBMODULE_MODE)
    ]
    stream = reader.stream(
        [entry.oid for entry in entries],
        max_bytes=Limits().record_bytes,
        sizes=[entry.size for entry in entries],
    )
    for number, (entry, (_, _, _, data)) in enumerate(zip(entries, stream, strict=True)):
        progress("reading", number, len(entries))
        for source in _sources(entry.path, data or b""):
            value = _value(source)
            if isinstance(value, dict):
                yield entry.path, value


def _sources(path: str, data: bytes) -> Iterator[str]:
    """The YAML documents of a file."""
    try:
        text = decode(data)
    except EncodingProblem:
        return
    if not path.endswith(".md"):
        yield from (text[span.start : span.end] for span in split_documents(text))
        return
    matter = find_frontmatter(text)
    if matter and matter.closed:
        yield text[matter.start : matter.end]


def _value(source: str) -> Any:
    try:
        return settle(parse_fast(source), 1, fractions_are_plain(source))
    except NeedExact:
        pass
    try:
        documents = parse_exact(source)
        return settle(documents[0].value, 1, False) if documents else None
    except (YamlRefused, NeedExact):
        return None
