"""The schemas inside definitions, as typed objects: what isn't known there is dropped, as everywhere."""

from __future__ import annotations

from functools import cache
from typing import Any

from krate_gitops.cluster.dev.builtin.fields import (
    Schema,
    flag,
    lazy,
    list_of,
    mapping,
    number,
    pointer,
    record,
    text,
)

_ANY: Schema = {"~pointer": True}


@cache
def json_schema() -> Schema:
    """The schema of schemas."""
    this, this_or_list, this_or_flag = lazy(json_schema), lazy(json_schema, list), lazy(json_schema, bool)
    long = pointer(number("int64"))
    rule = record({
        "rule": {**text(), "~always": True}, "message": text(), "messageExpression": text(), "reason": pointer(text()),
        "fieldPath": text(), "optionalOldSelf": pointer(flag()),
    })  # fmt: skip
    properties: dict[str, Any] = {
        "id": text(), "$schema": text(), "$ref": pointer(text()), "description": text(), "type": text(),
        "format": text(), "title": text(), "default": _ANY, "maximum": _ANY, "exclusiveMaximum": flag(),
        "minimum": _ANY,
        "exclusiveMinimum": flag(), "maxLength": long, "minLength": long, "pattern": text(), "maxItems": long,
        "minItems": long, "uniqueItems": flag(), "multipleOf": _ANY, "enum": {"type": "array", "items": {}},
        "maxProperties": long, "minProperties": long, "required": list_of(text()), "items": pointer(this_or_list),
        "allOf": list_of(this), "oneOf": list_of(this), "anyOf": list_of(this), "not": pointer(this),
        "properties": mapping(this), "additionalProperties": pointer(this_or_flag), "patternProperties": mapping(this),
        "dependencies": _ANY, "additionalItems": pointer(this_or_flag), "definitions": mapping(this),
        "externalDocs": _ANY, "example": _ANY, "nullable": flag(),
        "x-kubernetes-preserve-unknown-fields": pointer(flag()),
        "x-kubernetes-embedded-resource": flag(), "x-kubernetes-int-or-string": flag(),
        "x-kubernetes-list-map-keys": list_of(text()), "x-kubernetes-list-type": pointer(text()),
        "x-kubernetes-map-type": pointer(text()), "x-kubernetes-validations": list_of(rule),
    }  # fmt: skip
    return record(properties)
