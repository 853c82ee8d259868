"""Roles: rules about verbs and resources, in a namespace or everywhere."""

from __future__ import annotations

from typing import Any

from krate_gitops.cluster.dev.builtin.fields import (
    anything,
    kind_schema,
    list_of,
    null_when_empty,
    pointer,
    record,
    text,
)
from krate_gitops.cluster.dev.builtin.kind import BuiltIn
from krate_gitops.cluster.dev.builtin.making import CREATED_AT, NAME, built_in
from krate_gitops.cluster.dev.schemas.faults import Fault, invalid_value, required

Object = dict[str, Any]

_RULE = record({
    "verbs": {**list_of(text()), "~always": True}, "apiGroups": list_of(text()), "resources": list_of(text()),
    "resourceNames": list_of(text()), "nonResourceURLs": list_of(text()),
}, ("verbs",))  # fmt: skip


def _faults(new: Object, *, is_namespaced: bool) -> list[Fault]:
    faults: list[Fault] = []
    for index, rule in enumerate(new.get("rules") or ()):
        field = f"rules[{index}]"
        if not rule.get("verbs"):
            faults.append(required(f"{field}.verbs", "verbs must contain at least one value"))
        if rule.get("nonResourceURLs"):
            if is_namespaced:
                detail = "namespaced rules cannot apply to non-resource URLs"
                faults.append(invalid_value(f"{field}.nonResourceURLs", rule["nonResourceURLs"], detail))
            elif rule.get("apiGroups") or rule.get("resources") or rule.get("resourceNames"):
                detail = "rules cannot apply to both regular resources and non-resource URLs"
                faults.append(invalid_value(f"{field}.nonResourceURLs", rule["nonResourceURLs"], detail))
            continue
        if not rule.get("apiGroups"):
            faults.append(required(f"{field}.apiGroups", "resource rules must supply at least one api group"))
        if not rule.get("resources"):
            faults.append(required(f"{field}.resources", "resource rules must supply at least one resource"))
    return faults


def _prepare(new: Object, old: Object | None, subresource: str) -> Object:
    """No rules are written as null."""
    return {**new, "rules": new.get("rules") or None}


def _role(new: Object, old: Object | None) -> list[Fault]:
    return _faults(new, is_namespaced=True)


def _cluster_role(new: Object, old: Object | None) -> list[Fault]:
    return _faults(new, is_namespaced=False)


_GROUP = "rbac.authorization.k8s.io"

KINDS: tuple[BuiltIn, ...] = (
    built_in(
        _GROUP, "v1", "Role", "roles", kind_schema({"rules": null_when_empty(list_of(_RULE))}),
        name_rule="path-segment", creates_on_update=True, prepare_kind=_prepare,
        validate_kind=_role, columns=(NAME, CREATED_AT),
    ),
    built_in(
        _GROUP, "v1", "ClusterRole", "clusterroles",
        kind_schema({"rules": null_when_empty(list_of(_RULE)),
                     "aggregationRule": pointer(record({"clusterRoleSelectors": list_of(anything())}))}),
        namespaced=False, name_rule="path-segment", creates_on_update=True, prepare_kind=_prepare,
        validate_kind=_cluster_role,
        columns=(NAME, CREATED_AT),
    ),
)  # fmt: skip
