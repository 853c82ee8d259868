"""What must differ in lists that are sets or maps, and what an embedded object must have."""

from __future__ import annotations

from typing import Any

import msgspec

from krate_gitops.cluster.dev.schemas.faults import Fault, duplicate, required
from krate_gitops.cluster.dev.schemas.node import Node

_encode = msgspec.json.Encoder(order="deterministic").encode


def check_lists(node: Node, value: Any, path: str, faults: list[Fault]) -> None:
    """Adds a fault for every item that repeats one before it."""
    if not node.has_list_rules:
        return
    if isinstance(value, list):
        if node.list_type == "set":
            _check(value, value, path, faults)
        elif node.list_type == "map":
            keys = [_key(node, item) for item in value]
            _check(keys, keys, path, faults)
        if node.items is not None:
            for index, item in enumerate(value):
                check_lists(node.items, item, f"{path}[{index}]", faults)
    elif isinstance(value, dict):
        start = f"{path}." if path else ""
        for name, member in value.items():
            child = node.child(name)
            if child is not None:
                check_lists(child, member, start + name if name in node.properties else f"{path}[{name}]", faults)


def _key(node: Node, item: Any) -> Any:
    if not isinstance(item, dict):
        return item
    return {name: item[name] for name in node.list_keys if name in item}


def _check(values: list[Any], told: list[Any], path: str, faults: list[Fault]) -> None:
    seen: set[bytes] = set()
    for index, value in enumerate(values):
        text = _encode(value)
        if text in seen:
            faults.append(duplicate(f"{path}[{index}]", told[index]))
        seen.add(text)


def check_embedded(node: Node, value: Any, path: str, faults: list[Fault]) -> None:
    """Adds a fault for every embedded object that doesn't say what it is."""
    if not node.has_embedded:
        return
    if isinstance(value, list) and node.items is not None:
        for index, item in enumerate(value):
            check_embedded(node.items, item, f"{path}[{index}]", faults)
    elif isinstance(value, dict):
        start = f"{path}." if path else ""
        if node.embedded:
            faults += [required(start + name) for name in ("apiVersion", "kind") if not value.get(name)]
        for name, member in value.items():
            child = node.child(name)
            if child is not None:
                check_embedded(child, member, start + name if name in node.properties else f"{path}[{name}]", faults)
