"""Putting a built-in kind together from its schema."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from krate_gitops.cluster.dev.ages import age as short_age
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


CREATED_AT = column("Created At", lambda value: value["metadata"].get("creationTimestamp", ""), kind="date")
"""When an object was made."""


def _age_of(value: Object) -> str:
    return short_age(value["metadata"].get("creationTimestamp"))
