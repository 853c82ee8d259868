"""What access control needs to know of stored objects."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

KindKey = tuple[str, str]

ROLES: KindKey = ("rbac.authorization.k8s.io", "roles")
CLUSTER_ROLES: KindKey = ("rbac.authorization.k8s.io", "clusterroles")
ROLE_BINDINGS: KindKey = ("rbac.authorization.k8s.io", "rolebindings")
CLUSTER_ROLE_BINDINGS: KindKey = ("rbac.authorization.k8s.io", "clusterrolebindings")
SERVICE_ACCOUNTS: KindKey = ("", "serviceaccounts")
SECRETS: KindKey = ("", "secrets")
NAMESPACES: KindKey = ("", "namespaces")
POLICIES: KindKey = ("admissionregistration.k8s.io", "validatingadmissionpolicies")
POLICY_BINDINGS: KindKey = ("admissionregistration.k8s.io", "validatingadmissionpolicybindings")

Object = dict[str, Any]


class Reader(Protocol):
    """Stored objects by kind key ``(group, plural)``. Objects are read, never changed."""

    def list(self, kind: KindKey) -> Iterable[Object]:
        """All objects of a kind, in all namespaces."""

    def get(self, kind: KindKey, namespace: str, name: str) -> Object | None:
        """One object, or None. ``namespace`` is empty for kinds of the cluster."""
