"""Step 7: the roles that a stack has, and whether the cluster and its guards agree."""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec

from krate_gitops.resources.kinds.identity import AgentRoleBindingSpec, ResourceRule
from krate_gitops.resources.permissions.access import (
    RBAC_GROUP,
    AccessQuestion,
    account_user,
    questions_of,
    verdict,
)
from krate_gitops.resources.permissions.expand import Expanded
from krate_gitops.resources.permissions.ledger import Drifted, Ledger, shown
from krate_gitops.resources.permissions.reasons import Owner
from krate_gitops.resources.permissions.role_templates import READING_VERBS, TEMPLATE_RULES, UNPRIVILEGED
from krate_gitops.resources.permissions.state import Held, ReviewState

RoleResult = Literal["allowed", "missing-role-binding", "denied", "unavailable", "drifted", "escalation-denied"]
_CODES: dict[RoleResult, str] = {
    "denied": "RoleDenied",
    "unavailable": "AccessReviewUnavailable",
    "drifted": "RoleBindingDrifted",
    "escalation-denied": "EscalationDenied",
}
_SAYS: dict[RoleResult, str] = {
    "denied": "the cluster refuses what {} should give",
    "unavailable": "the access review gave no answer about {}",
    "drifted": "the native binding of {} is not as it was written",
    "escalation-denied": "{} gives more than may be bound",
}


class RequiredRole(msgspec.Struct, frozen=True, rename="camel", order=True):
    """A role, the binding that gives it (empty for none), and what became of it. An empty role is any."""

    role: str
    owner: Owner
    result: RoleResult
    binding: str = ""


class Judged(NamedTuple):
    """A binding in scope, and whether it holds."""

    binding: Held[AgentRoleBindingSpec]
    result: RoleResult


def judge_roles(ledger: Ledger, expanded: Expanded) -> list[RequiredRole]:
    """What became of every required role; reasons go to the ledger."""
    stack = expanded.stack
    account = expanded.account
    bindings = [one for one in ledger.state.bindings_of(stack.name, account) if _is_in_scope(ledger, one.spec)]
    judged = [Judged(one, _judge(ledger, one, account)) for one in bindings]
    roles = _required(expanded)
    found = [_role(ledger, judged, role, owner, field) for role, owner, field in roles]
    pinned = _pinned(ledger, expanded, judged)
    found += pinned
    needed = {one.binding for one in found if one.binding}
    if not roles and not pinned:
        found += [_any(stack.owner, one) for one in judged] or [_none(ledger, stack.owner)]
        needed = {one.binding.name for one in judged}
    for one in judged:
        _tell(ledger, one, required=one.binding.name in needed)
    return sorted(found)


def judge_account(ledger: Ledger, account: str, owner: Owner, field: str) -> None:
    """Bindings of an account that isn't the stack's own: there has to be one, and all of them hold."""
    bindings = [one for one in ledger.state.bindings_of("", account) if _is_in_scope(ledger, one.spec)]
    if not bindings:
        ledger.say("MissingRoleBinding", owner, f"no AgentRoleBinding names {shown(account)}", field)
    for binding in bindings:
        _tell(ledger, Judged(binding, _judge(ledger, binding, account)), required=True)


def binding_rules(state: ReviewState, spec: AgentRoleBindingSpec) -> tuple[ResourceRule, ...] | None:
    """What a binding gives: its own rules and those of its role; None where the role's can't be known."""
    if spec.role_ref.kind == "RoleTemplate":
        rules = TEMPLATE_RULES.get(spec.role_ref.name)
        return None if rules is None else (*rules, *spec.resource_rules)
    native = state.natives.find(spec.role_ref.kind, spec.role_ref.name)
    if native is not None:
        return (*native.rules, *spec.resource_rules)
    return spec.resource_rules or None


def escalation_questions(
    state: ReviewState, spec: AgentRoleBindingSpec, user: str
) -> tuple[AccessQuestion, list[AccessQuestion] | None]:
    """What must be allowed for ``user`` to give the role: to bind it, or everything that is in it.

    A template is bound as a ClusterRole of its name. The second is None where that can't be known, so that only the
    first counts.
    """
    resource = "roles" if spec.role_ref.kind == "Role" else "clusterroles"
    bind = AccessQuestion(user, "bind", RBAC_GROUP, resource, "", state.namespace, spec.role_ref.name)
    rules = binding_rules(state, spec)
    return bind, None if rules is None else questions_of(rules, user, state.namespace)


def is_privileged(state: ReviewState, spec: AgentRoleBindingSpec) -> bool:
    """Whether a binding gives more than reading, or what it gives can't be known."""
    if spec.role_ref.kind == "RoleTemplate" and spec.role_ref.name in UNPRIVILEGED:
        rules: tuple[ResourceRule, ...] | None = spec.resource_rules
    else:
        rules = binding_rules(state, spec)
    return rules is None or any(verb not in READING_VERBS for rule in rules for verb in rule.verbs)


def _required(expanded: Expanded) -> list[tuple[str, Owner, str]]:
    profile = expanded.profile
    if profile is None:
        return []
    return [(role, profile.owner, "spec.requiredRoles") for role in dict.fromkeys(profile.spec.required_roles)]


