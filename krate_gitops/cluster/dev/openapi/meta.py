"""Schemas that documents share: metadata, options, status."""

from __future__ import annotations

from typing import Any

from krate_gitops.cluster.dev.openapi.names import META, ref
from krate_gitops.cluster.dev.schemas.metadata_fields import OBJECT_META

Schema = dict[str, Any]


def _text(description: str) -> Schema:
    return {"description": description, "type": "string"}


def _number(description: str, form: str = "int64") -> Schema:
    return {"description": description, "type": "integer", "format": form}


def _texts(description: str) -> Schema:
    return {"description": description, "type": "array", "items": {"type": "string", "default": ""}}


def described(schema: Schema, where: str) -> Schema:
    """A schema in which every property of an object says something about itself."""
    found = dict(schema)
    if "properties" in found:
        found["properties"] = {
            name: {"description": f"Field {name} of {where}.", **described(each, f"{where}.{name}")}
            for name, each in found["properties"].items()
        }
    for name in ("items", "additionalProperties"):
        if isinstance(found.get(name), dict):
            found[name] = described(found[name], where)
    return found


_LIST_META: Schema = {
    "description": "ListMeta describes metadata that synthetic resources must have, including lists and various status "
    "objects. A resource may have only one of {ObjectMeta, ListMeta}.",
    "type": "object",
    "properties": {
        "continue": _text("A token to ask for more of the list with."),
        "remainingItemCount": _number("How many items come after those of this part, if that is known."),
        "resourceVersion": _text("The version of the state that the list shows."),
        "selfLink": _text("Not used any more."),
        "shardInfo": {"description": "Which part of a sharded list this is.", "allOf": [ref(f"{META}.ShardInfo")]},
    },
}

_STATUS: Schema = {
    "description": "What became of a request that answers no object.",
    "type": "object",
    "properties": {
        "apiVersion": _text("The version of this object."),
        "kind": _text("The kind of this object."),
        "metadata": {"description": "Metadata of a list.", "default": {}, "allOf": [ref(f"{META}.ListMeta")]},
        "status": _text("Success or Failure."),
        "message": _text("What happened, for people."),
        "reason": _text("What happened, in one word for programs."),
        "code": _number("The HTTP status.", "int32"),
        "details": {"description": "More about the reason.", "type": "object"},
    },
    "x-kubernetes-group-version-kind": [{"group": "", "kind": "Status", "version": "v1"}],
}

_DELETE_OPTIONS: Schema = {
    "description": "How to delete.",
    "type": "object",
    "properties": {
        "apiVersion": _text("The version of this object."),
        "kind": _text("The kind of this object."),
        "dryRun": _texts("All: nothing is stored."),
        "gracePeriodSeconds": _number("Seconds before the object goes."),
        "orphanDependents": {"description": "Not used any more.", "type": "boolean"},
        "preconditions": {
            "description": "What must be so, or nothing is deleted.",
            "type": "object",
            "properties": {"uid": _text("The uid."), "resourceVersion": _text("The version.")},
        },
        "propagationPolicy": _text("What happens to objects that belong to this one: Orphan, Background, Foreground."),
    },
    "x-kubernetes-group-version-kind": [{"group": "", "kind": "DeleteOptions", "version": "v1"}],
}

META_SCHEMAS: dict[str, Schema] = {
    f"{META}.ObjectMeta": {
        "description": "What every stored object has.",
        **described(OBJECT_META, "metadata"),
    },
    f"{META}.ListMeta": _LIST_META,
    f"{META}.ShardInfo": {"description": "Which part of a sharded list this is.", "type": "object"},
    f"{META}.Status": _STATUS,
    f"{META}.DeleteOptions": _DELETE_OPTIONS,
    f"{META}.Patch": {"description": "A patch, in the form that the content type says.", "type": "object"},
    f"{META}.Time": {"description": "A time in seconds, RFC 3339.", "type": "string", "format": "date-time"},
    f"{META}.MicroTime": {"description": "A time in microseconds, RFC 3339.", "type": "string", "format": "date-time"},
}
