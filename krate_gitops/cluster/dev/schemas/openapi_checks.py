"""What a schema of a definition must be: structural, with defaults that fit, and rules that can be run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import re2

from krate_gitops.cluster.dev.schemas.checking import Place, check
from krate_gitops.cluster.dev.schemas.costs import cost_faults
from krate_gitops.cluster.dev.schemas.faults import Fault, forbidden, invalid_value, not_supported, required
from krate_gitops.cluster.dev.schemas.node import Node
from krate_gitops.cluster.dev.schemas.patterns import matcher
from krate_gitops.cluster.dev.schemas.rule_checks import rule_faults

Schema = dict[str, Any]

_TYPES: Final = ("array", "boolean", "integer", "number", "object", "string")
_LIST_TYPES: Final = ("atomic", "map", "set")
_MAP_TYPES: Final = ("atomic", "granular")
_COMPOSITIONS: Final = ("allOf", "anyOf", "oneOf")
_NOT_IN_COMPOSITIONS: Final = (
    "type", "default", "description", "title", "nullable", "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-embedded-resource", "x-kubernetes-int-or-string", "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys", "x-kubernetes-map-type",
)  # fmt: skip
_NUMBERS: Final = ("maximum", "minimum", "multipleOf")
_PATTERN_WORDS: Final = {
    "missing )": "missing closing )",
    "missing ]": "missing closing ]",
    "no argument for repetition operator": "missing argument to repetition operator",
    "invalid perl operator": "invalid or unsupported Perl syntax",
    "bad repetition operator": "invalid nested repetition operator",
    "trailing \\": "trailing backslash at end of expression",
}


def check_schema(schema: Schema, path: str) -> list[Fault]:
    """What is wrong with the schema of a version. ``path`` is the field where it stands."""
    faults = [fault for place, node in nodes(schema, path) for fault in _node_faults(node, place)]
    faults += _root_faults(schema, path)
    if faults:
        return faults
    faults = _shape_faults(schema, path)
    if faults:
        return faults
    faults = [fault for place, node in nodes(schema, path) for fault in rule_faults(node, place)]
    if faults:
        return faults
    faults = [fault for place, node in nodes(schema, path) for fault in _default_faults(node, place)]
    return faults or cost_faults(schema, path)


def nodes(schema: Schema, path: str) -> Iterator[tuple[str, Schema]]:
    """Every node of a schema with its field, those inside compositions too."""
    yield path, schema
    for name in _COMPOSITIONS:
        for index, child in enumerate(schema.get(name) or ()):
            yield from nodes(child, f"{path}.{name}[{index}]")
    if isinstance(schema.get("not"), dict):
        yield from nodes(schema["not"], f"{path}.not")
    for name, child in (schema.get("properties") or {}).items():
        yield from nodes(child, f"{path}.properties[{name}]")
    if isinstance(schema.get("items"), dict):
        yield from nodes(schema["items"], f"{path}.items")
    if isinstance(schema.get("additionalProperties"), dict):
        yield from nodes(schema["additionalProperties"], f"{path}.additionalProperties")


def _node_faults(node: Schema, path: str) -> list[Fault]:
    faults: list[Fault] = []
    type_ = node.get("type") or ""
    if type_ and type_ not in _TYPES:
        faults.append(not_supported(f"{path}.type", type_, _TYPES))
    for name in _NUMBERS:
        value = node.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
            faults.append(invalid_value(f"{path}.{name}", value, "must be a number"))
    if node.get("uniqueItems"):
        detail = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        faults.append(forbidden(f"{path}.uniqueItems", detail))
    if "additionalProperties" in node:
        if node.get("properties"):
            detail = "additionalProperties and properties are mutual exclusive"
            faults.append(forbidden(f"{path}.additionalProperties", detail))
        elif node["additionalProperties"] is False:
            faults.append(forbidden(f"{path}.additionalProperties", "additionalProperties cannot be set to false"))
    if node.get("$ref"):
        faults.append(forbidden(f"{path}.$ref", "$ref is not supported"))
    if isinstance(node.get("items"), list):
        faults.append(forbidden(f"{path}.items", "items must be a schema object and not an array"))
    elif type_ == "array" and not node.get("items"):
        faults.append(required(f"{path}.items", "must be specified"))
    if why := _pattern_fault(node.get("pattern") or ""):
        detail = f"must be a valid regular expression, but isn't: {why}"
        faults.append(invalid_value(f"{path}.pattern", node["pattern"], detail))
    return [*faults, *_list_faults(node, path)]


def _list_faults(node: Schema, path: str) -> list[Fault]:
    faults: list[Fault] = []
    list_type, keys = node.get("x-kubernetes-list-type"), node.get("x-kubernetes-list-map-keys") or []
    items = node.get("items") if isinstance(node.get("items"), dict) else {}
    if list_type is not None:
        if node.get("type") != "array":
            detail = "must be array if x-kubernetes-list-type is specified"
            faults.append(invalid_value(f"{path}.type", node.get("type") or "", detail))
        if list_type not in _LIST_TYPES:
            faults.append(not_supported(f"{path}.x-kubernetes-list-type", list_type, _LIST_TYPES))
    if keys and list_type != "map":
        detail = "must be map if x-kubernetes-list-map-keys is non-empty"
        faults.append(invalid_value(f"{path}.x-kubernetes-list-type", list_type, detail))
    if list_type == "map":
        faults += _key_faults(keys, items or {}, path)
    if list_type == "set" and items and items.get("type") in ("object", "array"):
        which = "x-kubernetes-map-type" if items["type"] == "object" else "x-kubernetes-list-type"
        if items.get(which) != "atomic" and not (which == "x-kubernetes-list-type" and which not in items):
            detail = "must be atomic as item of a list with x-kubernetes-list-type=set"
            faults.append(invalid_value(f"{path}.items.{which}", items.get(which), detail))
    map_type = node.get("x-kubernetes-map-type")
    if map_type is not None:
        if node.get("type") != "object":
            detail = "must be object if x-kubernetes-map-type is specified"
            faults.append(invalid_value(f"{path}.type", node.get("type") or "", detail))
        if map_type not in _MAP_TYPES:
            faults.append(not_supported(f"{path}.x-kubernetes-map-type", map_type, _MAP_TYPES))
    return faults


def _key_faults(keys: list[str], items: Schema, path: str) -> list[Fault]:
    field = f"{path}.x-kubernetes-list-map-keys"
    if not keys:
        return [required(field, "must not be empty if x-kubernetes-list-type is map")]
    if items.get("type") != "object":
        detail = "must be object if parent array's x-kubernetes-list-type is map"
        return [invalid_value(f"{path}.items.type", items.get("type") or "", detail)]
    faults: list[Fault] = []
    properties = items.get("properties") or {}
    for index, key in enumerate(keys):
        member = properties.get(key)
        if member is None:
            detail = "entries must all be names of item properties"
            faults.append(invalid_value(f"{field}[{index}]", key, detail))
        elif "default" not in member and key not in (items.get("required") or ()):
            detail = (
                "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property"
            )
            faults.append(required(f"{path}.items.properties[{key}].default", detail))
    return faults


def _pattern_fault(pattern: str) -> str:
    """Why a pattern is no regular expression, in the words of the server's language; empty if it is one."""
    try:
        matcher(pattern)
    except ValueError as problem:
        cause = problem.__cause__
        text = (
            cause.args[0].decode() if isinstance(cause, re2.error) and isinstance(cause.args[0], bytes) else str(cause)
        )
        what, _, where = text.partition(": ")
        return f"error parsing regexp: {_PATTERN_WORDS.get(what, what)}: `{where}`"
    return ""


