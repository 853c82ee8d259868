"""Shapes as schemas: structural ones for CRDs, JSON Schema for editors. Both say the same, from the same models."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from krate_gitops.errors import UsageError
from krate_gitops.resources import shapes
from krate_gitops.resources.kinds.common import API_VERSION, NAME_PATTERN, ConditionStatus
from krate_gitops.resources.kinds.inventory import MODELS, Kind
from krate_gitops.resources.shapes import Field, Object, Sequence, Shape, Table, shape_of

Schema = dict[str, Any]

DRAFT = "http://json-schema.org/draft-07/schema#"
"""What editors understand best."""
_KEPT = "x-kubernetes-preserve-unknown-fields"


def structural(shape: Shape) -> Schema:
    """A structural schema, as CRDs have it: with defaults, expressions, and no references."""
    return _schema(shape, for_cluster=True)


def editor_schema(kind: Kind) -> Schema:
    """JSON Schema of a kind's documents; unknown fields are errors."""
    return {"$schema": DRAFT, "title": kind.name, **_document(kind)}


def closed_schema(shape: Object, title: str) -> Schema:
    """JSON Schema of a model that is no kind; unknown fields are errors."""
    return {"$schema": DRAFT, "title": title, **_schema(shape, for_cluster=False)}


def combined_schema() -> Schema:
    """JSON Schema of documents of any kind, chosen by what the document says it is."""
    branches = [
        {
            "if": {"required": ["kind"], "properties": {"kind": {"const": name}}},
            "then": {"$ref": f"#/definitions/{name}"},
        }
        for name in MODELS
    ]
    return {
        "$schema": DRAFT,
        "title": "Agent resources",
        "type": "object",
        "required": ["apiVersion", "kind"],
        "properties": {"apiVersion": {"const": API_VERSION}, "kind": {"enum": list(MODELS)}},
        "allOf": branches,
        "definitions": {name: _document(kind) for name, kind in MODELS.items()},
    }


def schema_of(name: str) -> Schema:
    """Schema of a kind by its name, in whatever case, its plural or its short name.

    Raises ``UsageError(INVALID_REQUEST)`` for a name that means no kind with a model.
    """
    return editor_schema(find_kind(name))


def schema_files(name: str | None = None) -> Mapping[str, Schema]:
    """Schemas by file name: that of one kind, or those of all kinds and the one for any. Raises as ``schema_of``."""
    chosen = [find_kind(name)] if name else list(MODELS.values())
    files = {f"{kind.name.lower()}.schema.json": editor_schema(kind) for kind in chosen}
    return files if name else {**files, "all.schema.json": combined_schema()}


def find_kind(name: str) -> Kind:
    """The kind that a name means. Raises ``UsageError(INVALID_REQUEST)``."""
    wanted = name.lower()
    for kind in MODELS.values():
        if wanted in (kind.name.lower(), kind.plural, *kind.short):
            return kind
    near = get_close_matches(name, MODELS, 1)
    raise UsageError(
        "INVALID_REQUEST",
        f"{name[:80]!r} is no kind that is written in Git",
        hint=f"did you mean {near[0]}?" if near else f"the kinds are {', '.join(MODELS)}",
    )


def _document(kind: Kind) -> Schema:
    spec = _schema(shape_of(kind.spec), for_cluster=False) if kind.spec else {}
    texts = {"type": "object", "additionalProperties": {"type": "string"}}
    metadata = {
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": {"type": "string", "pattern": NAME_PATTERN},
            "namespace": {"type": "string"},
            "labels": texts,
            "annotations": texts,
        },
        "additionalProperties": False,
    }
    return {
        "description": spec.get("description", ""),
        "type": "object",
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "properties": {
            "apiVersion": {"const": API_VERSION},
            "kind": {"const": kind.name},
            "metadata": metadata,
            "spec": spec,
        },
        "additionalProperties": False,
    }


def _schema(shape: Shape, *, for_cluster: bool) -> Schema:
    said = {"description": shape.description} if shape.description else {}
    if isinstance(shape, Object):
        return said | _object(shape, for_cluster)
    if isinstance(shape, shapes.Text):
        return said | _text(shape)
    if isinstance(shape, shapes.Number):
        return said | _number(shape)
    if isinstance(shape, shapes.Flag):
        return {**said, "type": "boolean"}
    if isinstance(shape, Sequence):
        return said | _sequence(shape, for_cluster)
    if isinstance(shape, Table):
        return said | _table(shape, for_cluster)
    return {**said, _KEPT: True} if for_cluster else said


def _object(shape: Object, for_cluster: bool) -> Schema:
    properties = {name: _property(field, for_cluster) for name, field in shape.fields.items()}
    schema: Schema = {"type": "object", "properties": properties}
    if required := [name for name, field in shape.fields.items() if field.required]:
        schema["required"] = required
    if shape.part.one_of:
        schema["anyOf"] = [{"required": [name]} for name in shape.part.one_of]
    if not for_cluster:
        return {**schema, "additionalProperties": False}
    rules = [{"rule": one.cel, "message": one.message} for one in shape.part.agreements if one.cel]
    rules += [{"rule": _unchanged(name), "message": f"{name} can't be changed"} for name in shape.part.kept]
    return {**schema, "x-kubernetes-validations": rules} if rules else schema


def _unchanged(name: str) -> str:
    return f"!has(oldSelf.{name}) || (has(self.{name}) && self.{name} == oldSelf.{name})"


def _property(field: Field, for_cluster: bool) -> Schema:
    schema = _schema(field.shape, for_cluster=for_cluster)
    if not field.has_default:
        return schema
    if isinstance(field.shape, Object):
        # Defaults of its own fields count only where the object itself is there.
        return {**schema, "default": {}} if _has_defaults(field.shape) else schema
    # An empty list or map says nothing that its absence doesn't.
    return schema if field.default in ([], {}) else {**schema, "default": field.default}


def _has_defaults(shape: Object) -> bool:
    return any("default" in _property(field, True) for field in shape.fields.values())


def _text(shape: shapes.Text) -> Schema:
    schema: Schema = {"type": "string"}
    if shape.choices:
        schema["enum"] = list(shape.choices)
    if shape.pattern:
        schema["pattern"] = shape.pattern
    if shape.least:
        schema["minLength"] = shape.least
    if shape.most is not None:
        schema["maxLength"] = shape.most
    return schema


def _number(shape: shapes.Number) -> Schema:
    schema: Schema = {"type": "integer" if shape.integer else "number"}
    bounds: Mapping[str, int | float | None] = {"minimum": shape.least, "maximum": shape.most}
    return schema | {name: bound for name, bound in bounds.items() if bound is not None}


def _sequence(shape: Sequence, for_cluster: bool) -> Schema:
    schema: Schema = {"type": "array", "items": _schema(shape.items, for_cluster=for_cluster)}
    if shape.least:
        schema["minItems"] = shape.least
    if for_cluster and isinstance(shape.items, Object) and shape.items.part is ConditionStatus:
        schema |= {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}
    return schema


def _table(shape: Table, for_cluster: bool) -> Schema:
    schema: Schema = {"type": "object"}
    if shape.least:
        schema["minProperties"] = shape.least
    if isinstance(shape.values, shapes.Anything):
        return {**schema, _KEPT: True} if for_cluster else schema
    return {**schema, "additionalProperties": _schema(shape.values, for_cluster=for_cluster)}
