"""The resources a review looks at: objects of one organization, indexed once, with what is known of native ones.

The same state is built from a commit alone, from a commit laid over what is live, and from what is live, so that what
is predicted is what is found later.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from functools import cached_property
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from krate_gitops.resources.context import org_namespace
from krate_gitops.resources.kinds.common import Part
from krate_gitops.resources.kinds.grants import AgentConfigGrantSpec, AgentSecretGrantSpec
from krate_gitops.resources.kinds.identity import AgentRoleBindingSpec, AgentServiceAccountSpec
from krate_gitops.resources.kinds.inventory import MODELS
from krate_gitops.resources.kinds.memory import AgentMemorySourceSpec
from krate_gitops.resources.kinds.tenancy import OrgSharingPolicySpec
from krate_gitops.resources.permissions.access import AccessQuestion, Answers
from krate_gitops.resources.permissions.natives import Natives
from krate_gitops.resources.permissions.policy import ReviewPolicy
from krate_gitops.resources.permissions.reasons import Owner
from krate_gitops.resources.rules.tenancy import is_effective

S = TypeVar("S", bound=Part)
Object = Mapping[str, Any]
GRANT_KINDS = ("AgentSecretGrant", "AgentConfigGrant")
UNSHARED = frozenset((*GRANT_KINDS, "AgentServiceAccount", "AgentRoleBinding", "Secret", "ConfigMap", "ServiceAccount"))
"""Kinds that stay in their organization whatever a policy says."""


class Held(NamedTuple, Generic[S]):
    """An object whose spec fits its model. ``generation`` is 0 where nothing gave it one."""

    kind: str
    name: str
    organization: str
    spec: S
    generation: int
    labels: Mapping[str, Any]
    status: Mapping[str, Any]

    @property
    def owner(self) -> Owner:
        """The object as reasons name it."""
        return Owner(self.kind, self.name)

    @property
    def is_fresh(self) -> bool:
        """Whether its status is about its present generation; what is older says nothing."""
        observed = self.status.get("observedGeneration")
        return isinstance(observed, int) and observed >= self.generation

    def condition(self, kind: str) -> tuple[str, str]:
        """Status and reason of a condition; ``Unknown`` where it is absent or stale."""
        conditions = self.status.get("conditions") if self.is_fresh else None
        for one in conditions if isinstance(conditions, (list, tuple)) else ():
            if isinstance(one, Mapping) and one.get("type") == kind:
                observed = one.get("observedGeneration", self.generation)
                if isinstance(observed, int) and observed >= self.generation:
                    return str(one.get("status", "Unknown")), str(one.get("reason", ""))
        return "Unknown", ""

    @property
    def phase(self) -> str:
        """As its controller says, stale or not; empty where it says nothing."""
        phase = self.status.get("phase")
        return phase if isinstance(phase, str) else ""


class ReviewState:
    """All that reviews of one organization look at. It doesn't change; build another one for another state."""

    def __init__(
        self,
        objects: Mapping[tuple[str, str, str], Object],
        *,
        organization: str,
        namespace: str,
        natives: Natives,
        access: Answers | None,
        policy: ReviewPolicy,
        now: int,
        converged: bool,
    ) -> None:
        self.organization, self.namespace = organization, namespace
        self.natives, self.policy, self.now, self.converged = natives, policy, now, converged
        self._access = access
        self._objects = objects
        self._held: dict[tuple[str, str, str], Held[Any] | None] = {}
        self._names = _names_by_kind(objects, organization)
        self._grants: dict[tuple[str, str], list[str]] = defaultdict(list)
        self._grants_by_subject: dict[tuple[str, str, str], list[str]] = defaultdict(list)
        self._bindings: dict[tuple[str, str], list[str]] = defaultdict(list)
        self._runners: dict[str, list[str]] = defaultdict(list)
        self._sources: dict[str, list[str]] = defaultdict(list)
        self._index()

    @classmethod
    def build(
        cls,
        objects: Iterable[Object],
        natives: Natives | None = None,
        access: Answers | None = None,
        *,
        organization: str,
        now: int,
        namespace: str = "",
        policy: ReviewPolicy | None = None,
        converged: bool = False,
    ) -> ReviewState:
        """The state of an organization.

        ``objects`` are whole objects in defaulted form, in any order. ``natives`` is None
        where no cluster is asked; checks that need one are then left out, and the review says so. ``access`` are
        answers of the native access review. ``now`` is the time of judgement in seconds since 1970. ``converged``
        judges as if controllers had done their work: native accounts exist, and roles give what they say. Plans are
        predicted so, since the account of a new stack can't exist before it is applied.
        """
        return cls(
            _by_identity(objects),
            organization=organization,
            namespace=namespace or org_namespace(organization),
            natives=Natives(known=False) if natives is None else natives,
            access=access,
            policy=policy or ReviewPolicy(),
            now=now,
            converged=converged,
        )

    def find(self, kind: str, name: str, organization: str = "") -> Held[Any] | None:
        """The object of a name, of the own organization unless another is named; None where none fits its model."""
        return self._hold_at((organization or self.organization, kind, name))

    def _hold_at(self, identity: tuple[str, str, str]) -> Held[Any] | None:
        if identity not in self._held:
            value = self._objects.get(identity)
            self._held[identity] = None if value is None else _hold(identity, value)
        return self._held[identity]

    def own_name(self, text: str) -> str:
        """The name that a reference means in the own organization; empty for one into another organization."""
        stated, slash, name = text.rpartition("/")
        return name if not slash or stated.removeprefix("krate-org-") == self.organization else ""

    def raw(self, kind: str, name: str) -> Object | None:
        """An object of the own organization as it was given, whether it fits its model or not."""
        return self._objects.get((self.organization, kind, name))

    def names(self, kind: str) -> Sequence[str]:
        """Names of all objects of a kind, sorted."""
        return self._names.get(kind, ())

    def all(self, kind: str) -> list[Held[Any]]:
        """All objects of a kind that fit their model, by name."""
        return self._of(kind, self.names(kind))

    def grants_for(self, kind: str, target: str) -> list[Held[Any]]:
        """Grants of a kind for a Secret or ConfigMap, by name."""
        return self._of(kind, self._grants.get((kind, target), ()))

    def grants_to(self, kind: str, subject_kind: str, subject: str) -> list[Held[Any]]:
        """Grants of a kind to a subject, by name."""
        return self._of(kind, self._grants_by_subject.get((kind, subject_kind, subject), ()))

    def bindings_of(self, stack: str, account: str) -> list[Held[AgentRoleBindingSpec]]:
        """Role bindings whose subject is a stack or its account, by name."""
        names = {*self._bindings.get(("agent-stack", stack), ()), *self._bindings.get(("service-account", account), ())}
        return self._of("AgentRoleBinding", sorted(names))

    def runner_account(self, pool: str) -> Held[AgentServiceAccountSpec] | None:
        """The account of a runner pool: one that it owns, or the one named after it."""
        owned = self._of("AgentServiceAccount", self._runners.get(pool, ()))
        return owned[0] if owned else self.find("AgentServiceAccount", f"{self.policy.runner_account_prefix}{pool}")

    def memory_sources(self, repository: str) -> list[Held[AgentMemorySourceSpec]]:
        """Memory sources that read a repository, by name."""
        return self._of("AgentMemorySource", self._sources.get(repository, ()))

    @cached_property
    def sharing(self) -> list[Held[OrgSharingPolicySpec]]:
        """Sharing policies that let the organization use objects of others: unexpired, and approved by their owners."""
        names = sorted(name for owner, kind, name in self._objects if kind == "OrgSharingPolicy" and not owner)
        held = [self._hold_at(("", "OrgSharingPolicy", name)) for name in names]
        return [one for one in held if one is not None and self._is_effective(one)]

    def _is_effective(self, policy: Held[OrgSharingPolicySpec]) -> bool:
        approved = policy.condition("Approved")[0] == "True" or (policy.is_fresh and policy.phase == "Ready")
        mine = policy.spec.source_org == self.organization
        return mine and approved and is_effective(policy.spec, self.now)

    def shares(self, organization: str, kind: str, name: str) -> bool:
        """Whether an effective policy admits an object of another organization. Identities and grants never are."""
        return kind not in UNSHARED and any(
            policy.spec.target_org == organization
            and any((shared.kind, shared.name) == (kind, name) for shared in policy.spec.allowed_refs)
            for policy in self.sharing
        )

    def answer(self, question: AccessQuestion) -> bool | None:
        """What the native access review says; None for no answer."""
        return None if self._access is None else self._access.get(question)

    def with_access(self, access: Answers) -> ReviewState:
        """The same state with answers; indexes and objects are shared."""
        answered = copy(self)
        answered._access = access
        return answered

    def _of(self, kind: str, names: Iterable[str]) -> list[Held[Any]]:
        return [held for name in names if (held := self.find(kind, name)) is not None]

    def _index(self) -> None:
        for kind in GRANT_KINDS:
            for grant in self.all(kind):
                spec: AgentSecretGrantSpec | AgentConfigGrantSpec = grant.spec
                target = spec.secret_ref if isinstance(spec, AgentSecretGrantSpec) else spec.config_map_ref
                if target.namespace in (None, self.namespace):
                    self._grants[kind, target.name].append(grant.name)
                    self._grants_by_subject[kind, spec.subject.kind, spec.subject.name].append(grant.name)
        for binding in self.all("AgentRoleBinding"):
            subject = binding.spec.subject
            self._bindings[subject.kind, subject.name].append(binding.name)
            if subject.service_account_ref is not None:
                self._bindings["service-account", subject.service_account_ref].append(binding.name)
        for account in self.all("AgentServiceAccount"):
            if account.spec.owner is not None and account.spec.owner.kind == "RunnerPool":
                self._runners[account.spec.owner.name].append(account.name)
        for source in self.all("AgentMemorySource"):
            self._sources[source.spec.repository_ref].append(source.name)


