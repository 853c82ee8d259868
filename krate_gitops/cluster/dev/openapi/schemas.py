"""Schemas of kinds and their lists, as documents show them."""

from __future__ import annotations

from typing import Any

from krate_gitops.cluster.dev.kinds import Kind
from krate_gitops.cluster.dev.openapi.meta import described
from krate_gitops.cluster.dev.openapi.names import META, ref, schema_name

Schema = dict[str, Any]

_VERSION = {
    "description": "The group and version of this representation of the object.",
    "type": "string",
}
_KIND = {"description": "The kind of the object, in CamelCase.", "type": "string"}


def kind_schemas(kind: Kind) -> dict[str, Schema]:
    """The schema of a kind, of the parts of a built-in one, and of its list, by name."""
    name = schema_name(kind.group, kind.version, kind.kind, custom=kind.custom)
    found = {name: _custom(kind)} if kind.custom else _built_in(kind, name)
    if kind.is_stored:
        list_name = schema_name(kind.group, kind.version, kind.list_kind, custom=kind.custom)
        found[list_name] = _list(kind, name)
    return found


def _identity(kind: Kind, name: str) -> list[dict[str, str]]:
    return [{"group": kind.group, "kind": name, "version": kind.version}]


def _custom(kind: Kind) -> Schema:
    schema = dict(kind.rules.schema)
    properties = {key: _int_or_string(each) for key, each in schema.get("properties", {}).items()}
    metadata = {"description": "What every object has.", "allOf": [ref(f"{META}.ObjectMeta")]}
    properties.update(apiVersion=_VERSION, kind=_KIND, metadata=metadata)
    return {**schema, "properties": properties, "x-kubernetes-group-version-kind": _identity(kind, kind.kind)}


def _int_or_string(schema: Schema) -> Schema:
    """A schema in which values of two types say so in OpenAPI's own words."""
    found = dict(schema)
    if found.get("x-kubernetes-int-or-string") and "anyOf" not in found and "allOf" not in found:
        found["anyOf"] = [{"type": "integer"}, {"type": "string"}]
    if "properties" in found:
        found["properties"] = {name: _int_or_string(each) for name, each in found["properties"].items()}
    for name in ("items", "additionalProperties"):
        if isinstance(found.get(name), dict):
            found[name] = _int_or_string(found[name])
    return found


def _built_in(kind: Kind, name: str) -> dict[str, Schema]:
    """The schema of a built-in kind; ``spec`` and ``status`` are schemas of their own."""
    found: dict[str, Schema] = {}
    properties: dict[str, Schema] = {"apiVersion": _VERSION, "kind": _KIND}
    for field, schema in kind.rules.schema.get("properties", {}).items():
        about = {"description": f"Field {field} of {kind.kind}."}
        if field in properties:
            continue
        if field == "metadata":
            properties[field] = {**about, "default": {}, "allOf": [ref(f"{META}.ObjectMeta")]}
        elif field in ("spec", "status") and "properties" in schema:
            part = f"{name}{field.capitalize()}"
            found[part] = {"description": f"The {field} of a {kind.kind}.", **_times(described(schema, field))}
            properties[field] = {**about, "default": {}, "allOf": [ref(part)]}
        else:
            properties[field] = {**about, **_times(described(schema, field))}
    own: Schema = {"description": f"{kind.kind}, a kind of the development API server.", "type": "object"}
    if "required" in kind.rules.schema:
        own["required"] = kind.rules.schema["required"]
    own["properties"] = properties
    own["x-kubernetes-group-version-kind"] = _identity(kind, kind.kind)
    return {name: own, **found}


def _times(schema: Schema) -> Schema:
    """A schema whose times refer to the schemas of times."""
    if schema.get("format") == "date-time":
        kind = "MicroTime" if schema.get("x-krate-micro") else "Time"
        kept = {key: schema[key] for key in ("description",) if key in schema}
        return {**kept, "allOf": [ref(f"{META}.{kind}")]}
    found = dict(schema)
    if "properties" in found:
        found["properties"] = {name: _times(each) for name, each in found["properties"].items()}
    for name in ("items", "additionalProperties"):
        if isinstance(found.get(name), dict):
            found[name] = _times(found[name])
    return found


def _list(kind: Kind, name: str) -> Schema:
    metadata: Schema = {"description": "What every list has.", "allOf": [ref(f"{META}.ListMeta")]}
    if not kind.custom:
        metadata["default"] = {}
    items: Schema = {"description": f"List of {kind.plural}.", "type": "array", "items": ref(name)}
    return {
        "description": f"{kind.list_kind} is a list of {kind.kind}",
        "type": "object",
        "required": ["items"],
        "properties": {"apiVersion": _VERSION, "items": items, "kind": _KIND, "metadata": metadata},
        "x-kubernetes-group-version-kind": _identity(kind, kind.list_kind),
    }
