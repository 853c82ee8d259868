"""Which path element an item of a list has."""

from __future__ import annotations

from typing import Any

from krate_gitops.cluster.dev.fields.sets import key_element, value_element
from krate_gitops.cluster.dev.fields.shapes import ListShape


class NoElement(Exception):
    """The item has no key, or is of a kind that can't be an item of such a list."""


def element_of(item: Any, shape: ListShape) -> str:
    """The path element of an item. Raises :class:`NoElement`."""
    if shape.relation == "set":
        return _value(item)
    return _keys(item, shape)


def _value(item: Any) -> str:
    if item is None:
        raise NoElement("associative list without keys has an element that's an explicit null")
    if isinstance(item, dict):
        raise NoElement("associative list without keys has an element that's a map type")
    if isinstance(item, list):
        raise NoElement("not supported: associative list with lists as elements")
    return value_element(item)


def _keys(item: Any, shape: ListShape) -> str:
    if item is None:
        raise NoElement("associative list with keys may not have a null element")
    if not isinstance(item, dict):
        raise NoElement("associative list with keys may not have non-map elements")
    keys: dict[str, Any] = {}
    for name in shape.keys:
        if name in item:
            keys[name] = item[name]
        elif name in shape.defaults:
            keys[name] = shape.defaults[name]
    if not keys:
        names = " ".join(f'"{name}"' for name in shape.declared_keys)
        raise NoElement(
            f"associative list with keys has an element that omits all key fields [{names}] "
            "(and doesn't have default values for any key fields)"
        )
    return key_element(keys)


def element_or_index(item: Any, shape: ListShape, index: int) -> str:
    """The path element of an item of a stored list; an item that has none is known by its place."""
    try:
        return element_of(item, shape)
    except NoElement:
        return f"i:{index}"
