"""From a finding to the line and column an editor should jump to.

Rules know a document of a file and a pointer into it, or an offset; positions are found afterwards, and only in files
that have findings. A document is parsed again for it, once, with the parser that keeps positions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from krate_gitops.brain.documents import Span, split_documents
from krate_gitops.brain.facts import ParsedFile
from krate_gitops.brain.frontmatter import find_frontmatter
from krate_gitops.brain.model import FileClass, Finding, Foreign
from krate_gitops.brain.rules.place import document_ordinals
from krate_gitops.brain.rules.words import CODES
from krate_gitops.brain.text import EncodingProblem, LineIndex, decode
from krate_gitops.brain.yaml_exact import Document, Scalar, YamlRefused, parse_exact

_YAML = (FileClass.GRAPH, FileClass.ONTOLOGY, FileClass.ARTIFACT_MANIFEST)
_ORDINAL = re.compile(r"(.+)\[(\d+)\]\Z", re.DOTALL)
_FIRST_NAME = re.compile(r"(attributes\.)?([^.\[]+)(.*)\Z", re.DOTALL)
_KIND_NAMES: Mapping[str, tuple[str, ...]] = {"nodeKind": ("kind",), "kind": ("nodeKind",)}


class Place(NamedTuple):
    """Line and column, both 1-based and in characters; zeros where there is no file to point into."""

    line: int
    column: int


NOWHERE = Place(0, 0)
START = Place(1, 1)


class Locator:
    """Places in one file.

    ``data`` are its bytes. ``foreign`` tells under which other names a brain keeps its fields.
    """

    def __init__(self, data: bytes, file: ParsedFile, foreign: Foreign | None = None) -> None:
        self._data = data
        self._file = file
        self._foreign = foreign
        self._resolvers: dict[int, _Resolver | None] = {}

    def place(self, finding: Finding) -> Place:
        """Place of a finding; the start of the nearest thing that exists where its pointer leads nowhere."""
        if finding.offset >= 0:
            return self._at(finding.offset)
        if finding.record < 0:
            return START
        return self._in_document(finding.record, finding.field, at_key=finding.at_key, counted=finding.code in CODES)

    def record(self, record_id: str, *, besides: int = -1) -> Place:
        """Place of the id of a record, preferably not in the document number ``besides``."""
        found = [
            ordinal
            for ordinal, record in zip(document_ordinals(self._file), self._file.records, strict=True)
            if record.id == record_id
        ]
        others = [ordinal for ordinal in found if ordinal != besides]
        return self._in_document((others or found)[0], "id") if found else START

    def record_at(self, offset: int) -> str:
        """Id of the record whose document holds a character offset; empty where there is none."""
        for ordinal, record in zip(document_ordinals(self._file), self._file.records, strict=True):
            if ordinal < len(self._spans) and self._spans[ordinal].start <= offset < self._spans[ordinal].end:
                return record.id
        return ""

    @cached_property
    def _text(self) -> str | None:
        try:
            return decode(self._data)
        except EncodingProblem:
            return None

    @cached_property
    def _lines(self) -> LineIndex:
        return LineIndex(self._text or "")

    @cached_property
    def _spans(self) -> list[Span]:
        """Documents of the file, numbered as findings count them."""
        if self._text is None:
            return []
        if self._file.file_class in _YAML:
            return split_documents(self._text)
        matter = find_frontmatter(self._text)
        return [Span(matter.start, matter.end)] if matter and matter.closed else []

    def _at(self, offset: int) -> Place:
        if self._text is not None:
            return Place(*self._lines.position(offset))
        # What is no text was measured up to where that shows, line ends as they are.
        before = self._data.decode(errors="replace")[:offset].removeprefix("\ufeff")
        before = before.replace("\r\n", "\n").replace("\r", "\n")
        return Place(before.count("\n") + 1, len(before) - before.rfind("\n"))

    def _in_document(self, ordinal: int, field: str, *, at_key: bool = False, counted: bool = False) -> Place:
        if ordinal >= len(self._spans):
            return START
        resolver = self._resolver(ordinal)
        start = self._spans[ordinal].start
        return self._at(start + (resolver.offset(field, at_key=at_key, counted=counted) if resolver else 0))

    def _resolver(self, ordinal: int) -> _Resolver | None:
        if ordinal not in self._resolvers:
            span = self._spans[ordinal]
            try:
                documents = parse_exact((self._text or "")[span.start : span.end])
            except YamlRefused:
                documents = []
            self._resolvers[ordinal] = _Resolver(documents[0], self._foreign) if documents else None
        return self._resolvers[ordinal]


class _Resolver:
    """Pointers in one parsed document."""

    def __init__(self, document: Document, foreign: Foreign | None) -> None:
        self._value = document.value
        self._start = document.start
        self._marks = document.marks
        self._names = {**(foreign.field_aliases if foreign else {})}
        for name, others in _KIND_NAMES.items():
            self._names[name] = (*self._names.get(name, ()), *others)
        self._sidecar = foreign.sidecars.key if foreign and foreign.sidecars else ""

    def offset(self, field: str, *, at_key: bool, counted: bool) -> int:
        """Offset of what a pointer means, or of the nearest thing around it.

        ``counted`` pointers count what was read: broken items do not take part, and every form of edges looks alike.
        """
        if counted:
            field, at_key = self._uncounted(field, at_key)
        mark = self._find(field)
        if mark is not None:
            return mark[0] if at_key else mark[1]
        while field:
            is_item = field.endswith("]")
            field = field[: field.rindex("[")] if is_item and "[" in field else field.rpartition(".")[0]
            mark = self._find(field) if field else None
            if mark is not None:
                # A missing item is missed in the list; a missing member at the name of what should have it.
                return mark[1] if is_item else mark[0]
        return self._start

    def _find(self, field: str) -> tuple[int, int] | None:
        if not field:
            return None
        return next((self._marks[name] for name in self._spellings(field) if name in self._marks), None)

    def _spellings(self, field: str) -> Iterator[str]:
        """The pointer, then those that other names of its field give."""
        yield field
        match = _FIRST_NAME.match(field)
        if match is None:
            return
        prefix, name, rest = match[1] or "", match[2], match[3]
        for other in self._names.get(name, ()):
            yield f"{prefix}{other}{rest}"
        if self._sidecar and not prefix:
            for other in (name, *self._names.get(name, ())):
                yield f"{self._sidecar}.{other}{rest}"

    def _uncounted(self, field: str, at_key: bool) -> tuple[str, bool]:
        match = _ORDINAL.match(field)
        if match is None:
            return field, at_key
        container, position = match[1], int(match[2])
        root, _, kind = container.partition(".")
        if root in ("edges", "related") and kind:
            return self._edge_kind(root, kind, position) if at_key else (self._edge(root, kind, position), False)
        for name in self._spellings(container):
            items = self._reach(name)
            if isinstance(items, list):
                at = _nth(items, position, _is_text)
                return (f"{name}[{at}]" if at is not None else name), at_key
        return container, at_key

    def _edge_kind(self, root: str, kind: str, position: int) -> tuple[str, bool]:
        """Pointer of the name of an edge's kind, which is a key or, in the list form, a value."""
        declared = self._reach(root)
        if isinstance(declared, list):
            at = _nth(declared, position, lambda item: _has_kind(item, kind) and _is_edge(item))
            return (f"{root}[{at}].kind", False) if at is not None else (root, True)
        return f"{root}.{kind}", True

    def _edge(self, root: str, kind: str, position: int) -> str:
        """Pointer of the target of an edge."""
        declared = self._reach(root)
        if isinstance(declared, list):
            at = _nth(declared, position, lambda item: _has_kind(item, kind) and _is_edge(item))
            return f"{root}[{at}].target" if at is not None else root
        pointer = f"{root}.{kind}"
        items = declared.get(kind) if isinstance(declared, dict) else None
        if isinstance(items, list):
            at = _nth(items, position, _is_edge)
            if at is None:
                return pointer
            items, pointer = items[at], f"{pointer}[{at}]"
        return f"{pointer}.target" if isinstance(items, dict) else pointer

    def _reach(self, pointer: str) -> Any:
        value = self._value
        for name in pointer.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        return value


def _nth(items: list[Any], position: int, counts: Any) -> int | None:
    """Index of the item number ``position`` among those that count."""
    for at, item in enumerate(items):
        if counts(item):
            if position == 0:
                return at
            position -= 1
    return None


def _is_text(item: Any) -> bool:
    """Whether a scalar was read as text: all but null are."""
    return isinstance(item, str) or (isinstance(item, Scalar) and item.value is not None)


def _is_edge(item: Any) -> bool:
    """Whether an item was read as an edge: it names a target."""
    if isinstance(item, dict):
        return item.get("target") != "" and _is_text(item.get("target"))
    return _is_text(item)


def _has_kind(item: Any, kind: str) -> bool:
    if not isinstance(item, dict):
        return False
    named = item.get("kind")
    return (named.source if isinstance(named, Scalar) else named) == kind