def _root_faults(schema: Schema, path: str) -> list[Fault]:
    """Metadata may be restricted in its name only."""
    metadata = (schema.get("properties") or {}).get("metadata") or {}
    if set(metadata) - {"type", "description", "properties"} or set(metadata.get("properties") or {}) - {
        "name",
        "generateName",
    }:
        detail = "must not specify anything other than name and generateName, but metadata is implicitly specified"
        return [forbidden(f"{path}.properties[metadata]", detail)]
    return []


def _shape_faults(schema: Schema, path: str) -> list[Fault]:
    """Whether the schema is structural: a type everywhere, none inside compositions."""
    faults: list[Fault] = []
    if not schema.get("type"):
        faults.append(required(f"{path}.type", "must not be empty at the root"))
    elif schema["type"] != "object":
        faults.append(invalid_value(f"{path}.type", schema["type"], "must be object at the root"))
    _check_shape(schema, path, faults)
    return faults


def _check_shape(node: Schema, path: str, faults: list[Fault]) -> None:
    for name in _COMPOSITIONS:
        for index, child in enumerate(node.get(name) or ()):
            _check_composed(child, f"{path}.{name}[{index}]", faults, node)
    if isinstance(node.get("not"), dict):
        _check_composed(node["not"], f"{path}.not", faults, node)
    for name, child in (node.get("properties") or {}).items():
        _check_typed(child, f"{path}.properties[{name}]", "specified object fields", faults)
    if isinstance(node.get("items"), dict):
        _check_typed(node["items"], f"{path}.items", "specified array items", faults)
    if isinstance(node.get("additionalProperties"), dict):
        _check_typed(node["additionalProperties"], f"{path}.additionalProperties", "specified object fields", faults)


def _check_typed(node: Schema, path: str, what: str, faults: list[Fault]) -> None:
    is_free = node.get("x-kubernetes-int-or-string") or node.get("x-kubernetes-preserve-unknown-fields")
    if not node.get("type") and not is_free:
        faults.append(required(f"{path}.type", f"must not be empty for {what}"))
    if node.get("type") and node.get("x-kubernetes-int-or-string"):
        detail = "must be empty if x-kubernetes-int-or-string is true"
        faults.append(invalid_value(f"{path}.type", node["type"], detail))
    _check_shape(node, path, faults)


def _check_composed(node: Schema, path: str, faults: list[Fault], around: Schema) -> None:
    for name in _NOT_IN_COMPOSITIONS:
        is_allowed = name == "type" and around.get("x-kubernetes-int-or-string")
        if node.get(name) not in (None, "", False, []) and not is_allowed:
            faults.append(forbidden(f"{path}.{name}", "must be empty to be structural"))
    for name in _COMPOSITIONS:
        for index, child in enumerate(node.get(name) or ()):
            _check_composed(child, f"{path}.{name}[{index}]", faults, around)
    if isinstance(node.get("not"), dict):
        _check_composed(node["not"], f"{path}.not", faults, around)
    for name, child in (node.get("properties") or {}).items():
        _check_composed(child, f"{path}.properties[{name}]", faults, {})
    if isinstance(node.get("items"), dict):
        _check_composed(node["items"], f"{path}.items", faults, {})


def _default_faults(node: Schema, path: str) -> list[Fault]:
    if "default" not in node:
        return []
    place = Place(f"{path}.default")
    check(Node({name: item for name, item in node.items() if name != "default"}), node["default"], "", place)
    return place.faults
