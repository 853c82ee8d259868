"""Which stacks a change bears on, so that only they are reviewed again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from krate_gitops.resources.kinds.inventory import MODELS
from krate_gitops.resources.permissions.state import GRANT_KINDS, Object, ReviewState
from krate_gitops.resources.shapes import shape_of
from krate_gitops.resources.structure import references

Identity = tuple[str, str]
_SUBJECTS = {
    "agent-stack": "AgentStack",
    "service-account": "AgentServiceAccount",
    "tool": "AgentToolProfile",
    "skill": "AgentSkill",
    "mcp-server": "AgentMcpServer",
    "runner-pool": "RunnerPool",
}
_EVERYBODY = ("OrgSharingPolicy", "Organization", "OrgNamespaceBinding")
"""Kinds whose change may bear on any stack."""
_TAKEN_IN = ("AgentToolProfile", "AgentMcpServer", "AgentSkill", "AgentSubagent")
"""Kinds whose own references count as the stack's."""


def stacks_reached(state: ReviewState, changed: Iterable[Object]) -> list[str]:
    """Names of stacks whose review may differ for a change, sorted; rather one too many.

    ``changed`` are the objects that changed as they are and as they were, those that went and came, native ones too.
    """
    touched: set[Identity] = set()
    for value in changed:
        found = _touches(value)
        if found is None:
            return list(state.names("AgentStack"))
        touched |= found
    return [name for name in state.names("AgentStack") if touched & _hangs_on(state, name)]


def _touches(value: Object) -> set[Identity] | None:
    """What an object is, and whom it is for; None for everybody."""
    kind, spec = str(value.get("kind") or ""), _map(value.get("spec"))
    own = (kind, str(_map(value.get("metadata")).get("name") or ""))
    if kind in _EVERYBODY:
        return None
    if kind in (*GRANT_KINDS, "AgentRoleBinding"):
        subject = _map(spec.get("subject"))
        target = _SUBJECTS.get(str(subject.get("kind")))
        if target is None:
            return None  # a user, group or team may ask for any stack
        account = subject.get("serviceAccountRef")
        named = {("AgentServiceAccount", account)} if isinstance(account, str) else set()
        return {own, (target, str(subject.get("name"))), *named}
    if kind == "AgentMemorySource":
        return {own, ("AgentMemoryRepository", str(spec.get("repositoryRef")))}
    if kind == "AgentServiceAccount":
        owner = _map(spec.get("owner"))
        pool = {("RunnerPool", str(owner.get("name")))} if owner.get("kind") == "RunnerPool" else set()
        return {own, *pool}
    if kind == "AgentProviderConfig":
        return {own, ("AgentProviderConfig", str(spec.get("provider")))}
    return {own}


def _hangs_on(state: ReviewState, name: str) -> set[Identity]:
    """What the review of a stack looks at, whether it is there or not."""
    stack = state.raw("AgentStack", name)
    found: set[Identity] = {("AgentStack", name)}
    if stack is None:
        return found
    spec, policy = _map(stack.get("spec")), state.policy
    pool = str(spec.get("runnerPool") or policy.default_runner_pool)
    found |= {
        ("RunnerPool", pool),
        ("AgentServiceAccount", f"{policy.runner_account_prefix}{pool}"),
        ("AgentAdapter", str(spec.get("adapter"))),
        ("AgentProviderConfig", str(spec.get("provider"))),
        ("AgentWorkspacePolicy", policy.default_workspace_policy),
    }
    referred = _referred(state, "AgentStack", stack)
    inner = [(kind, one) for kind, name in referred if kind in _TAKEN_IN and (one := state.raw(kind, name)) is not None]
    for kind, value in inner:
        referred |= _referred(state, kind, value)
    found |= referred
    if (runner := state.runner_account(pool)) is not None:
        found.add(("AgentServiceAccount", runner.name))
    if policy.provider_secret:
        found.add(("Secret", policy.provider_secret))
    account = state.own_name(str(_map(spec.get("runtimeIdentity")).get("serviceAccountRef")))
    for binding in state.bindings_of(name, account):
        native = binding.spec.native_role_binding_name or binding.name
        found |= {("RoleBinding", native), ("ClusterRoleBinding", native)}
        found.add((binding.spec.role_ref.kind, binding.spec.role_ref.name))
    for kind in GRANT_KINDS:
        found |= {(kind, grant.name) for grant in state.grants_to(kind, "agent-stack", name)}
    return found | _natives(state, found)


def _natives(state: ReviewState, identities: set[Identity]) -> set[Identity]:
    """Native objects behind accounts, bindings and grants, and the keys that capabilities name."""
    found: set[Identity] = set()
    for kind, name in identities:
        spec = _map(_map(state.raw(kind, name)).get("spec"))
        if kind == "AgentServiceAccount":
            found.add(("ServiceAccount", str(spec.get("serviceAccountName"))))
        for field, native in _KEY_FIELDS:
            listed = spec.get(field)
            for one in listed if isinstance(listed, (list, tuple)) else (listed,):
                found |= {(target, str(_map(one).get("name"))) for target in native}
    return found


_KEY_FIELDS = (
    ("secretRef", ("Secret",)),
    ("configMapRef", ("ConfigMap",)),
    ("requiredSecretRefs", ("Secret",)),
    ("requiredConfigRefs", ("ConfigMap",)),
    ("secretRefs", ("Secret",)),
    ("configMapRefs", ("ConfigMap",)),
    ("envFrom", ("Secret", "ConfigMap")),
    ("headersFrom", ("Secret", "ConfigMap")),
)


def _referred(state: ReviewState, kind: str, value: Object) -> set[Identity]:
    model = MODELS[kind].spec
    if model is None:
        return set()
    return {
        (target, state.own_name(text)) for _, target, text in references(value.get("spec"), shape_of(model), "spec")
    }


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
