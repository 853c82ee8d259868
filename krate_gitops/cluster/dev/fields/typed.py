"""An applied object against its shape: what is wrong with it, and the set of fields it speaks of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from krate_gitops.cluster.dev.fields.items import NoElement, element_of, element_or_index
from krate_gitops.cluster.dev.fields.sets import HERE, FieldSet, element_text
from krate_gitops.cluster.dev.fields.shapes import OPEN, ListShape, MapShape, Shape
from krate_gitops.cluster.dev.wording import go_literal, go_text, go_type


def field_set(value: Any, shape: Shape) -> FieldSet:
    """The fields of a whole object.

    Members of objects belong to it by what is below them; entries of maps and items of lists by themselves, too. An
    empty list of items says nothing, an empty object is a field of its own.
    """
    return _below(value, shape) or {}


def _below(value: Any, shape: Shape) -> FieldSet | None:
    """What is below a value; None for a value that is one field."""
    if isinstance(value, dict) and shape.map is not None and not shape.map.atomic:
        return _of_map(value, shape.map)
    if isinstance(value, list) and shape.list is not None and shape.list.relation != "atomic":
        return _of_list(value, shape.list)
    return None


def _of_map(value: dict[str, Any], shape: MapShape) -> FieldSet:
    found: FieldSet = {}
    for name, item in value.items():
        below = _below(item, member_shape(shape, name))
        element = f"f:{name}"
        if below is None or item == {}:
            found[element] = {}
        elif name not in shape.fields:
            found[element] = {HERE: {}, **below} if below else {}
        elif below:
            found[element] = below
    return found


def _of_list(value: list[Any], shape: ListShape) -> FieldSet:
    found: FieldSet = {}
    for index, item in enumerate(value):
        below = _below(item, shape.item)
        found[element_or_index(item, shape, index)] = {HERE: {}, **below} if below else {}
    return found


def member_shape(shape: MapShape, name: str) -> Shape:
    """The shape of a member."""
    return shape.fields.get(name) or shape.element or OPEN


def conforms(value: Any, shape: Shape) -> bool:
    """Whether there are no :func:`complaints`. Quicker than asking for them."""
    if value is None:
        return True
    if isinstance(value, dict):
        return shape.map is not None and _members_conform(value, shape.map)
    if isinstance(value, list):
        return shape.list is not None and _items_conform(value, shape.list)
    return shape.scalar is not None and _fits(value, shape.scalar)


def _members_conform(value: dict[str, Any], shape: MapShape) -> bool:
    fields, element = shape.fields, shape.element
    for name, item in value.items():
        known = fields.get(name) or element
        if known is None or not conforms(item, known):
            return False
    return True


def _items_conform(value: list[Any], shape: ListShape) -> bool:
    item_shape = shape.item
    if not all(conforms(item, item_shape) for item in value):
        return False
    if shape.relation == "atomic":
        return True
    try:
        return len({element_of(item, shape) for item in value}) == len(value)
    except NoElement:
        return False


def complaints(value: Any, shape: Shape, path: str = "") -> Iterator[str]:
    """What the schema does not allow, each with its path; the server reports all of it as one error."""
    if value is None:
        return
    if isinstance(value, dict):
        if shape.map is None:
            yield f"{path}: {_expected(shape, value)}"
        else:
            yield from _of_members(value, shape.map, path)
    elif isinstance(value, list):
        if shape.list is None:
            yield f"{path}: {_expected(shape, value)}"
        else:
            yield from _of_items(value, shape.list, path)
    elif shape.scalar is None or not _fits(value, shape.scalar):
        yield f"{path}: {_expected(shape, value)}"


def _of_members(value: dict[str, Any], shape: MapShape, path: str) -> Iterator[str]:
    for name, item in value.items():
        inner = f"{path}.{name}"
        known = shape.fields.get(name) or shape.element
        if known is None:
            yield f"{inner}: field not declared in schema"
        else:
            yield from complaints(item, known, inner)


def _of_items(value: list[Any], shape: ListShape, path: str) -> Iterator[str]:
    seen: set[str] = set()
    told: set[str] = set()
    for index, item in enumerate(value):
        where = f"{path}[{index}]"
        if shape.relation != "atomic":
            try:
                element = element_of(item, shape)
            except NoElement as problem:
                yield f"{path}: element {index}: {problem}"
                continue
            if element in seen and element not in told:
                told.add(element)
                yield f"{path}: duplicate entries for key {element_text(element)}"
            seen.add(element)
            where = f"{path}{element_text(element)}"
        yield from complaints(item, shape.item, where)


def _fits(value: Any, scalar: str) -> bool:
    if scalar == "any":
        return True
    if isinstance(value, bool):
        return scalar == "boolean"
    return (scalar == "string" and isinstance(value, str)) or (scalar == "numeric" and isinstance(value, (int, float)))


def _expected(shape: Shape, value: Any) -> str:
    """The words of the real server, which shows Go's view of the value."""
    if shape.map is not None and shape.scalar is None and shape.list is None:
        return f"expected map, got &{{{go_text(value)}}}"
    if shape.list is not None and shape.scalar is None and shape.map is None:
        return f"expected list, got &{{{go_text(value)}}}"
    if shape.scalar == "numeric":
        return f"expected numeric (int or float), got {go_type(value)}"
    if shape.scalar == "string":
        return f"expected string, got &value.valueUnstructured{{Value:{go_literal(value)}}}"
    if shape.scalar == "boolean":
        return f"expected boolean, got &{{{go_text(value)}}}"
    return f"expected scalar, got &{{{go_text(value)}}}"
