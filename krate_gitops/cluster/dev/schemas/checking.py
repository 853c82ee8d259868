"""Checks a value against a compiled schema. The order of faults is that of the API server."""

from __future__ import annotations

from typing import Any, Final

from krate_gitops.cluster.dev.schemas.faults import (
    NO_FIELD,
    Fault,
    go_float,
    invalid_value,
    not_supported,
    required,
    too_long,
    too_many,
    type_invalid,
)
from krate_gitops.cluster.dev.schemas.node import Node
from krate_gitops.cluster.dev.schemas.sameness import MISSING_BEFORE, before_items, before_member
from krate_gitops.cluster.equality import is_same

_INT32: Final = (-(2**31), 2**31 - 1)
_UINT32: Final = (0, 2**32 - 1)
_INT64: Final = (-(2**63), 2**63 - 1)
_UINT64: Final = (0, 2**64 - 1)
_RANGES: Final = {"int32": _INT32, "uint32": _UINT32, "uint64": _UINT64}
_FLOAT32_MAX: Final = 3.4028234663852886e38

_TYPE_NAMES: Final[dict[type, str]] = {
    str: "string",
    dict: "object",
    list: "array",
    bool: "boolean",
    int: "integer",
    float: "number",
    type(None): "null",
}


class Place:
    """Where the faults of a check go, and what stands before its paths."""

    __slots__ = ("faults", "prefix")

    def __init__(self, prefix: str = "") -> None:
        self.faults: list[Fault] = []
        self.prefix = prefix

    def field(self, path: str) -> str:
        """The field of a fault at a path of the schema."""
        if self.prefix:
            return f"{self.prefix}.{path}" if path else self.prefix
        return path or NO_FIELD

    def whole(self, text: str) -> None:
        """A fault that the server ascribes to no field."""
        self.faults.append(invalid_value(self.prefix or NO_FIELD, "", text))


def check(node: Node, value: Any, path: str, place: Place, old: Any = MISSING_BEFORE) -> None:
    """Adds the faults of ``value`` to ``place``. What is the same in ``old`` isn't looked at."""
    if old is not MISSING_BEFORE and is_same(value, old):
        return
    if value is None:
        if node.types and not node.nullable:
            _wrong_type(node, "null", path, place)
        if node.enum is not None:
            _check_enum(node, value, path, place)
        return
    kind = type(value)
    name = _TYPE_NAMES[kind]
    if node.types and name not in node.types:
        _check_type(node, value, name, path, place)
    if node.is_composed:
        _check_composition(node, value, path, place)
    if kind is str:
        if node.max_length is not None or node.min_length is not None or node.pattern is not None:
            _check_string(node, value, path, place)
        if node.format_check is not None and not node.format_check(value):
            place.faults.append(
                type_invalid(
                    place.field(path), value, f"{path} in body must be of type {node.format}: {_quoted(value)}"
                )
            )
    elif kind is int or kind is float:
        _check_number(node, value, path, place)
    elif kind is list:
        _check_list(node, value, path, place, old)
    if node.enum is not None:
        _check_enum(node, value, path, place)
    if kind is dict:
        _check_object(node, value, path, place, old)


def _quoted(text: str) -> str:
    """The text as the messages of schemas quote it."""
    return '"' + text + '"'


def _wrong_type(node: Node, actual: str, path: str, place: Place) -> None:
    """The fault of a value whose type the schema doesn't allow."""
    expected = ",".join(node.types)
    place.faults.append(
        type_invalid(place.field(path), actual, f'{path} in body must be of type {expected}: "{actual}"')
    )


def _check_type(node: Node, value: Any, name: str, path: str, place: Place) -> None:
    """Types: a whole number is an integer, however it is written."""
    if name == "integer" and "number" in node.types:
        return
    if name == "number" and "integer" in node.types and value.is_integer():
        return
    _wrong_type(node, name, path, place)


def _check_string(node: Node, value: str, path: str, place: Place) -> None:
    """Length and pattern: the first that fails is the fault."""
    length = len(value)
    if node.max_length is not None and length > node.max_length:
        place.faults.append(too_long(place.field(path), node.max_length))
    elif node.min_length is not None and length < node.min_length:
        text = f"{path} in body should be at least {node.min_length} chars long"
        place.faults.append(invalid_value(place.field(path), value, text))
    elif node.pattern is not None and node.pattern.search(value) is None:
        text = f"{path} in body should match '{node.pattern_text}'"
        place.faults.append(invalid_value(place.field(path), value, text))


def _check_number(node: Node, value: float, path: str, place: Place) -> None:
    """Range of the format, multiples, maximum, minimum."""
    if node.types and not _in_range(node, value):
        wanted = f"with format {node.format}" if node.format else "(default format)"
        place.whole(f"Checked value must be of type {node.types[0]} {wanted} in {path}")
    if node.multiple_of is not None and not _is_multiple(value, node.multiple_of):
        text = f"{path} in body should be a multiple of {go_float(node.multiple_of)}"
        place.faults.append(invalid_value(place.field(path), value, text))
    if node.maximum is not None and (value > node.maximum or (node.exclusive_maximum and value == node.maximum)):
        relation = "less than" if node.exclusive_maximum else "less than or equal to"
        text = f"{path} in body should be {relation} {go_float(node.maximum)}"
        place.faults.append(invalid_value(place.field(path), value, text))
    if node.minimum is not None and (value < node.minimum or (node.exclusive_minimum and value == node.minimum)):
        relation = "greater than" if node.exclusive_minimum else "greater than or equal to"
        text = f"{path} in body should be {relation} {go_float(node.minimum)}"
        place.faults.append(invalid_value(place.field(path), value, text))


