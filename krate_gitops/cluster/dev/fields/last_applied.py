"""kubectl's annotation of what it applied by itself, before the server could.

The manager ``kubectl`` may take over what the annotation says, and the server keeps the annotation true for it, so that
both ways of applying get along.
"""

from __future__ import annotations

from typing import Any

import msgspec

from krate_gitops.cluster.dev.fields.comparing import compare
from krate_gitops.cluster.dev.fields.entries import ownable, without_entries
from krate_gitops.cluster.dev.fields.sets import FieldSet, difference, union
from krate_gitops.cluster.dev.fields.shapes import Shape
from krate_gitops.cluster.dev.fields.typed import conforms, field_set

KUBECTL = "kubectl"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

_ENCODER = msgspec.json.Encoder(order="sorted")


def last_applied_fields(obj: dict[str, Any], shape: Shape) -> FieldSet:
    """The fields that the object still has as the annotation says; nothing where it says nothing of use."""
    said = _annotated(obj)
    if said is None or said.get("apiVersion") != obj.get("apiVersion") or not conforms(said, shape):
        return {}
    found = compare(said, without_entries(obj), shape)
    return difference(ownable(field_set(said, shape)), union(union(found.modified, found.added), found.removed))


def with_last_applied(obj: dict[str, Any], applied: dict[str, Any], manager: str) -> dict[str, Any]:
    """The object with the annotation brought up to date, if the manager is kubectl and the annotation is there."""
    if manager != KUBECTL or not _annotations(obj).get(LAST_APPLIED):
        return obj
    said = without_entries(applied)
    annotations = {name: item for name, item in _annotations(said).items() if name != LAST_APPLIED}
    if "annotations" in said["metadata"]:
        said["metadata"]["annotations"] = annotations
    # As Go writes JSON, which escapes what could be read as HTML.
    text = _ENCODER.encode(said).decode().replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026") + "\n"
    metadata = {**obj["metadata"], "annotations": {**_annotations(obj), LAST_APPLIED: text}}
    return {**obj, "metadata": metadata}


def _annotated(obj: dict[str, Any]) -> dict[str, Any] | None:
    text = _annotations(obj).get(LAST_APPLIED)
    try:
        value = msgspec.json.decode(text) if isinstance(text, str) else None
    except (msgspec.DecodeError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _annotations(obj: dict[str, Any]) -> dict[str, Any]:
    found = (obj.get("metadata") or {}).get("annotations")
    return found if isinstance(found, dict) else {}
