"""Stored objects in memory, and short ways to write roles and bindings down."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from krate_gitops.cluster.dev.access.access import Access
from krate_gitops.cluster.dev.access.attributes import Attributes
from krate_gitops.cluster.dev.access.bootstrap import bootstrap_objects
from krate_gitops.cluster.dev.access.identity import User
from krate_gitops.cluster.dev.access.reader import KindKey, Object
from krate_gitops.cluster.dev.failure import ApiFailure

RBAC = "rbac.authorization.k8s.io"
NOON = dt.datetime(2026, 3, 1, 12, 0, tzinfo=dt.UTC)

_PLURALS = {
    "ServiceAccount": "serviceaccounts",
    "Secret": "secrets",
    "Namespace": "namespaces",
    "ConfigMap": "configmaps",
    "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
}


class Shelf:
    """A reader whose objects can be put and removed; whoever listens is told."""

    def __init__(self) -> None:
        self._objects: dict[KindKey, dict[tuple[str, str], Object]] = {}
        self.now = NOON
        self.access: Access | None = None

    def list(self, kind: KindKey) -> Iterable[Object]:
        """See ``Reader``."""
        return list(self._objects.get(kind, {}).values())

    def get(self, kind: KindKey, namespace: str, name: str) -> Object | None:
        """See ``Reader``."""
        return self._objects.get(kind, {}).get((namespace, name))

    def put(self, value: Object) -> None:
        """Stores an object, new or changed."""
        kind, place = _where(value)
        objects = self._objects.setdefault(kind, {})
        old = objects.get(place)
        objects[place] = value
        if self.access is not None:
            self.access.observe(kind, old, value)

    def remove(self, value: Object) -> None:
        """Takes an object away."""
        kind, place = _where(value)
        old = self._objects[kind].pop(place)
        if self.access is not None:
            self.access.observe(kind, old, None)


def world(*objects: Object, bootstrap: bool = False) -> tuple[Shelf, Access]:
    """A shelf with objects, and the access control that reads it. Its clock stands at ``shelf.now``."""
    shelf = Shelf()
    for value in (*(bootstrap_objects() if bootstrap else ()), *objects):
        shelf.put(value)
    shelf.access = Access(shelf, None, signing_key=b"k" * 32, clock=lambda: shelf.now)
    return shelf, shelf.access


def rule(verbs: str, resources: str = "", *, groups: str = "", names: str = "", urls: str = "") -> dict[str, Any]:
    """A rule of words; the core group is the empty text."""
    if urls:
        return {"verbs": verbs.split(), "nonResourceURLs": urls.split()}
    found: dict[str, Any] = {
        "verbs": verbs.split(),
        "apiGroups": groups.split() or [""],
        "resources": resources.split(),
    }
    return {**found, "resourceNames": names.split()} if names else found


def role(name: str, *rules: dict[str, Any], namespace: str = "") -> Object:
    """A Role, or without a namespace a ClusterRole."""
    return _object("Role" if namespace else "ClusterRole", name, namespace, rules=list(rules))


def binding(
    name: str, to: str, *subjects: tuple[str, ...], namespace: str = "", cluster_role: bool = False, **more: Any
) -> Object:
    """A binding to the role ``to``. A subject is ``("User", name)``, or ``("ServiceAccount", namespace, name)``."""
    kind = "ClusterRole" if cluster_role or not namespace else "Role"
    named = [
        {"kind": subject[0], "name": subject[-1], **({"namespace": subject[1]} if len(subject) == 3 else {})}
        for subject in subjects
    ]
    reference = {"apiGroup": RBAC, "kind": kind, "name": to}
    made = _object(
        "RoleBinding" if namespace else "ClusterRoleBinding", name, namespace, roleRef=reference, subjects=named
    )
    made["metadata"].update(more)
    return made


def account(name: str, namespace: str = "n", uid: str = "u-1") -> Object:
    """A ServiceAccount."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": name, "namespace": namespace, "uid": uid},
    }


def user(name: str = "jane", *groups: str) -> User:
    """Somebody who authenticated."""
    return User(name, (*groups, "system:authenticated"))


def on(verb: str, resource: str = "configmaps", name: str = "", namespace: str = "n", group: str = "") -> Attributes:
    """A request for a resource; ``resource`` may have a subresource."""
    plural, _, subresource = resource.partition("/")
    return Attributes(verb, group, plural, subresource, name, namespace)


def refused(access: Access, who: User, what: Attributes) -> str:
    """The text with which a request is refused, or nothing."""
    try:
        access.authorize(who, what)
    except ApiFailure as failure:
        return failure.message if failure.code == 403 else f"{failure.code}"
    return ""


def _object(kind: str, name: str, namespace: str, **fields: Any) -> Object:
    place = {"namespace": namespace} if namespace else {}
    return {"apiVersion": f"{RBAC}/v1", "kind": kind, "metadata": {"name": name, **place}, **fields}


def _where(value: Object) -> tuple[KindKey, tuple[str, str]]:
    group = value["apiVersion"].rpartition("/")[0]
    plural = _PLURALS.get(value["kind"], f"{value['kind'].lower()}s")
    metadata = value["metadata"]
    return (group, plural), (metadata.get("namespace", ""), metadata["name"])
