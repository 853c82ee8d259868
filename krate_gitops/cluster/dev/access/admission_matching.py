"""Which requests a policy is about: rules on resources and operations, and selectors on labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from krate_gitops.cluster.dev.access.identity import User
from krate_gitops.cluster.dev.access.reader import Object

_ALL = "*"


class Write(msgspec.Struct, frozen=True):
    """A write that is to be judged. ``object`` is None for a deletion, ``old`` for a creation.

    ``versions`` are all versions in which the kind is served, that of the request among them.
    """

    operation: str
    user: User
    group: str
    version: str
    kind: str
    resource: str
    subresource: str
    name: str
    namespace: str
    object: Object | None
    old: Object | None
    dry_run: bool = False
    versions: tuple[str, ...] = ()

    def in_version(self, version: str) -> Write:
        """The same write in another version of the kind, which differs by its name only."""
        if version == self.version:
            return self
        api_version = f"{self.group}/{version}" if self.group else version
        values = {
            name: None if value is None else {**value, "apiVersion": api_version}
            for name, value in (("object", self.object), ("old", self.old))
        }
        return msgspec.structs.replace(self, version=version, **values)


class MatchResources:
    """The part of a policy or binding that says what it is about."""

    def __init__(self, spec: Mapping[str, Any]) -> None:
        self._rules: Sequence[Mapping[str, Any]] = spec.get("resourceRules") or ()
        self._excluded: Sequence[Mapping[str, Any]] = spec.get("excludeResourceRules") or ()
        self._namespaces: Mapping[str, Any] = spec.get("namespaceSelector") or {}
        self._objects: Mapping[str, Any] = spec.get("objectSelector") or {}
        self._is_exact = spec.get("matchPolicy") == "Exact"

    def version(self, write: Write, namespace_labels: Mapping[str, str] | None) -> str | None:
        """The version in which ``write`` is meant, or None if it isn't meant. Without rules everything is meant.

        ``namespace_labels`` are those of the namespace the object is in or is; None for other objects of the cluster.
        """
        if not self._rules and not self._excluded:
            return write.version if self._selects(write, namespace_labels) else None
        if self._rule_version(self._excluded, write) is not None:
            return None
        version = self._rule_version(self._rules, write) if self._rules else write.version
        return version if version is not None and self._selects(write, namespace_labels) else None

    def _rule_version(self, rules: Iterable[Mapping[str, Any]], write: Write) -> str | None:
        others = () if self._is_exact else write.versions
        for version in (write.version, *others):
            if any(_rule_matches(rule, write, version) for rule in rules):
                return version
        return None

    def _selects(self, write: Write, namespace_labels: Mapping[str, str] | None) -> bool:
        if self._namespaces and namespace_labels is not None and not selects(self._namespaces, namespace_labels):
            return False
        if not self._objects:
            return True
        return any(selects(self._objects, _labels(value)) for value in (write.object, write.old) if value is not None)


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a label selector (``matchLabels``, ``matchExpressions``) fits; an empty one fits everything."""
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    return all(_holds(expression, labels) for expression in selector.get("matchExpressions") or ())


def _holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, operator, values = expression.get("key", ""), expression.get("operator"), expression.get("values") or ()
    if operator == "Exists":
        return key in labels
    if operator == "DoesNotExist":
        return key not in labels
    if operator == "NotIn":
        return labels.get(key) not in values
    return operator == "In" and key in labels and labels[key] in values


def _rule_matches(rule: Mapping[str, Any], write: Write, version: str) -> bool:
    if not _has(rule.get("operations"), write.operation) or not _has(rule.get("apiGroups"), write.group):
        return False
    if not _has(rule.get("apiVersions"), version) or not _scope_matches(rule.get("scope") or _ALL, write):
        return False
    names = rule.get("resourceNames") or ()
    if names and write.name not in names:
        return False
    return any(_resource_matches(pattern, write) for pattern in rule.get("resources") or ())


def _resource_matches(pattern: str, write: Write) -> bool:
    resource, slash, subresource = pattern.partition("/")
    if resource not in (_ALL, write.resource):
        return False
    if not slash:
        return not write.subresource
    return subresource in (_ALL, write.subresource)


def _scope_matches(scope: str, write: Write) -> bool:
    if scope == _ALL:
        return True
    # A Namespace object is in itself for selectors, but of the cluster for scopes.
    is_namespaced = bool(write.namespace) and not (write.group == "" and write.resource == "namespaces")
    return is_namespaced == (scope == "Namespaced")


def _has(values: Sequence[str] | None, wanted: str) -> bool:
    return values is not None and (wanted in values or _ALL in values)


def _labels(value: Object) -> Mapping[str, str]:
    labels: Mapping[str, str] = value["metadata"].get("labels") or {}
    return labels
