"""Roles and bindings that are there from the start.

The three roles for people (admin, edit, view) come with their rules. On a real cluster a controller gathers those rules
from roles labelled for it; here they are written down, for the kinds this server has.
"""

from __future__ import annotations

from typing import Any

from krate_gitops.cluster.dev.access.identity import AUTHENTICATED, MASTERS, UNAUTHENTICATED

_GROUP = "rbac.authorization.k8s.io"
_VERSION = f"{_GROUP}/v1"
_METADATA = {
    "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"},
    "annotations": {"rbac.authorization.kubernetes.io/autoupdate": "true"},
}
_READ = ["get", "list", "watch"]
_WRITE = ["create", "delete", "deletecollection", "patch", "update"]
_VERSIONS = ["/livez", "/readyz", "/healthz", "/version", "/version/"]
_DISCOVERY = ["/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*"]

_CORE = ["configmaps", "events", "limitranges", "namespaces", "resourcequotas", "serviceaccounts", "services"]
_CORE_STATUS = ["namespaces/status", "resourcequotas/status", "services/status"]
_OWN = ["configmaps", "events", "secrets", "serviceaccounts", "services"]


def bootstrap_objects() -> list[dict[str, Any]]:
    """ClusterRoles and ClusterRoleBindings to create when the store is new, roles first."""
    roles = [
        _role("cluster-admin", _rule(["*"], ["*"], groups=["*"]), _paths(["*"], ["*"])),
        _role("admin", *_admin_rules()),
        _role("edit", *_edit_rules()),
        _role("view", *_view_rules()),
        _role("system:basic-user", *_basic_rules()),
        _role("system:discovery", _paths([*_DISCOVERY, *_VERSIONS], ["get"])),
        _role("system:public-info-viewer", _paths(_VERSIONS, ["get"])),
        _role(
            "system:monitoring", _paths(["/metrics", "/metrics/slis", "/livez/*", "/readyz/*", "/healthz/*"], ["get"])
        ),
    ]
    bindings = [
        _binding("cluster-admin", MASTERS),
        _binding("system:basic-user", AUTHENTICATED),
        _binding("system:discovery", AUTHENTICATED),
        _binding("system:monitoring", "system:monitoring"),
        _binding("system:public-info-viewer", AUTHENTICATED, UNAUTHENTICATED),
    ]
    return roles + bindings


def _basic_rules() -> list[dict[str, Any]]:
    return [
        _rule(["create"], ["selfsubjectaccessreviews", "selfsubjectrulesreviews"], groups=["authorization.k8s.io"]),
        _rule(["create"], ["selfsubjectreviews"], groups=["authentication.k8s.io"]),
    ]


def _view_rules() -> list[dict[str, Any]]:
    return [
        _rule(_READ, [*_CORE, *_CORE_STATUS]),
        _rule(_READ, ["events"], groups=["events.k8s.io"]),
    ]


def _edit_rules() -> list[dict[str, Any]]:
    return [
        *_view_rules(),
        _rule(_READ, ["secrets"]),
        _rule(["impersonate"], ["serviceaccounts"]),
        _rule(_WRITE, _OWN),
        _rule(["create"], ["serviceaccounts/token"]),
        _rule([*_WRITE, *_READ], ["leases"], groups=["coordination.k8s.io"]),
    ]


def _admin_rules() -> list[dict[str, Any]]:
    return [
        *_edit_rules(),
        _rule(["create"], ["localsubjectaccessreviews"], groups=["authorization.k8s.io"]),
        _rule([*_WRITE, *_READ], ["rolebindings", "roles"], groups=[_GROUP]),
    ]


def _rule(verbs: list[str], resources: list[str], *, groups: list[str] | None = None) -> dict[str, Any]:
    return {"verbs": list(verbs), "apiGroups": groups or [""], "resources": list(resources)}


def _paths(urls: list[str], verbs: list[str]) -> dict[str, Any]:
    return {"verbs": verbs, "nonResourceURLs": urls}


def _role(name: str, *rules: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": _VERSION,
        "kind": "ClusterRole",
        "metadata": {"name": name, **{key: dict(value) for key, value in _METADATA.items()}},
        "rules": list(rules),
    }


def _binding(role: str, *groups: str) -> dict[str, Any]:
    return {
        "apiVersion": _VERSION,
        "kind": "ClusterRoleBinding",
        "metadata": {"name": role, **{key: dict(value) for key, value in _METADATA.items()}},
        "roleRef": {"apiGroup": _GROUP, "kind": "ClusterRole", "name": role},
        "subjects": [{"kind": "Group", "apiGroup": _GROUP, "name": group} for group in groups],
    }
