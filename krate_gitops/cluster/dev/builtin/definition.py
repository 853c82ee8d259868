"""Definitions of custom kinds, as objects: names filled in, and what is refused."""

from __future__ import annotations

from typing import Any

from krate_gitops.cluster.dev.builtin.fields import (
    anything,
    flag,
    keyed,
    kind_schema,
    lazy,
    list_of,
    number,
    pointer,
    record,
    text,
    time,
)
from krate_gitops.cluster.dev.builtin.json_schema import json_schema
from krate_gitops.cluster.dev.builtin.kind import STATUS, BuiltIn
from krate_gitops.cluster.dev.builtin.making import NAME, built_in, column
from krate_gitops.cluster.dev.schemas.definitions import check_definition

Object = dict[str, Any]

_JSON_SCHEMA = pointer(lazy(json_schema))
_COLUMN = record({
    "name": {**text(), "~always": True}, "type": {**text(), "~always": True}, "format": text(), "description": text(),
    "priority": number(), "jsonPath": {**text(), "~always": True},
})  # fmt: skip
_SELECTABLE = record({"jsonPath": {**text(), "~always": True}})
_NAMES = record({
    "plural": text(), "singular": text(), "shortNames": list_of(text()), "kind": text(), "listKind": text(),
    "categories": list_of(text()),
}, ("plural", "kind"))  # fmt: skip
_VERSION = record({
    "name": {**text(), "~always": True}, "served": {**flag(), "~always": True}, "storage": {**flag(), "~always": True},
    "deprecated": flag(), "deprecationWarning": pointer(text()),
    "schema": pointer(record({"openAPIV3Schema": _JSON_SCHEMA})),
    "subresources": pointer(record({"status": pointer(anything()), "scale": pointer(anything())})),
    "additionalPrinterColumns": list_of(_COLUMN), "selectableFields": list_of(_SELECTABLE),
}, ("name", "served", "storage"))  # fmt: skip
_SPEC = record({
    "group": text(), "names": _NAMES, "scope": text(), "versions": list_of(_VERSION),
    "conversion": pointer(anything()), "preserveUnknownFields": flag(),
}, ("group", "names", "scope", "versions"))  # fmt: skip
_CONDITION = record({
    "type": text(), "status": text(), "lastTransitionTime": time(), "reason": text(), "message": text(),
    "observedGeneration": {"type": "integer", "format": "int64"},
})  # fmt: skip
_STATUS = record({
    "conditions": {**keyed(_CONDITION, "type"), "~null": True},
    "acceptedNames": {**_NAMES, "properties": {**_NAMES["properties"], "plural": {**text(), "~always": True},
                                               "kind": {**text(), "~always": True}}},
    "storedVersions": {**list_of(text()), "~null": True}, "observedGeneration": {"type": "integer", "format": "int64"},
})  # fmt: skip


def _default(new: Object) -> Object:
    """Names that follow from the kind, and no conversion."""
    spec = dict(new.get("spec") or {})
    names = dict(spec.get("names") or {})
    if kind := names.get("kind"):
        names.setdefault("singular", kind.lower())
        names.setdefault("listKind", f"{kind}List")
    spec["names"] = names
    spec["conversion"] = spec.get("conversion") or {"strategy": "None"}
    return {**new, "spec": spec}


def _prepare(new: Object, old: Object | None, subresource: str) -> Object:
    """Takes note of the version that objects are stored in from now on."""
    storage = [one["name"] for one in (new.get("spec") or {}).get("versions") or () if one.get("storage")]
    if old is None:
        accepted = {"plural": "", "kind": ""}
        return {**new, "status": {"conditions": None, "acceptedNames": accepted, "storedVersions": storage[:1] or None}}
    status = new.get("status") or {}
    stored = list(status.get("storedVersions") or ())
    if subresource == "status" or not storage or storage[0] in stored:
        return new
    return {**new, "status": {**status, "storedVersions": [*stored, storage[0]]}}


KINDS: tuple[BuiltIn, ...] = (
    built_in(
        "apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions",
        kind_schema({"spec": _SPEC, "status": _STATUS}, ("spec",)),
        short_names=("crd", "crds"), categories=("api-extensions",), namespaced=False, has_generation=True,
        needs_version=True, returns_deleted=True, storage_version="v1beta1", subresources=(STATUS,), has_status=True,
        default_kind=_default, prepare_kind=_prepare, validate_kind=check_definition,
        columns=(NAME, column("Created At", lambda value: value["metadata"].get("creationTimestamp", ""), kind="date")),
    ),
)  # fmt: skip
