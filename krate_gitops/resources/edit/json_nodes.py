"""Where every value of a JSON file begins and ends: the same tree that YAML gives."""

from __future__ import annotations

import re
from json import decoder
from typing import Any

from krate_gitops.resources.edit.nodes import DocumentNode, Entry, Node, Shape

_SPACE = re.compile(r"[ \t\n\r]*")
_SCALAR = re.compile(r"[^\s,\]}]+")
_scan_string: Any = getattr(decoder, "scanstring")  # noqa: B009 - the stubs leave it out


def compose_json(text: str) -> list[DocumentNode]:
    """The one document of a text that ``parse_json`` took, or none."""
    start = _skip(text, 0)
    return [DocumentNode(start, len(text), _node(text, start))] if start < len(text) else []


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _node(text: str, at: int) -> Node:
    if text[at] == '"':
        return Node(Shape.SCALAR, '"', at, _scan_string(text, at + 1, True)[1])
    if text[at] not in "{[":
        match = _SCALAR.match(text, at)
        return Node(Shape.SCALAR, "", at, match.end() if match else at)
    is_map = text[at] == "{"
    node = Node(Shape.MAP if is_map else Shape.SEQUENCE, "flow", at, at)
    entries = []
    place = _skip(text, at + 1)
    while text[place] not in "}]":
        start = after = place
        if is_map:
            after = _skip(text, _scan_string(text, place + 1, True)[1]) + 1
        value = _node(text, _skip(text, after))
        entries.append(Entry(start, after, value))
        place = _skip(text, value.end)
        if text[place] == ",":
            place = _skip(text, place + 1)
    node.entries, node.end = entries, place + 1
    return node
