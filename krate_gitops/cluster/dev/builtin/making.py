"""Putting a built-in kind together from its schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from krate_gitops.cluster.dev.builtin.codec import Codec
from krate_gitops.cluster.dev.builtin.fields import Schema, public
from krate_gitops.cluster.dev.builtin.kind import BuiltIn, Column

Object = dict[str, Any]

NAME = Column(
    "Name",
    "string",
    "Name must be unique within a namespace. Is required when creating resources, although some resources may allow a "
    "client to request the generation of an appropriate name automatically. Name is primarily intended for creation "
    "idempotence and configuration definition. Cannot be updated.",
    lambda value: value["metadata"]["name"],
    "name",
)


def built_in(group: str, version: str, kind: str, plural: str, schema: Schema, **more: Any) -> BuiltIn:
    """A kind with its reader and its public schema; ``more`` are further fields of ``BuiltIn``."""
    columns = more.pop("columns", None) or (NAME, age())
    return BuiltIn(
        group=group,
        version=version,
        kind=kind,
        plural=plural,
        raw_schema=schema,
        codec=Codec(kind, version, schema),
        schema=public(schema),
        singular=kind.lower(),
        columns=columns,
        **more,
    )


def age(name: str = "Age") -> Column:
    """How old an object is."""
    return Column(name, "string", "CreationTimestamp of the object.", _age_of)


def column(name: str, read: Callable[[Object], Any], *, kind: str = "string", priority: int = 0) -> Column:
    """A column that reads something of the object."""
    return Column(name, kind, f"{name} of the object.", read, priority=priority)


def _age_of(value: Object) -> str:
    text = value["metadata"].get("creationTimestamp")
    if not text:
        return "<unknown>"
    seconds = int((datetime.now(UTC) - datetime.fromisoformat(text)).total_seconds())
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size}{unit}"
    return f"{max(seconds, 0)}s"


def with_spec(value: Object, defaults: Mapping[str, Any]) -> Object:
    """The object with defaults in its spec."""
    return {**value, "spec": {**defaults, **(value.get("spec") or {})}}
