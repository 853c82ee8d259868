"""Questions about access and identity: answered, and forgotten."""

from __future__ import annotations

from krate_gitops.cluster.dev.builtin.fields import anything, kind_schema
from krate_gitops.cluster.dev.builtin.kind import BuiltIn
from krate_gitops.cluster.dev.builtin.making import built_in

_SCHEMA = kind_schema({"spec": anything(), "status": anything()})


def _review(group: str, kind: str, *, namespaced: bool = False) -> BuiltIn:
    return built_in(
        group, "v1", kind, f"{kind.lower()}s", _SCHEMA, namespaced=namespaced, verbs=("create",), is_stored=False
    )


KINDS: tuple[BuiltIn, ...] = (
    _review("authorization.k8s.io", "SelfSubjectAccessReview"),
    _review("authorization.k8s.io", "SubjectAccessReview"),
    _review("authorization.k8s.io", "LocalSubjectAccessReview", namespaced=True),
    _review("authorization.k8s.io", "SelfSubjectRulesReview"),
    _review("authentication.k8s.io", "SelfSubjectReview"),
    _review("authentication.k8s.io", "TokenReview"),
)
