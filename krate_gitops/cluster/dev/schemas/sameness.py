"""The value before a change: which one it is, and whether it is the same. What didn't change isn't checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from krate_gitops.cluster.dev.schemas.node import Node

MISSING_BEFORE: Final = object()
"""Stands for a value that wasn't there before, or of which nobody knows what it was."""


def before_member(old: Any, name: str) -> Any:
    """What a member was."""
    return old.get(name, MISSING_BEFORE) if isinstance(old, dict) else MISSING_BEFORE


def before_items(node: Node, old: Any, items: list[Any]) -> list[Any]:
    """What each item was: items of lists can be told again by keys only."""
    if node.list_type != "map" or not isinstance(old, list):
        return [MISSING_BEFORE] * len(items)
    known: dict[bytes, Any] = {}
    for one in old:
        if isinstance(one, dict):
            known.setdefault(_key(node, one), one)
    return [known.get(_key(node, item), MISSING_BEFORE) if isinstance(item, dict) else MISSING_BEFORE for item in items]


def _key(node: Node, item: dict[str, Any]) -> bytes:
    return msgspec.json.encode([item.get(name) for name in node.list_keys])
