"""Namespaces: a finalizer of their own, a phase, and a label with their name."""

from __future__ import annotations

from typing import Any

from krate_gitops.cluster.dev.builtin.fields import kind_schema, list_of, record, text
from krate_gitops.cluster.dev.builtin.kind import STATUS, BuiltIn, Subresource
from krate_gitops.cluster.dev.builtin.making import NAME, age, built_in, column

Object = dict[str, Any]
NAME_LABEL = "kubernetes.io/metadata.name"

_SCHEMA = kind_schema(
    {
        "spec": record({"finalizers": list_of(text())}),
        "status": record(
            {"phase": text(), "conditions": list_of({"type": "object", "x-kubernetes-preserve-unknown-fields": True})}
        ),
    }
)


def _labelled(new: Object) -> Object:
    """The namespace with the label of its name, which nobody can take away."""
    metadata = new["metadata"]
    if not metadata.get("name"):
        return new
    labels = {**(metadata.get("labels") or {}), NAME_LABEL: metadata["name"]}
    return {**new, "metadata": {**metadata, "labels": labels}}


def _reset(new: Object, old: Object | None, subresource: str) -> Object:
    """Finalizers change by a path of their own."""
    if old is None or subresource == "finalize":
        return new
    return {**new, "spec": old.get("spec") or {}}


def _prepare(new: Object, old: Object | None, subresource: str) -> Object:
    fresh = _labelled(new)
    if old is None:
        said = (new.get("spec") or {}).get("finalizers", ())
        fresh = {**fresh, "spec": {"finalizers": list(dict.fromkeys([*said, "kubernetes"]))}}
        fresh["status"] = {"phase": "Active"}
    return fresh


KINDS: tuple[BuiltIn, ...] = (
    built_in(
        "", "v1", "Namespace", "namespaces", _SCHEMA,
        short_names=("ns",), namespaced=False, name_rule="label", has_status=True, returns_deleted=True,
        verbs=("create", "delete", "get", "list", "patch", "update", "watch"),
        subresources=(Subresource("finalize", ("update",)), STATUS), default_kind=_labelled,
        reset_kind=_reset, prepare_kind=_prepare,
        columns=(NAME, column("Status", lambda value: (value.get("status") or {}).get("phase", "")), age()),
    ),
)  # fmt: skip
