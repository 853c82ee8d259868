"""The value before a change: which one it is, and whether it is the same. What didn't change isn't checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from krate_gitops.cluster.dev.schemas.node import Node

MISSING_BEFORE: Final = object()
"""Stands for a value that wasn't there before, or of which nobody knows what it was."""


def before_member(old: Any, name: str) -> Any:
    """What a member was."""
    return old.get(name, MISSING_BEFORE) if isinstance(old, dict) else MISSING_BEFORE


def before_item(node: Node, old: Any, item: Any) -> Any:
    """What an item was: items of lists can be told again by keys only."""
    if node.list_type != "map" or not isinstance(old, list) or not isinstance(item, dict):
        return MISSING_BEFORE
    key = [item.get(name) for name in node.list_keys]
    for one in old:
        if isinstance(one, dict) and [one.get(name) for name in node.list_keys] == key:
            return one
    return MISSING_BEFORE


def is_same(left: Any, right: Any) -> bool:
    """Whether two values are equal, and of the same types: true isn't 1."""
    if left is right:
        return True
    if isinstance(left, dict):
        return (
            isinstance(right, dict)
            and left.keys() == right.keys()
            and all(is_same(item, right[name]) for name, item in left.items())
        )
    if isinstance(left, list):
        return isinstance(right, list) and len(left) == len(right) and all(map(is_same, left, right))
    return bool(left == right) and isinstance(left, bool) == isinstance(right, bool)
