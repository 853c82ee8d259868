"""From a site to the line and column an editor should jump to.

Places are found afterwards and only in files with issues: such a file is parsed again, once, with its marks kept.
"""

from __future__ import annotations

from collections.abc import Mapping

from krate_gitops.brain.locate import NOWHERE, START, Place
from krate_gitops.brain.text import EncodingProblem, LineIndex, decode
from krate_gitops.brain.yaml_exact import Document, YamlRefused
from krate_gitops.resources.manifest import Site, SourceFile
from krate_gitops.resources.parse import parse_text


class Places:
    """Places in the files of one load."""

    def __init__(self, files: Mapping[str, SourceFile]) -> None:
        self._files = files
        self._read: dict[str, tuple[LineIndex, list[Document]] | None] = {}

    def of(self, site: Site) -> Place:
        """The place of a site; the nearest thing around it where its pointer leads nowhere."""
        if site.path not in self._files:
            return NOWHERE
        read = self._reading(site.path)
        if read is None:
            return START
        lines, documents = read
        if site.offset >= 0:
            return Place(*lines.position(site.offset))
        if not 0 <= site.document < len(documents):
            return START
        return Place(*lines.position(_offset(documents[site.document], site.field, site.at_key)))

    def _reading(self, path: str) -> tuple[LineIndex, list[Document]] | None:
        if path not in self._read:
            try:
                text = decode(self._files[path].data)
            except EncodingProblem:
                self._read[path] = None
                return None
            try:
                documents = parse_text(path, text)
            except YamlRefused:
                documents = []
            self._read[path] = LineIndex(text), documents
        return self._read[path]


def _offset(document: Document, field: str, at_key: bool) -> int:
    if field in document.marks:
        return document.marks[field][0 if at_key else 1]
    while field:
        is_item = field.endswith("]")
        field = field[: field.rindex("[")] if is_item and "[" in field else field.rpartition(".")[0]
        if field and (mark := document.marks.get(field)) is not None:
            # A missing item is missed in the list; a missing member at the name of what should have it.
            return mark[1] if is_item else mark[0]
    return document.start
