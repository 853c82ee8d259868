"""The exact YAML path: every token with its place, every forbidden construct refused at its token.

It drives the event stream of libyaml and composes values itself, so that nothing is constructed, merged, expanded or
guessed: scalars are typed by ``scalars``, tags, merge keys, directives and complex keys are refused, aliases are
counted, and the size of what they would expand to is bounded before anything walks it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import yaml

from krate_gitops.brain.model import Finding, Number
from krate_gitops.brain.scalars import resolve_plain
from krate_gitops.brain.text import LineIndex

MAX_DEPTH = 20
MAX_ALIASES = 100
MAX_EXPANDED_NODES = 100_000

_Parser: Any = getattr(yaml, "CLoader", yaml.Loader)

# libyaml breaks lines at these three; YAML 1.2 does not. They are parsed as private-use stand-ins and put back.
_SEPARATORS = ("\u0085", "\u2028", "\u2029")


class Scalar(msgspec.Struct, frozen=True):
    """A plain scalar that is not text: its value and the characters that stand in the file."""

    value: Any
    source: str


class Document(msgspec.Struct):
    """One YAML document: ``value`` holds ``Scalar`` where the file has an untyped non-text scalar other than null.

    ``marks`` maps a pointer (``attributes.tags[2]``) to the offsets of its key and of its value in the text.
    """

    value: Any
    start: int
    marks: dict[str, tuple[int, int]]


class YamlRefused(Exception):
    """The text is not acceptable YAML; the finding has its code and offset."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


def parse_exact(text: str, *, several: bool = False, findings: list[Finding] | None = None) -> list[Document]:
    """All documents of a text (empty ones left out); more than one only when ``several``.

    Findings that do not spoil the document (keys that are not text, KB021) go to ``findings``. Raises ``YamlRefused``.
    """
    stand_ins = _stand_ins(text)
    source = text.translate(stand_ins) if stand_ins else text
    composer = _Composer(text, source, {new: chr(old) for old, new in stand_ins.items()}, findings)
    try:
        return list(composer.documents(several))
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, composer.lines) from None
    except yaml.reader.ReaderError as error:
        raise YamlRefused(
            Finding("KB001", f"{error.reason}: U+{_code_point(error):04X}", offset=int(error.position))
        ) from None
    finally:
        composer.close()


_SAID = (
    ("nesting depth", "KB008"),
    ("directive", "KB008"),
    ("incompatible YAML document", "KB008"),
    ("invalid Unicode character escape", "KB004"),
)
"""Words of the parser's own complaints that are not a matter of syntax."""


def _syntax_error(error: yaml.MarkedYAMLError, lines: LineIndex) -> YamlRefused:
    """The finding at the token that is wrong: what was opened and never closed, else where the parser stopped."""
    message = error.problem or "not YAML"
    unclosed = "expected ',' or" in message or "unexpected end of stream" in message
    mark = (error.context_mark if unclosed else None) or error.problem_mark or error.context_mark
    code = next((code for said, code in _SAID if said in message), "KB001")
    return _refuse(code, message, lines.offset(mark.line, mark.column) if mark else 0)


def _code_point(error: yaml.reader.ReaderError) -> int:
    return error.character if isinstance(error.character, int) else ord(str(error.character)[:1] or "\0")


def _stand_ins(text: str) -> dict[int, str]:
    if text.isascii() or not any(mark in text for mark in _SEPARATORS):
        return {}
    free = (chr(code) for code in range(0xE000, 0xF8FF) if chr(code) not in text)
    return {ord(mark): next(free) for mark in _SEPARATORS}


class _Node(msgspec.Struct):
    value: Any
    size: int
    depth: int


