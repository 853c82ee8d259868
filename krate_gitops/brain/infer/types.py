"""The narrowest attribute type that accepts every value seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Any

from krate_gitops.brain.attribute_types import fits
from krate_gitops.brain.identifiers import prefix_of
from krate_gitops.brain.model import AttributeType

# Narrow before wide; ``object`` takes everything, so there is always an answer.
_CANDIDATES = (
    "boolean", "integer", "timestamp", "date", "digest", "url", "id", "string", "text", "id-list", "string-list",
    "object",
)  # fmt: skip
_TYPES = tuple(AttributeType(name) for name in _CANDIDATES)
_ALL = (1 << len(_TYPES)) - 1
_PREFIXES_KEPT = 64


class SeenValues:
    """What was seen of one attribute of one kind."""

    __slots__ = ("count", "empty", "forms", "mask", "prefixes")

    def __init__(self) -> None:
        self.count = 0
        self.empty = True
        self.mask = _ALL
        self.forms: Counter[str] = Counter()
        self.prefixes: set[str] = set()

    def add(self, value: Any) -> None:
        self.count += 1
        self.forms[_form(value)] += 1
        if value is None:
            return
        # An empty list fits every list type and tells nothing about which.
        self.empty = self.empty and value == []
        self.mask &= _mask(value)
        for item in value if isinstance(value, list) else (value,):
            if isinstance(item, str) and ":" in item and len(self.prefixes) < _PREFIXES_KEPT:
                self.prefixes.add(prefix_of(item))

    def type(self, prefixes: Collection[str]) -> str:
        """The narrowest type; texts such as ``note:this`` are ids only if all their prefixes are known."""
        if self.empty:
            return "string-list" if self.forms.get("list") else "object"
        references = all(prefix in prefixes for prefix in self.prefixes)
        for at, name in enumerate(_CANDIDATES):
            if self.mask >> at & 1 and (references or not name.startswith("id")):
                return name
        return "object"


def _mask(value: Any) -> int:
    return sum(1 << at for at, kind in enumerate(_TYPES) if fits(kind, value, relaxed_ids=True))


def _form(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, str):
        return "text"
    if isinstance(value, list):
        return "list"
    return "number" if isinstance(value, dict) and set(value) == {"$number"} else "map"
