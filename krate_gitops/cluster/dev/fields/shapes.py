"""What the merge needs to know of a schema, worked out once: which maps and lists merge, and by which keys.

A :class:`Shape` is compiled from an OpenAPI v3 schema node and kept by the node's identity, because an API server asks
for the same few schemas over and over.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import msgspec

FieldSchema: TypeAlias = dict[str, Any]
Scalar: TypeAlias = Literal["numeric", "string", "boolean", "any"]

MAX_COMPILED = 512
"""How many compiled schemas are kept."""


class MapShape(msgspec.Struct, eq=False):
    """An object: known ``fields``; ``element`` is the shape of all other members, None where there may be none."""

    fields: dict[str, Shape]
    element: Shape | None
    atomic: bool = False


class ListShape(msgspec.Struct, eq=False):
    """A list: ``atomic`` is one value, ``set`` merges by value, ``map`` by the members ``keys`` of its items."""

    relation: Literal["atomic", "set", "map"]
    item: Shape
    keys: tuple[str, ...] = ()
    """The key members, sorted."""
    declared_keys: tuple[str, ...] = ()
    """The key members in the order of the schema, for messages."""
    defaults: dict[str, Any] = msgspec.field(default_factory=dict)


class Shape(msgspec.Struct, eq=False):
    """What a value may be. Several at once where the schema leaves it open; then the value decides."""

    scalar: Scalar | None = None
    map: MapShape | None = None
    list: ListShape | None = None


_OPEN_ATOMIC = Shape(scalar="any")
_OPEN_ATOMIC.list = ListShape(relation="atomic", item=_OPEN_ATOMIC)
_OPEN_ATOMIC.map = MapShape(fields={}, element=_OPEN_ATOMIC, atomic=True)
OPEN = Shape(scalar="any", list=ListShape(relation="atomic", item=_OPEN_ATOMIC))
"""No schema: objects merge member by member, lists are one value."""
OPEN.map = MapShape(fields={}, element=OPEN)

_TEXT = Shape(scalar="string")
_NUMBER = Shape(scalar="numeric")
_FLAG = Shape(scalar="boolean")
_ANY_SCALAR = Shape(scalar="any")
_TEXTS = Shape(map=MapShape(fields={}, element=_TEXT))

_OWNER = MapShape(
    fields={
        "apiVersion": _TEXT,
        "blockOwnerDeletion": _FLAG,
        "controller": _FLAG,
        "kind": _TEXT,
        "name": _TEXT,
        "uid": _TEXT,
    },
    element=None,
    atomic=True,
)
METADATA = Shape(
    map=MapShape(
        fields={
            **dict.fromkeys(("name", "generateName", "namespace", "selfLink", "uid", "resourceVersion"), _TEXT),
            **dict.fromkeys(("generation", "deletionGracePeriodSeconds"), _NUMBER),
            **dict.fromkeys(("creationTimestamp", "deletionTimestamp"), _ANY_SCALAR),
            **dict.fromkeys(("labels", "annotations"), _TEXTS),
            "finalizers": Shape(list=ListShape(relation="set", item=_TEXT)),
            "ownerReferences": Shape(
                list=ListShape(relation="map", item=Shape(map=_OWNER), keys=("uid",), declared_keys=("uid",))
            ),
            "managedFields": Shape(list=ListShape(relation="atomic", item=OPEN)),
        },
        element=None,
    )
)
"""``metadata`` of every object, whatever its schema says."""

_compiled: OrderedDict[int, tuple[FieldSchema, Shape]] = OrderedDict()


def shape_of(schema: FieldSchema) -> Shape:
    """The shape of a whole object of this schema. The schema must not be changed afterwards."""
    known = _compiled.get(id(schema))
    if known is not None:
        return known[1]
    shape = _with_object_members(_compile(schema, preserve=False, depth=0))
    # The schema is kept beside its shape, so that no other object can get its identity.
    _compiled[id(schema)] = (schema, shape)
    if len(_compiled) > MAX_COMPILED:
        _compiled.popitem(last=False)
    return shape


def _with_object_members(shape: Shape) -> Shape:
    rest = shape.map or MapShape(fields={}, element=OPEN)
    fields = {**rest.fields, "apiVersion": _TEXT, "kind": _TEXT, "metadata": METADATA}
    return Shape(map=MapShape(fields=fields, element=rest.element, atomic=False))


_MAX_SCHEMA_DEPTH = 100


def _compile(schema: Mapping[str, Any], *, preserve: bool, depth: int) -> Shape:
    if depth > _MAX_SCHEMA_DEPTH:
        return OPEN
    preserve = preserve or schema.get("x-kubernetes-preserve-unknown-fields") is True
    match schema.get("type"):
        case "object":
            shape = Shape(map=_compile_map(schema, preserve, depth))
        case "array":
            return Shape(list=_compile_list(schema, preserve, depth))
        case "integer" | "number":
            return _NUMBER
        case "boolean":
            return _FLAG
        case "string":
            return _TEXT if schema.get("format") in (None, "", "byte") else _ANY_SCALAR
        case _:
            shape = Shape(
                scalar="any", map=_compile_map(schema, preserve, depth), list=_compile_list(schema, preserve, depth)
            )
    if schema.get("x-kubernetes-embedded-resource") is True:
        return _with_object_members(shape)
    return shape


def _compile_map(schema: Mapping[str, Any], preserve: bool, depth: int) -> MapShape:
    properties: Mapping[str, Any] = schema.get("properties") or {}
    fields = {name: _compile(node, preserve=preserve, depth=depth + 1) for name, node in properties.items()}
    others = schema.get("additionalProperties")
    element: Shape | None = None
    if isinstance(others, dict):
        element = _compile(others, preserve=preserve, depth=depth + 1)
    elif others is True or (others is None and (preserve or not properties)):
        element = OPEN
    return MapShape(fields=fields, element=element, atomic=schema.get("x-kubernetes-map-type") == "atomic")


def _compile_list(schema: Mapping[str, Any], preserve: bool, depth: int) -> ListShape:
    items = schema.get("items")
    item = _compile(items, preserve=preserve, depth=depth + 1) if isinstance(items, dict) else OPEN
    match schema.get("x-kubernetes-list-type"):
        case "set":
            return ListShape(relation="set", item=item)
        case "map":
            declared = tuple(schema.get("x-kubernetes-list-map-keys") or ())
            members: Mapping[str, Any] = (items or {}).get("properties") or {}
            defaults = {key: members[key]["default"] for key in declared if "default" in members.get(key, {})}
            return ListShape(
                relation="map", item=item, keys=tuple(sorted(declared)), declared_keys=declared, defaults=defaults
            )
        case _:
            return ListShape(relation="atomic", item=item)
