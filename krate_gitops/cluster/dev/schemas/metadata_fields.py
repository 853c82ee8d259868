"""The schema of ``metadata``, the same for all kinds. ``builtin/fields.py`` explains members that start with ``~``."""

from __future__ import annotations

from typing import Any, Final

from krate_gitops.cluster.dev.schemas.node import Node

_TEXT: Final = {"type": "string"}
_TIME: Final = {"type": "string", "format": "date-time", "~time": "seconds", "~pointer": True}
_TEXTS: Final = {"type": "object", "additionalProperties": _TEXT}

OWNER_REFERENCE: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["apiVersion", "kind", "name", "uid"],
    "properties": {
        "apiVersion": {**_TEXT, "~always": True},
        "kind": {**_TEXT, "~always": True},
        "name": {**_TEXT, "~always": True},
        "uid": {**_TEXT, "~always": True},
        "controller": {"type": "boolean", "~pointer": True},
        "blockOwnerDeletion": {"type": "boolean", "~pointer": True},
    },
    "x-kubernetes-map-type": "atomic",
}

MANAGED_FIELDS_ENTRY: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "manager": _TEXT,
        "operation": _TEXT,
        "apiVersion": _TEXT,
        "time": _TIME,
        "fieldsType": _TEXT,
        "fieldsV1": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "subresource": _TEXT,
    },
}

OBJECT_META: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "name": _TEXT,
        "generateName": _TEXT,
        "namespace": _TEXT,
        "selfLink": _TEXT,
        "uid": _TEXT,
        "resourceVersion": _TEXT,
        "generation": {"type": "integer", "format": "int64"},
        "creationTimestamp": _TIME,
        "deletionTimestamp": _TIME,
        "deletionGracePeriodSeconds": {"type": "integer", "format": "int64", "~pointer": True},
        "labels": _TEXTS,
        "annotations": _TEXTS,
        "ownerReferences": {
            "type": "array",
            "items": OWNER_REFERENCE,
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["uid"],
            "x-kubernetes-patch-strategy": "merge",
            "x-kubernetes-patch-merge-key": "uid",
        },
        "finalizers": {
            "type": "array",
            "items": _TEXT,
            "x-kubernetes-list-type": "set",
            "x-kubernetes-patch-strategy": "merge",
        },
        "managedFields": {"type": "array", "items": MANAGED_FIELDS_ENTRY, "x-kubernetes-list-type": "atomic"},
    },
}

META_NODE: Final = Node(OBJECT_META)