def _is_in_scope(ledger: Ledger, spec: AgentRoleBindingSpec) -> bool:
    scope, state = spec.scope, ledger.state
    if scope.kind == "repository":
        return not ledger.repository or scope.name == ledger.repository
    if scope.kind == "namespace":
        return scope.name == state.namespace
    return (
        scope.name == state.organization if scope.kind == "organization" else state.policy.allow_cluster_role_bindings
    )


def _judge(ledger: Ledger, binding: Held[AgentRoleBindingSpec], account: str) -> RoleResult:
    ledger.use(binding)
    if _is_drifted(ledger, binding):
        return "drifted"
    escalation = _escalates(ledger, binding)
    if escalation is not None and escalation:
        return "escalation-denied"
    held = _holds(ledger, binding, account)
    if held is False:
        return "denied"
    return "unavailable" if held is None or escalation is None else "allowed"


def _is_drifted(ledger: Ledger, binding: Held[AgentRoleBindingSpec]) -> bool:
    names = {binding.spec.native_role_binding_name or binding.name, binding.name}
    native = [ledger.state.natives.find(kind, name) for kind in ("RoleBinding", "ClusterRoleBinding") for name in names]
    if any(one is not None and one.drifted for one in native):
        return True
    return binding.condition("NativeBindingDrifted")[0] == "True"


def _escalates(ledger: Ledger, binding: Held[AgentRoleBindingSpec]) -> bool | None:
    """Whether a binding gives more than may be given; None for no answer."""
    if binding.condition("EscalationAdmitted")[0] == "False":
        return True
    user = ledger.state.policy.applier
    if not user or not ledger.state.natives.known:
        return False
    bind, each = escalation_questions(ledger.state, binding.spec, user)
    # All are asked, whatever the first says: answers are collected before they are known.
    may_bind = ledger.ask(bind)
    has_all = False if each is None else verdict([ledger.ask(one) for one in each])
    if may_bind or has_all:
        return False
    return None if may_bind is None or has_all is None else True


def _holds(ledger: Ledger, binding: Held[AgentRoleBindingSpec], account: str) -> bool | None:
    """Whether the cluster gives the runtime account what a binding says."""
    state = ledger.state
    role = binding.spec.role_ref
    if role.kind == "RoleTemplate" and role.name not in TEMPLATE_RULES:
        return False
    if not state.natives.known:
        return True
    if role.kind != "RoleTemplate" and ledger.target(role.kind, role.name) is None and not binding.spec.resource_rules:
        return False
    if state.converged:
        return True
    holder = state.find("AgentServiceAccount", account)
    rules = binding_rules(state, binding.spec)
    if holder is None or rules is None:
        return True  # a missing account is told as such
    asked = questions_of(rules, account_user(state.namespace, holder.spec.service_account_name), state.namespace)
    return False if asked is None else verdict([ledger.ask(one) for one in asked])


def _role(ledger: Ledger, judged: list[Judged], role: str, owner: Owner, field: str) -> RequiredRole:
    giving = [one for one in judged if one.binding.spec.role_ref.name == role]
    best = next((one for one in giving if one.result == "allowed"), giving[0] if giving else None)
    if best is None:
        ledger.say("MissingRoleBinding", owner, f"role {shown(role)} is not bound to the stack or its account", field)
        return RequiredRole(role, owner, "missing-role-binding")
    return RequiredRole(role, owner, best.result, best.binding.name)


def _pinned(ledger: Ledger, expanded: Expanded, judged: list[Judged]) -> list[RequiredRole]:
    owner, found = expanded.stack.owner, []
    by_name = {one.binding.name: one for one in judged}
    for name in dict.fromkeys(expanded.stack.spec.permission_refs.role_bindings):
        own = ledger.state.own_name(name)
        one = by_name.get(own)
        if one is None:
            message = f"AgentRoleBinding {shown(own)} is not there, or not for the stack or its account here"
            ledger.say("MissingRoleBinding", owner, message, "spec.permissionRefs.roleBindings")
            found.append(RequiredRole("", owner, "missing-role-binding"))
        else:
            found.append(RequiredRole(one.binding.spec.role_ref.name, owner, one.result, own))
    return found


def _any(owner: Owner, one: Judged) -> RequiredRole:
    return RequiredRole(one.binding.spec.role_ref.name, owner, one.result, one.binding.name)


def _none(ledger: Ledger, owner: Owner) -> RequiredRole:
    message = "no AgentRoleBinding names the stack or its account"
    ledger.say("MissingRoleBinding", owner, message, "spec.runtimeIdentity.serviceAccountRef")
    return RequiredRole("", owner, "missing-role-binding")


def _tell(ledger: Ledger, one: Judged, *, required: bool) -> None:
    if one.result == "drifted":
        ledger.drifted.add(Drifted(one.binding.kind, one.binding.name))
    if one.result in _CODES:
        message = _SAYS[one.result].format(f"AgentRoleBinding {one.binding.name}")
        ledger.say(_CODES[one.result], one.binding.owner, message, "spec.roleRef", blocking=required)
