"""Defaults of structural schemas, and nulls where none are allowed."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, Final

from krate_gitops.cluster.dev.schemas.node import MISSING, Node

_SERVER_OWNED: Final = frozenset({"apiVersion", "kind", "metadata"})


def filled(node: Node, value: Any, *, is_root: bool = False) -> Any:
    """The value with defaults; the same value where nothing is missing. A default fills a missing member only."""
    if not node.has_defaults:
        return value
    if isinstance(value, dict):
        return _filled_object(node, value, is_root=is_root)
    if isinstance(value, list) and node.items is not None:
        items = node.items
        fresh = [filled(items, _replaced(items, item)) for item in value]
        return fresh if any(new is not old for new, old in zip(fresh, value, strict=True)) else value
    return value


def _filled_object(node: Node, value: dict[str, Any], *, is_root: bool) -> dict[str, Any]:
    """The object with the defaults of its members."""
    changed: dict[str, Any] = {}
    for name, child in node.properties.items():
        if is_root and name in _SERVER_OWNED:
            continue
        if name not in value:
            if child.default is not MISSING:
                changed[name] = filled(child, deepcopy(child.default))
        elif child.has_defaults:
            old = value[name]
            new = filled(child, _replaced(child, old))
            if new is not old:
                changed[name] = new
    if isinstance(node.additional, Node) and node.additional.has_defaults:
        for name, old in value.items():
            if name in node.properties:
                continue
            new = filled(node.additional, _replaced(node.additional, old))
            if new is not old:
                changed[name] = new
    return {**value, **changed} if changed else value


def _replaced(node: Node, value: Any) -> Any:
    """The default instead of a null that isn't allowed."""
    if value is None and not node.nullable and node.default is not MISSING:
        return deepcopy(node.default)
    return value


def without_nulls(node: Node, value: Any, *, is_root: bool = False) -> Any:
    """The value without members that are null, may not be, and have no default."""
    if isinstance(value, dict):
        return _object_without_nulls(node, value, is_root=is_root)
    if isinstance(value, list) and node.items is not None:
        items = node.items
        fresh = [without_nulls(items, item) for item in value]
        return fresh if any(new is not old for new, old in zip(fresh, value, strict=True)) else value
    return value


def _object_without_nulls(node: Node, value: dict[str, Any], *, is_root: bool) -> dict[str, Any]:
    """The object without such members; the same object if there are none."""
    fresh: dict[str, Any] = {}
    is_changed = False
    for name, old in value.items():
        child = None if is_root and name in _SERVER_OWNED else node.child(name)
        if child is None:
            fresh[name] = old
        elif old is None and not child.nullable and child.default is MISSING:
            is_changed = True
        else:
            new = fresh[name] = without_nulls(child, old)
            is_changed = is_changed or new is not old
    return fresh if is_changed else value
