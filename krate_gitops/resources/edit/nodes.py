"""Where every value of a file begins and ends.

The exact parser says what a file means; this says which characters mean it. Both walk the same events of libyaml, so
that a file the exact parser took has a tree here.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import yaml

_SEPARATORS = dict.fromkeys((0x85, 0x2028, 0x2029), "\ue000")
"""libyaml breaks lines at these and YAML 1.2 doesn't; any other character in their place leaves every offset alone."""
_COLON = re.compile(r"[ \t]*:")
_BLANK_END = re.compile(r"(?:\n[ \t]*)*\Z")
_Parser: Any = getattr(yaml, "CLoader", yaml.Loader)


class Shape(enum.Enum):
    """What a node is."""

    MAP = enum.auto()
    SEQUENCE = enum.auto()
    SCALAR = enum.auto()
    ALIAS = enum.auto()


class Node(msgspec.Struct):
    """A value from offset ``start`` up to ``end``, comments and blank lines behind it aside.

    ``style`` is ``|``, ``>``, ``'``, ``"`` or empty for a scalar, ``flow`` or ``block`` for a collection. ``anchor``
    is the name that it is given, or that an alias means.
    """

    shape: Shape
    style: str
    start: int
    end: int
    anchor: str = ""
    entries: list[Entry] = []

    @property
    def in_flow(self) -> bool:
        """Whether it is a collection in brackets."""
        return self.style == "flow"


class Entry(msgspec.Struct):
    """A member of a map or an item of a sequence.

    ``start`` is where its key, dash or value begins, ``after`` follows the colon or dash (negative where neither can
    be told), ``end`` is the end of its content.
    """

    start: int
    after: int
    node: Node

    @property
    def end(self) -> int:
        """End of the value, or of the colon or dash where there is none."""
        return max(self.node.end, self.after, self.start)


class DocumentNode(msgspec.Struct):
    """A document that isn't empty. ``lead`` is where its ``---`` or else its content begins, ``until`` that of the next
    document, empty or not.
    """

    lead: int
    until: int
    root: Node


def compose(text: str) -> list[DocumentNode]:
    """The documents of a YAML text that aren't empty, in order. The text is one that ``parse_exact`` took."""
    parser = _Parser(text.translate(_SEPARATORS))
    try:
        return list(_Composer(text, parser).documents())
    finally:
        parser.dispose()


def _at(mark: Any) -> int:
    return int(mark.index)


class _Composer:
    def __init__(self, text: str, parser: Any) -> None:
        self._text = text
        self._parser = parser

    def documents(self) -> Iterator[DocumentNode]:
        waiting: DocumentNode | None = None
        while True:
            event = self._parser.get_event()
            if isinstance(event, (yaml.DocumentStartEvent, yaml.StreamEndEvent)):
                at = _at(event.start_mark)
                if waiting is not None:
                    waiting.until = at if isinstance(event, yaml.DocumentStartEvent) else len(self._text)
                    yield waiting
                    waiting = None
                if isinstance(event, yaml.StreamEndEvent):
                    return
                first = self._parser.get_event()
                if isinstance(first, yaml.ScalarEvent) and first.value == "" and not first.style:
                    continue
                root = self._node(first)
                waiting = DocumentNode(at if event.explicit else root.start, 0, root)

    def _node(self, event: Any) -> Node:
        start, end, anchor = _at(event.start_mark), _at(event.end_mark), event.anchor or ""
        if isinstance(event, yaml.AliasEvent):
            return Node(Shape.ALIAS, "", start, end, anchor)
        if isinstance(event, yaml.ScalarEvent):
            return Node(Shape.SCALAR, event.style or "", start, self._scalar_end(event), anchor)
        in_flow = bool(event.flow_style)
        style = "flow" if in_flow else "block"
        if isinstance(event, yaml.SequenceStartEvent):
            node = Node(Shape.SEQUENCE, style, start, start, anchor)
            node.entries, last = self._items(event, in_flow)
        else:
            node = Node(Shape.MAP, style, start, start, anchor)
            node.entries, last = self._members()
        node.end = last if in_flow else max((entry.end for entry in node.entries), default=start)
        return node

    def _members(self) -> tuple[list[Entry], int]:
        entries: list[Entry] = []
        while not isinstance(event := self._parser.get_event(), yaml.MappingEndEvent):
            colon = _COLON.match(self._text, _at(event.end_mark))
            node = self._node(self._parser.get_event())
            is_simple = colon is not None and colon.end() <= node.start and not self._is_explicit(event)
            after = colon.end() if colon is not None and is_simple else -1
            entries.append(Entry(_at(event.start_mark), after, node))
        return entries, _at(event.end_mark)

    def _is_explicit(self, key: Any) -> bool:
        """Whether a question mark introduces a key."""
        start = _at(key.start_mark)
        return self._text[start - key.start_mark.column : start].rstrip(" ").endswith("?")

    def _items(self, opening: Any, in_flow: bool) -> tuple[list[Entry], int]:
        entries: list[Entry] = []
        dash = _at(opening.start_mark) + (len(opening.anchor) + 1 if opening.anchor else 0)
        while not isinstance(event := self._parser.get_event(), yaml.SequenceEndEvent):
            node = self._node(event)
            if in_flow:
                entries.append(Entry(node.start, node.start, node))
                continue
            at = self._dash(entries[-1].end if entries else dash, node.start)
            entries.append(Entry(at, at + 1, node))
        return entries, _at(event.end_mark)

    def _dash(self, since: int, until: int) -> int:
        """Where the dash of an item is: the first character from an offset on that is neither space nor comment."""
        at = since
        while at < until:
            if self._text[at] == "#":
                at = self._text.find("\n", at, until)
                if at < 0:
                    break
            elif self._text[at] == "-":
                return at
            at += 1
        return until

    def _scalar_end(self, event: Any) -> int:
        start, end = _at(event.start_mark), _at(event.end_mark)
        if event.style not in ("|", ">"):
            return int(end)
        written = self._text[start:end]
        if "+" in written.partition("\n")[0].partition("#")[0]:
            return end - int(written.endswith("\n"))
        ending = _BLANK_END.search(written)
        return start + ending.start() if ending else end