class _Composer:
    def __init__(self, text: str, source: str, back: dict[str, str], findings: list[Finding] | None) -> None:
        self.lines = LineIndex(text)
        self._parser = _Parser(source)
        self._back = back
        self._findings = findings
        self._anchors: dict[str, _Node] = {}
        self._aliases = 0
        self._marks: dict[str, tuple[int, int]] = {}

    def close(self) -> None:
        self._parser.dispose()

    def documents(self, several: bool) -> Iterator[Document]:
        seen = 0
        while True:
            event = self._parser.get_event()
            if isinstance(event, yaml.StreamEndEvent):
                return
            if not isinstance(event, yaml.DocumentStartEvent):
                continue
            offset = self._offset(event.start_mark)
            if event.version or event.tags:
                raise _refuse("KB008", "YAML directives are not allowed", offset)
            first = self._parser.get_event()
            if _is_empty(first):
                self._parser.get_event()
                continue
            seen += 1
            if seen > 1 and not several:
                line = self.lines.position(offset)[0]
                raise _refuse("KB005", f"found a second document at line {line}", offset)
            self._anchors, self._marks = {}, {}
            start = self._offset(first.start_mark)
            node = self._compose(first, "", start, 1)
            yield Document(node.value, start, self._marks)

    def _offset(self, mark: Any) -> int:
        return self.lines.offset(mark.line, mark.column)

    def _compose(self, event: Any, pointer: str, key_offset: int, depth: int) -> _Node:
        offset = self._offset(event.start_mark)
        self._marks[pointer] = (key_offset, offset)
        if depth > MAX_DEPTH:
            raise _refuse("KB008", f"nested deeper than {MAX_DEPTH} levels", offset)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, offset, depth)
        if event.tag is not None:
            raise _refuse("KB008", f"tag {_shown_tag(event.tag)} is not allowed", offset)
        if event.anchor is not None:
            self._count_alias(offset)
        if isinstance(event, yaml.ScalarEvent):
            value = self._scalar(event, offset)
            node = _Node(None if type(value) is Scalar and value.value is None else value, 1, 1)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self._sequence(pointer, depth)
        else:
            node = self._mapping(pointer, depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _count_alias(self, offset: int) -> None:
        self._aliases += 1
        if self._aliases > MAX_ALIASES:
            raise _refuse("KB008", f"more than {MAX_ALIASES} anchors and aliases", offset)

    def _alias(self, event: Any, offset: int, depth: int) -> _Node:
        self._count_alias(offset)
        node = self._anchors.get(event.anchor)
        if node is None:
            raise _refuse("KB008", f"alias *{event.anchor} names no finished anchor", offset)
        if depth + node.depth - 1 > MAX_DEPTH:
            raise _refuse("KB008", f"nested deeper than {MAX_DEPTH} levels", offset)
        return node

    def _scalar(self, event: Any, offset: int) -> Any:
        source = event.value
        if self._back and any(mark in source for mark in self._back):
            if event.style in (None, ""):
                raise _refuse("KB008", "a Unicode line separator in a plain scalar", offset)
            for mark, original in self._back.items():
                source = source.replace(mark, original)
        if event.style in (None, ""):
            value = resolve_plain(source)
            return source if value is source or isinstance(value, str) else Scalar(value, source)
        if "\0" in source or any("\ud800" <= char <= "\udfff" for char in source):
            raise _refuse("KB004", "an escape that yields NUL or a lone surrogate", offset)
        return source

    def _sequence(self, pointer: str, depth: int) -> _Node:
        items: list[Any] = []
        size, deepest = 1, 0
        while not isinstance(event := self._parser.get_event(), yaml.SequenceEndEvent):
            offset = self._offset(event.start_mark)
            node = self._compose(event, f"{pointer}[{len(items)}]", offset, depth + 1)
            items.append(node.value)
            size += node.size
            deepest = max(deepest, node.depth)
            self._bound(size, offset)
        return _Node(items, size, deepest + 1)

    def _mapping(self, pointer: str, depth: int) -> _Node:
        result: dict[str, Any] = {}
        typed: dict[Any, int] = {}
        size, deepest = 1, 0
        while not isinstance(event := self._parser.get_event(), yaml.MappingEndEvent):
            offset = self._offset(event.start_mark)
            key = self._key(event, offset, pointer, typed, result)
            node = self._compose(self._parser.get_event(), f"{pointer}.{key}" if pointer else key, offset, depth + 1)
            result[key] = node.value
            size += node.size + 1
            deepest = max(deepest, node.depth)
            self._bound(size, offset)
        return _Node(result, size, deepest + 1)

    def _key(self, event: Any, offset: int, pointer: str, typed: dict[Any, int], result: Mapping[str, Any]) -> str:
        if not isinstance(event, yaml.ScalarEvent):
            raise _refuse("KB008", "a key must be a plain or quoted text", offset)
        if event.tag is not None:
            raise _refuse("KB008", f"tag {_shown_tag(event.tag)} is not allowed", offset)
        if event.anchor is not None:
            self._count_alias(offset)
        value = self._scalar(event, offset)
        if value == "<<" and event.style in (None, ""):
            raise _refuse("KB008", "merge keys are not allowed", offset)
        key = value.source if isinstance(value, Scalar) else value
        same: Any = unicodedata.normalize("NFC", key)
        if isinstance(value, Scalar):
            same = value.value.source if isinstance(value.value, Number) else value.value
            if self._findings is not None:
                text = f"key {key!r} is not text; quote it"
                self._findings.append(Finding("KB021", text, field=pointer, offset=offset))
        if same in typed or key in result:
            line = self.lines.position(offset)[0]
            raise _refuse("KB007", f'key "{key}" repeated at line {line}', offset)
        typed[same] = offset
        return str(key)

    def _bound(self, size: int, offset: int) -> None:
        if size > MAX_EXPANDED_NODES:
            raise _refuse("KB008", f"expands to more than {MAX_EXPANDED_NODES} nodes", offset)


def _is_empty(event: Any) -> bool:
    return isinstance(event, yaml.ScalarEvent) and event.value == "" and event.style in (None, "") and not event.tag


def _refuse(code: str, message: str, offset: int) -> YamlRefused:
    return YamlRefused(Finding(code, message, offset=offset))


def _shown_tag(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!", 1)[:60]
