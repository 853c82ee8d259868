"""A kind with every sort of list and map, for the tests of this folder."""

from __future__ import annotations

from typing import Any

from krate_gitops.cluster.dev.fields import apply, track_update

TEXT = {"type": "string"}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "properties": {
                "size": {"type": "integer"},
                "note": TEXT,
                "ready": {"type": "boolean"},
                "labels": {"type": "object", "additionalProperties": TEXT},
                "inner": {"type": "object", "properties": {"a": TEXT, "b": TEXT}},
                "granular": {
                    "type": "object",
                    "additionalProperties": {"type": "object", "properties": {"a": TEXT, "b": TEXT}},
                },
                "atomicMap": {"type": "object", "x-kubernetes-map-type": "atomic", "additionalProperties": TEXT},
                "plain": {"type": "array", "items": TEXT},
                "set": {"type": "array", "x-kubernetes-list-type": "set", "items": TEXT},
                "map": {
                    "type": "array",
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["name"],
                    "items": {"type": "object", "properties": {"name": TEXT, "value": TEXT, "extra": TEXT}},
                },
                "ports": {
                    "type": "array",
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["port", "protocol"],
                    "items": {
                        "type": "object",
                        "properties": {
                            "port": {"type": "integer"},
                            "protocol": {"type": "string", "default": "TCP"},
                            "name": TEXT,
                        },
                    },
                },
            },
        },
        "status": {"type": "object", "properties": {"phase": TEXT}},
    },
}

EARLY, LATER = "2001-01-01T00:00:00Z", "2001-01-02T00:00:00Z"
Object = dict[str, Any]


def widget(spec: Object | None = None, **metadata: Any) -> Object:
    """An object of the kind."""
    whole: Object = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "x", **metadata}}
    if spec is not None:
        whole["spec"] = spec
    return whole


def applied(live: Object | None, spec: Object | None, manager: str = "alpha", **more: Any) -> Object:
    """``live`` after an apply of a spec."""
    arguments: dict[str, Any] = {"force": False, "now": EARLY, **more}
    return apply(live, widget(spec), manager=manager, schema=SCHEMA, **arguments)


def updated(live: Object | None, spec: Object | None, manager: str = "editor", **more: Any) -> Object:
    """``live`` after a write of a whole spec."""
    metadata = {} if live is None else {name: item for name, item in live["metadata"].items() if name != "name"}
    arguments: dict[str, Any] = {"now": EARLY, **more}
    return track_update(live, widget(spec, **metadata), manager=manager, schema=SCHEMA, **arguments)


def owners(value: Object) -> dict[str, Any]:
    """The fields of every entry, by manager and operation."""
    found = value["metadata"].get("managedFields", [])
    return {f"{one['manager']}/{one['operation']}": one["fieldsV1"] for one in found}


def times(value: Object) -> dict[str, str]:
    """The times of every entry, by manager."""
    return {one["manager"]: one.get("time", "") for one in value["metadata"].get("managedFields", [])}