def _in_range(node: Node, value: float) -> bool:
    """Whether the number fits into the type and format."""
    if node.types[0] == "integer":
        if isinstance(value, float) and not value.is_integer():
            return False
        low, high = _RANGES.get(node.format, _INT64)
        return low <= value <= high
    return node.format not in ("float", "float32") or abs(value) <= _FLOAT32_MAX


def _is_multiple(value: float, step: float) -> bool:
    """Whether the value divided by the step is whole."""
    if not step:
        return False
    if isinstance(value, int) and isinstance(step, int):
        return value % step == 0
    return (value / step).is_integer()


def _check_list(node: Node, value: list[Any], path: str, place: Place, old: Any) -> None:
    """Items, then how many, then whether they differ."""
    if node.items is not None:
        for index, (item, before) in enumerate(zip(value, before_items(node, old, value), strict=True)):
            check(node.items, item, f"{path}[{index}]", place, before)
    size = len(value)
    if node.min_items is not None and size < node.min_items:
        text = f"{path} in body should have at least {node.min_items} items"
        place.faults.append(invalid_value(place.field(path), size, text))
    if node.max_items is not None and size > node.max_items:
        place.faults.append(too_many(place.field(path), size, node.max_items))
    if node.unique and any(item in value[:index] for index, item in enumerate(value)):
        place.faults.append(invalid_value(place.field(path), "", f"{path} in body shouldn't contain duplicates"))


def _check_enum(node: Node, value: Any, path: str, place: Place) -> None:
    """One of the values that are listed."""
    if node.enum is None or (value is None and node.nullable):
        return
    if not any(value == one and isinstance(value, bool) == isinstance(one, bool) for one in node.enum):
        place.faults.append(not_supported(place.field(path), value, node.enum))


def _check_object(node: Node, value: dict[str, Any], path: str, place: Place, old: Any) -> None:
    """How many members, then each of them, then those that must be there."""
    count = len(value)
    if node.min_properties is not None and count < node.min_properties:
        text = f"{path} in body should have at least {node.min_properties} properties"
        place.faults.append(invalid_value(place.field(path), count, text))
        return
    if node.max_properties is not None and count > node.max_properties:
        place.faults.append(too_many(place.field(path), count, node.max_properties))
        return
    properties = node.properties
    additional = node.additional if isinstance(node.additional, Node) else None
    start = f"{path}." if path else ""
    for name, member in value.items():
        child = properties.get(name, additional)
        if child is not None:
            check(child, member, start + name, place, before_member(old, name))
    for name in node.required:
        if name not in value:
            place.faults.append(required(place.field(start + name)))


def _check_composition(node: Node, value: Any, path: str, place: Place) -> None:
    """anyOf, oneOf, allOf, not: the faults of the first alternative explain the whole."""
    if node.any_of:
        best = _first_failure(node.any_of, value, path, place.prefix)
        if isinstance(best, list):
            place.whole(f'"{path}" must validate at least one schema (anyOf)')
            place.faults.extend(best)
    if node.one_of:
        _check_one_of(node.one_of, value, path, place)
    for one in node.all_of:
        inner = Place(place.prefix)
        check(one, value, path, inner)
        place.faults.extend(inner.faults)
    if node.all_of:
        _sum_up_all_of(node.all_of, value, path, place)
    if node.not_node is not None:
        inner = Place(place.prefix)
        check(node.not_node, value, path, inner)
        if not inner.faults:
            place.whole(f'"{path}" must not validate the schema (not)')


def _first_failure(nodes: list[Node], value: Any, path: str, prefix: str) -> list[Fault] | None:
    """The faults of the first alternative; None if any of them holds."""
    first: list[Fault] | None = None
    for one in nodes:
        inner = Place(prefix)
        check(one, value, path, inner)
        if not inner.faults:
            return None
        first = inner.faults if first is None else first
    return first


def _check_one_of(nodes: list[Node], value: Any, path: str, place: Place) -> None:
    """Exactly one alternative must hold."""
    first: list[Fault] | None = None
    holds = 0
    for one in nodes:
        inner = Place(place.prefix)
        check(one, value, path, inner)
        if not inner.faults:
            holds += 1
        elif first is None:
            first = inner.faults
    if holds == 1:
        return
    found = "Found none valid" if not holds else f"Found {holds} valid alternatives"
    place.whole(f'"{path}" must validate one and only one schema (oneOf). {found}')
    if not holds:
        place.faults.extend(first or ())


def _sum_up_all_of(nodes: list[Node], value: Any, path: str, place: Place) -> None:
    """The fault that says how many of allOf failed, after those themselves."""
    failed = 0
    for one in nodes:
        inner = Place(place.prefix)
        check(one, value, path, inner)
        failed += bool(inner.faults)
    if failed:
        ending = ". None validated" if failed == len(nodes) else ""
        place.whole(f'"{path}" must validate all the schemas (allOf){ending}')
