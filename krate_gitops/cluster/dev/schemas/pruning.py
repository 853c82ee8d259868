"""Unknown fields of custom objects: dropped, and named for the field validation."""

from __future__ import annotations

from typing import Any, Final

from krate_gitops.cluster.dev.schemas.metadata_fields import META_NODE
from krate_gitops.cluster.dev.schemas.node import Node

_SERVER_OWNED: Final = frozenset({"apiVersion", "kind", "metadata"})


def pruned(root: Node, obj: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The object without unknown fields, and their paths: of its metadata, sorted of the rest, of embedded metadata."""
    in_metadata: list[str] = []
    unknown: list[str] = []
    embedded: list[str] = []
    fresh = _pruned_object(root, obj, "", unknown, embedded, is_resource=True)
    metadata = fresh.get("metadata")
    if isinstance(metadata, dict):
        clean = _known(META_NODE, metadata, "metadata", in_metadata)
        if clean is not metadata:
            fresh = {**fresh, "metadata": clean}
    return fresh, [*in_metadata, *sorted(unknown), *embedded]


def _pruned_value(node: Node, value: Any, path: str, unknown: list[str], embedded: list[str]) -> Any:
    """The value without unknown fields; the same value if there are none."""
    if isinstance(value, dict):
        return _pruned_object(node, value, path, unknown, embedded, is_resource=node.embedded)
    if isinstance(value, list) and node.items is not None:
        items = node.items
        fresh = [_pruned_value(items, item, f"{path}[{index}]", unknown, embedded) for index, item in enumerate(value)]
        return fresh if any(new is not old for new, old in zip(fresh, value, strict=True)) else value
    return value


def _pruned_object(
    node: Node, value: dict[str, Any], path: str, unknown: list[str], embedded: list[str], *, is_resource: bool
) -> dict[str, Any]:
    """The object without unknown members. Below a preserving node, only what has a schema of its own is looked at."""
    start = f"{path}." if path else ""
    fresh: dict[str, Any] = {}
    is_changed = False
    for name, old in value.items():
        if is_resource and name in _SERVER_OWNED:
            new = old
            if path and name == "metadata" and isinstance(old, dict):
                new = _known(META_NODE, old, start + name, embedded)
        else:
            child = node.child(name)
            if child is not None:
                new = _pruned_value(child, old, start + name, unknown, embedded)
            elif node.preserve or node.additional is True:
                new = old
            else:
                unknown.append(start + name)
                is_changed = True
                continue
        fresh[name] = new
        is_changed = is_changed or new is not old
    return fresh if is_changed else value


def _known(node: Node, value: Any, path: str, unknown: list[str]) -> Any:
    """The metadata without fields that no metadata has, in the order of the body."""
    if isinstance(value, list) and node.items is not None:
        items = node.items
        listed = [_known(items, item, f"{path}[{index}]", unknown) for index, item in enumerate(value)]
        return listed if any(new is not old for new, old in zip(listed, value, strict=True)) else value
    if not isinstance(value, dict) or node.preserve:
        return value
    fresh: dict[str, Any] = {}
    is_changed = False
    for name, old in value.items():
        child = node.child(name)
        if child is None:
            unknown.append(f"{path}.{name}")
            is_changed = True
            continue
        new = fresh[name] = _known(child, old, f"{path}.{name}", unknown)
        is_changed = is_changed or new is not old
    return fresh if is_changed else value
