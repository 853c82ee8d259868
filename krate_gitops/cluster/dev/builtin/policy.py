"""Admission policies and their bindings."""

from __future__ import annotations

from krate_gitops.cluster.dev.builtin.fields import anything, kind_schema
from krate_gitops.cluster.dev.builtin.kind import STATUS, BuiltIn
from krate_gitops.cluster.dev.builtin.making import built_in

_GROUP = "admissionregistration.k8s.io"

KINDS: tuple[BuiltIn, ...] = (
    built_in(
        _GROUP, "v1", "ValidatingAdmissionPolicy", "validatingadmissionpolicies",
        kind_schema({"spec": anything(), "status": anything()}),
        categories=("api-extensions",), namespaced=False, has_generation=True, has_status=True, subresources=(STATUS,),
        returns_deleted=True,
    ),
    built_in(
        _GROUP, "v1", "ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings",
        kind_schema({"spec": anything()}),
        categories=("api-extensions",), namespaced=False, has_generation=True, returns_deleted=True,
    ),
)  # fmt: skip
