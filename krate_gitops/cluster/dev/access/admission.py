"""ValidatingAdmissionPolicies: writes are held against the policies that are bound, and refused, warned of or let pass.

Policies and bindings are compiled when they are stored. A write of a kind that no policy is about costs one look at the
rules of each bound policy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from krate_gitops.cluster.dev.access.admission_matching import MatchResources, Write, selects
from krate_gitops.cluster.dev.access.admission_policy import Denial, Policy, PolicyError, write_variables
from krate_gitops.cluster.dev.access.attributes import forbidden
from krate_gitops.cluster.dev.access.reader import NAMESPACES, POLICIES, POLICY_BINDINGS, KindKey, Object, Reader
from krate_gitops.cluster.dev.failure import ApiFailure, Cause

FindKind = Callable[[str, str], tuple[KindKey, bool] | None]
"""From apiVersion and kind to the kind key, and whether objects are in namespaces."""

_CODES = {"Unauthorized": 401, "Forbidden": 403, "RequestEntityTooLarge": 413, "Invalid": 422}
_EXEMPT_GROUP = POLICIES[0]
_MOST_PARAMS = 1000


class Binding(msgspec.Struct, frozen=True):
    """A stored binding of a policy."""

    name: str
    policy: str
    matches: MatchResources
    actions: frozenset[str]
    param_ref: Mapping[str, Any] | None


class Admission:
    """All policies and bindings, kept in step with the store."""

    def __init__(self, reader: Reader, find_kind: FindKind) -> None:
        self._reader = reader
        self._find_kind = find_kind
        self._policies: dict[str, Policy] = {}
        self._bindings: dict[str, Binding] = {}
        for kind in (POLICIES, POLICY_BINDINGS):
            for stored in reader.list(kind):
                self.observe(kind, None, stored)

    def observe(self, kind: KindKey, old: Object | None, new: Object | None) -> None:
        """Take note of a stored change. Other kinds are fine."""
        if kind == POLICIES:
            _replace(self._policies, old, new, Policy)
        elif kind == POLICY_BINDINGS:
            _replace(self._bindings, old, new, _read_binding)

    @property
    def is_active(self) -> bool:
        """Whether any policy is bound."""
        return bool(self._bindings)

    def judge(self, write: Write) -> list[str]:
        """The warnings for a write that may pass. Raises ApiFailure 401, 403, 413 or 422 for the first refusal."""
        if not self._bindings or write.group == _EXEMPT_GROUP:
            return []
        namespace, labels = self._namespace(write)
        warnings: list[str] = []
        refused: ApiFailure | None = None
        for policy, binding, version in self._bound(write, labels):
            for denial in self._denials(policy, binding, write.in_version(version), namespace):
                if "Deny" in binding.actions and refused is None:
                    refused = _refusal(write, policy, binding, denial)
                if "Warn" in binding.actions:
                    told = f"Validation failed for ValidatingAdmissionPolicy '{policy.name}' with binding "
                    warnings.append(f"{told}'{binding.name}': {denial.message}")
        if refused is not None:
            raise refused
        return warnings

    def _bound(self, write: Write, labels: Mapping[str, str] | None) -> Iterator[tuple[Policy, Binding, str]]:
        """The policies about a write with their bindings, and the version they mean it in; in the order of names."""
        for _, binding in sorted(self._bindings.items(), key=lambda item: (item[1].policy, item[0])):
            policy = self._policies.get(binding.policy)
            if policy is None or binding.matches.version(write, labels) is None:
                continue
            version = policy.matches.version(write, labels)
            if version is not None:
                yield policy, binding, version

    def _denials(self, policy: Policy, binding: Binding, write: Write, namespace: Object | None) -> list[Denial]:
        try:
            if policy.error:
                raise PolicyError(policy.error)
            found: list[Denial] = []
            for params in self._params(policy, binding, write):
                known = {**write_variables(write), "params": params, "namespaceObject": namespace}
                found += policy.denials(known)
            return found
        except PolicyError as error:
            return [Denial(str(error))] if policy.fails else []

    def _params(self, policy: Policy, binding: Binding, write: Write) -> list[Object | None]:
        """The objects a policy takes its parameters from; one None for a policy without. Raises PolicyError."""
        if policy.param_kind is None:
            return [None]
        reference = binding.param_ref
        if reference is None:
            return [None]
        found = self._find_kind(policy.param_kind.get("apiVersion", ""), policy.param_kind.get("kind", ""))
        if found is None:
            raise PolicyError("failed to configure policy: failed to find resource referenced by paramKind")
        kind, namespaced = found
        namespace = (reference.get("namespace") or write.namespace) if namespaced else ""
        if namespaced and not namespace:
            told = "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources"
            raise PolicyError(f"failed to configure binding: {told}")
        params = self._referred(kind, namespace, reference)
        if not params and reference.get("parameterNotFoundAction") == "Deny":
            raise PolicyError("no params found for policy binding with `Deny` parameterNotFoundAction")
        return list(params)

    def _referred(self, kind: KindKey, namespace: str, reference: Mapping[str, Any]) -> list[Object]:
        if reference.get("name"):
            stored = self._reader.get(kind, namespace, reference["name"])
            return [] if stored is None else [stored]
        selector = reference.get("selector") or {}
        found = [
            stored
            for stored in self._reader.list(kind)
            if stored["metadata"].get("namespace", "") == namespace
            and selects(selector, stored["metadata"].get("labels") or {})
        ]
        return found[:_MOST_PARAMS]

    def _namespace(self, write: Write) -> tuple[Object | None, Mapping[str, str] | None]:
        """The namespace a write is in, for expressions; and the labels selectors ask of, a Namespace's own too."""
        if write.group == "" and write.resource == "namespaces":
            own = write.object or write.old or {"metadata": {}}
            return None, own["metadata"].get("labels") or {}
        if not write.namespace:
            return None, None
        stored = self._reader.get(NAMESPACES, "", write.namespace)
        return stored, (stored or {"metadata": {}})["metadata"].get("labels") or {}


def _replace(known: dict[str, Any], old: Object | None, new: Object | None, read: Callable[[Object], Any]) -> None:
    if old is not None:
        known.pop(old["metadata"]["name"], None)
    if new is not None:
        known[new["metadata"]["name"]] = read(new)


def _read_binding(stored: Object) -> Binding:
    spec = stored.get("spec") or {}
    return Binding(
        stored["metadata"]["name"],
        str(spec.get("policyName") or ""),
        MatchResources(spec.get("matchResources") or {}),
        frozenset(spec.get("validationActions") or ()),
        spec.get("paramRef"),
    )


def _refusal(write: Write, policy: Policy, binding: Binding, denial: Denial) -> ApiFailure:
    told = f"ValidatingAdmissionPolicy '{policy.name}' with binding '{binding.name}' denied request: {denial.message}"
    reason = denial.reason or "Invalid"
    plain = forbidden(write.group, write.resource, write.name, told)
    return ApiFailure(
        _CODES.get(reason, 422), reason, plain.message, causes=(Cause(message=told),), details=plain.details
    )