def _by_identity(objects: Iterable[Object]) -> dict[tuple[str, str, str], Object]:
    found: dict[tuple[str, str, str], Object] = {}
    for value in objects:
        metadata, spec = _map(value.get("metadata")), _map(value.get("spec"))
        kind, name, organization = value.get("kind"), metadata.get("name"), spec.get("organizationRef", "")
        if isinstance(kind, str) and isinstance(name, str) and isinstance(organization, str):
            identity = organization, kind, name
            known = found.get(identity)
            # Two of one name is a mistake, which must not make the order count.
            found[identity] = value if known is None else max(known, value, key=_text_of)
    return found


def _text_of(value: Object) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _names_by_kind(objects: Iterable[tuple[str, str, str]], organization: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for owner, kind, name in sorted(objects):
        if owner == organization:
            found[kind].append(name)
    return found


def _hold(identity: tuple[str, str, str], value: Object) -> Held[Any] | None:
    organization, kind, name = identity
    model = MODELS.get(kind)
    if model is None or model.spec is None:
        return None
    try:
        spec = msgspec.convert(value.get("spec"), model.spec)
    except msgspec.ValidationError:
        return None
    metadata = _map(value.get("metadata"))
    generation = metadata.get("generation")
    count = generation if isinstance(generation, int) else 0
    return Held(kind, name, organization, spec, count, _map(metadata.get("labels")), _map(value.get("status")))


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
