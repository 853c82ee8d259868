"""Definitions of custom kinds, as objects: names filled in, and what is refused."""

from __future__ import annotations

from typing import Any

from krate_gitops.cluster.dev.builtin.fields import (
    anything,
    flag,
    keyed,
    kind_schema,
    list_of,
    pointer,
    record,
    text,
    time,
)
from krate_gitops.cluster.dev.builtin.kind import STATUS, BuiltIn
from krate_gitops.cluster.dev.builtin.making import NAME, built_in, column
from krate_gitops.cluster.dev.schemas.faults import Fault, invalid_value, required

Object = dict[str, Any]

_NAMES = record({
    "plural": text(), "singular": text(), "shortNames": list_of(text()), "kind": text(), "listKind": text(),
    "categories": list_of(text()),
}, ("plural", "kind"))  # fmt: skip
_VERSION = record({
    "name": text(), "served": {**flag(), "~always": True}, "storage": {**flag(), "~always": True},
    "deprecated": flag(), "deprecationWarning": pointer(text()), "schema": pointer(record({"openAPIV3Schema": anything()})),
    "subresources": pointer(record({"status": pointer(anything()), "scale": pointer(anything())})),
    "additionalPrinterColumns": list_of(anything()), "selectableFields": list_of(anything()),
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


def _prepare(new: Object, old: Object | None, subresource: str) -> Object:
    spec = dict(new.get("spec") or {})
    names = dict(spec.get("names") or {})
    kind = names.get("kind") or ""
    names.setdefault("singular", kind.lower())
    names.setdefault("listKind", f"{kind}List")
    spec["names"] = names
    spec.setdefault("conversion", {"strategy": "None"})
    fresh = {**new, "spec": spec}
    stored = [one["name"] for one in spec.get("versions") or () if one.get("storage")]
    if old is None:
        accepted = {"plural": "", "kind": ""}
        fresh["status"] = {"conditions": None, "acceptedNames": accepted, "storedVersions": stored}
    else:
        before = old.get("status") or {}
        status = (new.get("status") or before) if subresource == "status" else before
        if subresource != "status":
            kept = list(before.get("storedVersions") or ())
            status = {**status, "storedVersions": [*kept, *(one for one in stored if one not in kept)]}
        fresh["status"] = status
    return fresh


def _validate(new: Object, old: Object | None) -> list[Fault]:
    spec, faults = new.get("spec") or {}, []
    names, group = spec.get("names") or {}, spec.get("group") or ""
    wanted = f"{names.get('plural', '')}.{group}"
    if new["metadata"].get("name") != wanted:
        detail = 'must be spec.names.plural+"."+spec.group'
        faults.append(invalid_value("metadata.name", new["metadata"].get("name", ""), detail))
    if not group:
        faults.append(required("spec.group"))
    if spec.get("scope") not in ("Namespaced", "Cluster"):
        faults.append(invalid_value("spec.scope", spec.get("scope", ""), "must be Namespaced or Cluster"))
    storage = [one for one in spec.get("versions") or () if one.get("storage")]
    if len(storage) != 1:
        detail = "must have exactly one version marked as storage version"
        faults.append(invalid_value("spec.versions", [one.get("name") for one in storage], detail))
    for index, version in enumerate(spec.get("versions") or ()):
        if not (version.get("schema") or {}).get("openAPIV3Schema"):
            faults.append(required(f"spec.versions[{index}].schema.openAPIV3Schema", "schemas are required"))
    return faults


KINDS: tuple[BuiltIn, ...] = (
    built_in(
        "apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions",
        kind_schema({"spec": _SPEC, "status": _STATUS}, ("spec",)),
        short_names=("crd", "crds"), categories=("api-extensions",), namespaced=False, has_generation=True,
        needs_version=True, returns_deleted=True, subresources=(STATUS,), prepare_kind=_prepare, validate_kind=_validate,
        columns=(NAME, column("Created At", lambda value: value["metadata"].get("creationTimestamp", ""), kind="date")),
    ),
)  # fmt: skip
