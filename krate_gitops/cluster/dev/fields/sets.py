"""Sets of owned fields, kept in the very form ``managedFields`` writes them in (``fieldsV1``).

A set is a tree of dicts. A key is a path element: ``f:name`` a member of an object, ``k:{...}`` an item of a list that
merges by keys, ``v:...`` an item of a list that is a set, ``i:0`` an index. A node ``{}`` says that the path itself is
in the set; a node with children is in the set only if one of them is ``.``. Nothing else is needed to store, send or
compare a set, so reading an object's owners costs nothing. Sets are never changed in place: functions share what they
can.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, TypeAlias

import msgspec

FieldSet: TypeAlias = dict[str, Any]

HERE = "."
MAX_DEPTH = 200
"""How deep a set that a client sends may be nested."""

_INDEX = re.compile(r"i:-?\d{1,18}\Z")


def includes_itself(node: FieldSet) -> bool:
    """Is the path of this node in the set (not only something below it)?"""
    return not node or HERE in node


def union(left: FieldSet, right: FieldSet) -> FieldSet:
    """What is in one of the two sets."""
    if not left or left is right:
        return right
    if not right:
        return left
    whole = dict(left)
    for element, node in right.items():
        mine = whole.get(element)
        if mine is None:
            whole[element] = node
        elif mine is not node:
            whole[element] = _union_of_nodes(mine, node)
    return whole


def _union_of_nodes(left: FieldSet, right: FieldSet) -> FieldSet:
    both = union(left, right)
    if both and HERE not in both and (not left or not right):
        return {HERE: {}, **both}
    return both


def difference(left: FieldSet, right: FieldSet) -> FieldSet:
    """What is in ``left`` and not in ``right``. A path that ``right`` has takes nothing below it along."""
    if not right or not left:
        return left
    rest: FieldSet = {}
    changed = False
    for element, node in left.items():
        other = right.get(element)
        if other is None:
            rest[element] = node
            continue
        kept = _difference_of_nodes(node, other)
        if kept is not node:
            changed = True
        if kept is not None:
            rest[element] = kept
    return rest if changed else left


def _difference_of_nodes(node: FieldSet, other: FieldSet) -> FieldSet | None:
    here = includes_itself(node) and not includes_itself(other)
    below = {element: child for element, child in node.items() if element != HERE}
    rest = difference(below, other)
    if here:
        if not rest:
            return node if not node else {}
        return node if rest is below else {HERE: {}, **rest}
    if not rest:
        return None
    return node if rest is below and HERE not in node else rest


def intersection(left: FieldSet, right: FieldSet) -> FieldSet:
    """What is in both sets."""
    shared: FieldSet = {}
    if len(right) < len(left):
        left, right = right, left
    for element, node in left.items():
        other = right.get(element)
        if other is None or element == HERE:
            continue
        below = intersection(node, other)
        if includes_itself(node) and includes_itself(other):
            shared[element] = {HERE: {}, **below} if below else {}
        elif below:
            shared[element] = below
    return shared


def paths(fields: FieldSet, prefix: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every path in the set: first the paths of one node in order, then what lies below them."""
    elements = sorted((element for element in fields if element != HERE), key=_order)
    for element in elements:
        if includes_itself(fields[element]):
            yield (*prefix, element)
    for element in elements:
        yield from paths(fields[element], (*prefix, element))


_RANK = {"f": 0, "k": 1, "v": 2, "i": 3}


def _order(element: str) -> tuple[int, tuple[Any, ...]]:
    kind, text = element[0], element[2:]
    if kind == "f":
        return 0, (text,)
    try:
        value = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return 4, (text,)
    if isinstance(value, dict):
        return 1, tuple((name, *_order_of_value(value[name])) for name in sorted(value))
    return _RANK.get(kind, 4), _order_of_value(value)


def _order_of_value(value: Any) -> tuple[Any, ...]:
    if isinstance(value, bool):
        return (2, value)
    if isinstance(value, (int, float)):
        return (0, value)
    return (1, str(value))


def path_text(path: tuple[str, ...]) -> str:
    """A path as messages write it: ``.spec.ports[port=80,protocol="TCP"].name``."""
    return "".join(element_text(element) for element in path)


def element_text(element: str) -> str:
    """A path element as messages write it."""
    kind, text = element[0], element[2:]
    if kind == "f":
        return f".{text}"
    if kind == "v":
        return f"[={text}]"
    if kind == "k":
        keys: dict[str, Any] = msgspec.json.decode(text)
        parts = (f"{name}={_json(keys[name])}" for name in sorted(keys))
        return f"[{','.join(parts)}]"
    return f"[{text}]"


def checked(fields: Any, depth: int = 0) -> FieldSet:
    """A set that a client sent, in the spelling that is used here. Raises ``ValueError`` if it is none."""
    if not isinstance(fields, dict) or depth > MAX_DEPTH:
        raise ValueError("not a set of fields")
    good: FieldSet = {}
    for element, node in fields.items():
        if element == HERE:
            good[HERE] = {}
        else:
            good[_checked_element(element)] = checked(node, depth + 1)
    return {} if depth and good.keys() == {HERE} else good


def _checked_element(element: str) -> str:
    kind, text = element[:2], element[2:]
    if kind == "f:" or _INDEX.match(element):
        return element
    if kind not in ("k:", "v:"):
        raise ValueError(f"unknown path element {element!r}")
    try:
        value = msgspec.json.decode(text)
    except msgspec.DecodeError as trouble:
        raise ValueError(f"unreadable path element {element!r}") from trouble
    if isinstance(value, dict) != (kind == "k:"):
        raise ValueError(f"wrong kind of path element {element!r}")
    if isinstance(value, dict):
        return key_element(value)
    return value_element(value)


def value_element(value: Any) -> str:
    """The element of an item of a set: ``v:"a"``."""
    return f"v:{_json(value)}"


def key_element(keys: dict[str, Any]) -> str:
    """The element of an item of a list that merges by keys: ``k:{"name":"a"}``, keys sorted."""
    plain = {name: _whole(item) if isinstance(item, float) else item for name, item in keys.items()}
    return f"k:{_ENCODER.encode(plain).decode()}"


_ENCODER = msgspec.json.Encoder(order="sorted")


def _json(value: Any) -> str:
    return _ENCODER.encode(_whole(value) if isinstance(value, float) else value).decode()


def _whole(number: float) -> float | int:
    return int(number) if number.is_integer() else number
