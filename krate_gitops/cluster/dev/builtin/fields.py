"""Words to write the schemas of built-in kinds with.

A schema is an OpenAPI node, with private members about the wire form of a field, taken out by ``public``:
``~pointer`` (an empty value is kept: a pointer in the real server), ``~always`` (written even when empty), ``~null``
(written as null when empty), ``~lazy`` with ``~also`` (see ``lazy``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from krate_gitops.cluster.dev.schemas.metadata_fields import OBJECT_META

Schema = dict[str, Any]


def text(*enum: str) -> Schema:
    """A string."""
    return {"type": "string", "enum": list(enum)} if enum else {"type": "string"}


def number(form: str = "int32") -> Schema:
    """A whole number."""
    return {"type": "integer", "format": form}


def flag() -> Schema:
    """A boolean."""
    return {"type": "boolean"}


def time() -> Schema:
    """A time in seconds."""
    return {"type": "string", "format": "date-time", "~time": "seconds", "~pointer": True}


def micro_time() -> Schema:
    """A time with six digits of a second."""
    return {"type": "string", "format": "date-time", "x-krate-micro": True, "~time": "micro", "~pointer": True}


def binary() -> Schema:
    """Bytes in base64."""
    return {"type": "string", "format": "byte"}


def quantity() -> Schema:
    """An amount, as a number or a string with a unit."""
    return {"oneOf": [{"type": "string"}, {"type": "number"}], "~quantity": True}


def int_or_string() -> Schema:
    """A number or a name."""
    return {
        "oneOf": [{"type": "integer"}, {"type": "string"}],
        "x-kubernetes-int-or-string": True,
        "~int_or_string": True,
    }


def anything() -> Schema:
    """An object whose members have no schema."""
    return {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def lazy(make: Callable[[], Schema], *also: type) -> Schema:
    """Objects of a schema that contains itself, and values of some other types."""
    return {**anything(), "~lazy": make, "~also": also}


def record(properties: dict[str, Schema], required: tuple[str, ...] = (), **more: Any) -> Schema:
    """An object with named members."""
    node: Schema = {"type": "object", "properties": properties, **more}
    if required:
        node["required"] = list(required)
    return node


def atomic(node: Schema) -> Schema:
    """An object or list that has one owner as a whole."""
    which = "x-kubernetes-list-type" if node.get("type") == "array" else "x-kubernetes-map-type"
    return {**node, which: "atomic"}


def mapping(values: Schema) -> Schema:
    """An object whose member names are free."""
    return {"type": "object", "additionalProperties": values}


def list_of(items: Schema) -> Schema:
    """A list with one owner as a whole."""
    return {"type": "array", "items": items, "x-kubernetes-list-type": "atomic"}


def set_of(items: Schema, *, merges: bool = True) -> Schema:
    """A list whose items differ and have owners of their own."""
    node: Schema = {"type": "array", "items": items, "x-kubernetes-list-type": "set"}
    if merges:
        node["x-kubernetes-patch-strategy"] = "merge"
    return node


def keyed(items: Schema, *keys: str, patch_key: str = "") -> Schema:
    """A list of objects that are told apart by keys; ``patch_key`` is the one key of strategic merge patches."""
    return {
        "type": "array",
        "items": items,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": list(keys),
        "x-kubernetes-patch-strategy": "merge",
        "x-kubernetes-patch-merge-key": patch_key or keys[0],
    }


def pointer(node: Schema) -> Schema:
    """A field whose empty value differs from its absence."""
    return {**node, "~pointer": True}


def always(node: Schema) -> Schema:
    """A field that is written even when it is empty."""
    return {**node, "~always": True}


def null_when_empty(node: Schema) -> Schema:
    """A field that is written as null when it is empty."""
    return {**node, "~null": True}


def kind_schema(properties: dict[str, Schema], required: tuple[str, ...] = ()) -> Schema:
    """The schema of a kind: apiVersion, kind and metadata come by themselves."""
    return record({"apiVersion": text(), "kind": text(), "metadata": OBJECT_META, **properties}, required)


def public(schema: Any) -> Any:
    """The schema without private members."""
    if isinstance(schema, dict):
        return {name: public(value) for name, value in schema.items() if not name.startswith("~")}
    if isinstance(schema, list):
        return [public(item) for item in schema]
    return schema
