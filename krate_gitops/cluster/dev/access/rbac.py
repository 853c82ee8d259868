"""The RBAC authorizer: bindings indexed by subject, so that a decision looks only at what concerns the user.

The index follows changes one object at a time (``observe``). Decisions are remembered until the next change of a role
or binding; the memory is bounded.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from krate_gitops.cluster.dev.access.attributes import Attributes, quoted
from krate_gitops.cluster.dev.access.identity import MASTERS, User, service_account_of
from krate_gitops.cluster.dev.access.reader import (
    CLUSTER_ROLE_BINDINGS,
    CLUSTER_ROLES,
    ROLE_BINDINGS,
    ROLES,
    KindKey,
    Object,
    Reader,
)
from krate_gitops.cluster.dev.access.rules import Rule, read_rules

Subject = tuple[str, str, str]
"""``(kind, namespace, name)``; the namespace is empty but for a ServiceAccount."""

_ROLE_KINDS = {"Role": ROLES, "ClusterRole": CLUSTER_ROLES}
_REMEMBERED = 8192


class Decision(msgspec.Struct, frozen=True):
    """Whether something is allowed. ``reason`` names the binding that allows it, or the roles that weren't there."""

    allowed: bool
    reason: str = ""


class Binding(msgspec.Struct, frozen=True):
    """A RoleBinding (with a namespace) or ClusterRoleBinding (without)."""

    name: str
    namespace: str
    role_kind: Literal["Role", "ClusterRole"]
    role_name: str
    subjects: tuple[Subject, ...]

    @property
    def shown(self) -> str:
        """Kind and name, as reasons print them."""
        if self.namespace:
            return f"RoleBinding {quoted(f'{self.name}/{self.namespace}')}"
        return f"ClusterRoleBinding {quoted(self.name)}"


class RoleIndex:
    """All roles and bindings, kept in step with the store."""

    def __init__(self, reader: Reader) -> None:
        self._rules: dict[tuple[str, str, str], tuple[Rule, ...]] = {}
        self._by_subject: dict[str, dict[Subject, dict[str, Binding]]] = {}
        self._decisions: dict[tuple[User, Attributes], Decision] = {}
        for kind in (ROLES, CLUSTER_ROLES, ROLE_BINDINGS, CLUSTER_ROLE_BINDINGS):
            for stored in reader.list(kind):
                self.observe(kind, None, stored)

    def observe(self, kind: KindKey, old: Object | None, new: Object | None) -> None:
        """Take note of a stored change: ``old`` is None for a creation, ``new`` for a removal. Other kinds are fine."""
        if kind in (ROLES, CLUSTER_ROLES):
            self._decisions.clear()
            role_kind = "Role" if kind == ROLES else "ClusterRole"
            if old is not None:
                self._rules.pop((role_kind, *_place(old)), None)
            if new is not None:
                self._rules[(role_kind, *_place(new))] = read_rules(new)
        elif kind in (ROLE_BINDINGS, CLUSTER_ROLE_BINDINGS):
            self._decisions.clear()
            if old is not None:
                self._forget(_read_binding(old))
            if new is not None:
                self._learn(_read_binding(new))

    def decide(self, user: User, what: Attributes) -> Decision:
        """Whether ``user`` may do ``what``. The group ``system:masters`` may do anything."""
        if MASTERS in user.groups:
            return Decision(True)
        key = (user, what)
        decision = self._decisions.get(key)
        if decision is None:
            decision = self._decide(user, what)
            if len(self._decisions) >= _REMEMBERED:
                self._decisions.clear()
            self._decisions[key] = decision
        return decision

    def rules_of_role(self, kind: str, namespace: str, name: str) -> tuple[Rule, ...] | None:
        """The rules of a role, or None if there is no such role."""
        return self._rules.get((kind, namespace if kind == "Role" else "", name))

    def rules_of_user(self, user: User, namespace: str) -> tuple[list[Rule], list[str]]:
        """All rules that count for ``user`` in ``namespace`` (empty: everywhere), and what roles were missing."""
        rules: list[Rule] = []
        missing: list[str] = []
        for binding, _ in self._bindings(user, namespace):
            held = self.rules_of_role(binding.role_kind, binding.namespace, binding.role_name)
            if held is None:
                missing.append(_no_such_role(binding))
            else:
                rules.extend(held)
        return rules, missing

    def _decide(self, user: User, what: Attributes) -> Decision:
        missing: list[str] = []
        # A path is of no namespace: only bindings of the cluster count.
        for binding, subject in self._bindings(user, "" if what.path else what.namespace):
            rules = self.rules_of_role(binding.role_kind, binding.namespace, binding.role_name)
            if rules is None:
                missing.append(_no_such_role(binding))
            elif any(rule.allows(what) for rule in rules):
                return Decision(True, _reason(binding, subject))
        if not missing:
            return Decision(False)
        told = missing[0] if len(missing) == 1 else f"[{', '.join(missing)}]"
        return Decision(False, f"RBAC: {told}")

    def _bindings(self, user: User, namespace: str) -> Iterator[tuple[Binding, Subject]]:
        """Bindings that count for ``user``, those of the cluster first, each once, with the subject it names him by."""
        for place in ("", namespace) if namespace else ("",):
            by_subject = self._by_subject.get(place)
            if not by_subject:
                continue
            seen: set[str] = set()
            for subject in _subjects_of(user):
                for name, binding in by_subject.get(subject, {}).items():
                    if name not in seen:
                        seen.add(name)
                        yield binding, subject

    def _learn(self, binding: Binding | None) -> None:
        if binding is None:
            return
        by_subject = self._by_subject.setdefault(binding.namespace, {})
        for subject in binding.subjects:
            by_subject.setdefault(subject, {})[binding.name] = binding

    def _forget(self, binding: Binding | None) -> None:
        if binding is None:
            return
        by_subject = self._by_subject.get(binding.namespace, {})
        for subject in binding.subjects:
            bindings = by_subject.get(subject)
            if bindings is not None:
                bindings.pop(binding.name, None)
                if not bindings:
                    del by_subject[subject]


def _subjects_of(user: User) -> Iterator[Subject]:
    yield "User", "", user.name
    account = service_account_of(user.name)
    if account is not None:
        yield "ServiceAccount", *account
    for group in user.groups:
        yield "Group", "", group


def _read_binding(stored: Object) -> Binding | None:
    """The binding in a stored object, or None for one that can't bind anything."""
    namespace, name = _place(stored)
    reference = stored.get("roleRef") or {}
    kind = reference.get("kind")
    if kind not in _ROLE_KINDS or (kind == "Role" and not namespace):
        return None
    subjects = tuple(_read_subject(subject, namespace) for subject in stored.get("subjects") or ())
    return Binding(name, namespace, kind, str(reference.get("name", "")), subjects)


def _read_subject(subject: dict[str, Any], namespace: str) -> Subject:
    kind = str(subject.get("kind", ""))
    place = str(subject.get("namespace") or namespace) if kind == "ServiceAccount" else ""
    return kind, place, str(subject.get("name", ""))


def _place(stored: Object) -> tuple[str, str]:
    metadata = stored["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


def _no_such_role(binding: Binding) -> str:
    return f"{binding.role_kind.lower()}.rbac.authorization.k8s.io {quoted(binding.role_name)} not found"


def _reason(binding: Binding, subject: Subject) -> str:
    kind, namespace, name = subject
    whom = quoted(f"{name}/{namespace}" if namespace else name)
    return f"RBAC: allowed by {binding.shown} of {binding.role_kind} {quoted(binding.role_name)} to {kind} {whom}"
