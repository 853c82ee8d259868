"""Nobody grants what he doesn't hold: checks of roles and bindings before they are written."""

from __future__ import annotations

from typing import Any

from krate_gitops.cluster.dev.access.attributes import Attributes, forbidden, qualified, quoted, quoted_list
from krate_gitops.cluster.dev.access.identity import MASTERS, User
from krate_gitops.cluster.dev.access.rbac import RoleIndex
from krate_gitops.cluster.dev.access.reader import Object
from krate_gitops.cluster.dev.access.rules import Rule, missing_rights, read_rules
from krate_gitops.cluster.dev.failure import ApiFailure

_GROUP = "rbac.authorization.k8s.io"
_PLURALS = {
    "Role": "roles",
    "ClusterRole": "clusterroles",
    "RoleBinding": "rolebindings",
    "ClusterRoleBinding": "clusterrolebindings",
}
_EVERYTHING = (Rule(("*",), ("*",), ("*",)), Rule(("*",), non_resource_urls=("*",)))


class Grants:
    """Checks that whoever writes a role or binding holds what it grants."""

    def __init__(self, index: RoleIndex) -> None:
        self._index = index

    def check(self, user: User, new: Object, old: Object | None, name: str) -> None:
        """Raise ApiFailure 403 (404 for a binding to a role that is missing) if ``user`` may not write ``new``.

        ``name`` is the name in the request's path. Objects of other kinds are fine, and so is a change that only takes
        away finalizers or owner references.
        """
        kind = new.get("kind", "")
        plural = _PLURALS.get(kind)
        if plural is None or not str(new.get("apiVersion", "")).startswith(f"{_GROUP}/") or MASTERS in user.groups:
            return
        if old is not None and _without_collection_fields(new) == _without_collection_fields(old):
            return
        if kind in ("Role", "ClusterRole"):
            self._check_role(user, new, plural, name)
        else:
            self._check_binding(user, new, plural)

    def _check_role(self, user: User, role: Object, plural: str, name: str) -> None:
        namespace = role["metadata"].get("namespace", "")
        if self._index.decide(user, Attributes("escalate", _GROUP, plural, "", name, namespace)).allowed:
            return
        own_name = role["metadata"].get("name", "")
        missing = self._missing(user, namespace, read_rules(role))
        if missing:
            raise forbidden(_GROUP, plural, own_name, missing)
        if role.get("aggregationRule") is not None:
            missing = self._missing(user, namespace, _EVERYTHING)
            if missing:
                why = f"must have cluster-admin privileges to use the aggregationRule: {missing}"
                raise forbidden(_GROUP, plural, own_name, why)

    def _check_binding(self, user: User, binding: Object, plural: str) -> None:
        namespace = binding["metadata"].get("namespace", "")
        own_name = binding["metadata"].get("name", "")
        reference: dict[str, Any] = binding.get("roleRef") or {}
        kind, role_name = str(reference.get("kind", "")), str(reference.get("name", ""))
        bind = Attributes("bind", _GROUP, _PLURALS.get(kind, kind), "", role_name, namespace)
        if self._index.decide(user, bind).allowed:
            return
        rules = self._index.rules_of_role(kind, namespace, role_name)
        if rules is None:
            details = {"name": own_name, "group": _GROUP, "kind": plural}
            raise ApiFailure(
                404, "NotFound", f"{qualified(_GROUP, plural)} {quoted(own_name)} not found", details=details
            )
        missing = self._missing(user, namespace, rules)
        if missing:
            raise forbidden(_GROUP, plural, own_name, missing)

    def _missing(self, user: User, namespace: str, wanted: tuple[Rule, ...]) -> str:
        """What ``user`` would grant beyond what he holds, as the refusal says it; empty if there is nothing."""
        held, gone = self._index.rules_of_user(user, namespace)
        missing = missing_rights(held, wanted)
        if not missing:
            return ""
        lines = "\n".join(sorted({rule.shown() for rule in missing}))
        who = f"user {quoted(user.name)} (groups={quoted_list(user.groups)})"
        told = f"{who} is attempting to grant RBAC permissions not currently held:\n{lines}"
        return f"{told}; resolution errors: [{', '.join(gone)}]" if gone else told


def _without_collection_fields(stored: Object) -> Object:
    """The object without what the removal of objects needs to change, and without what every write changes."""
    ignored = ("finalizers", "ownerReferences", "managedFields", "resourceVersion", "generation")
    metadata = {key: value for key, value in stored["metadata"].items() if key not in ignored}
    return {**stored, "metadata": metadata}
