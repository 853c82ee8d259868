"""The permission review: one pure function of a request and a state.

It reads no cluster, no clock and no secret value. What it wants to know of the cluster's access rules it says
beforehand (``required_access``); the caller asks that at once and hands the answers in with the state.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from krate_gitops.resources.kinds.stack import AgentStackSpec
from krate_gitops.resources.permissions.access import AccessQuestion
from krate_gitops.resources.permissions.capabilities import judge_capabilities
from krate_gitops.resources.permissions.expand import Capabilities, expand, stack_owner
from krate_gitops.resources.permissions.grants import judge
from krate_gitops.resources.permissions.identity import Identity, judge_overrides, judge_runner, judge_runtime
from krate_gitops.resources.permissions.ledger import Ledger, shown
from krate_gitops.resources.permissions.needs import needs_of
from krate_gitops.resources.permissions.organization import check_references, check_request
from krate_gitops.resources.permissions.preview import preview_of
from krate_gitops.resources.permissions.reasons import order_of
from krate_gitops.resources.permissions.request import ReviewRequest
from krate_gitops.resources.permissions.result import Decision, Review, UntrustedWarning, digest_of
from krate_gitops.resources.permissions.roles import judge_roles
from krate_gitops.resources.permissions.state import Held, ReviewState
from krate_gitops.resources.permissions.workspace import judge_workspace

APPROVAL_MODES = ("prompt", "deny", "yolo")
_UNTRUSTED_CODES = ("UntrustedRunnerRequired", "UntrustedRefDenied", "UntrustedSource", "UntrustedGrant")


def review(request: ReviewRequest, state: ReviewState) -> Review:
    """The review of a request. Equal requests and states give equal reviews, in every order of their objects."""
    return evaluate(Ledger(request, state), stop_at_deny=True)


def required_access(request: ReviewRequest, state: ReviewState) -> frozenset[AccessQuestion]:
    """Every question that ``review`` will want answered, none of it asked twice; the state needs no answers yet."""
    ledger = Ledger(request, state)
    evaluate(ledger, stop_at_deny=True)
    return frozenset(ledger.questions)


def evaluate(ledger: Ledger, *, stop_at_deny: bool) -> Review:
    """Runs all steps. ``stop_at_deny`` ends at a stack that refuses every dispatch, as nothing else matters then."""
    request, state = ledger.request, ledger.state
    mode = _approval_mode(ledger)
    stack: Held[AgentStackSpec] | None = ledger.find("AgentStack", request.agent_stack)
    if stack is None or (stop_at_deny and mode == "deny"):
        if stack is None and not ledger.is_blocked:
            message = f"AgentStack {shown(request.agent_stack)} is not there"
            ledger.say("StackNotFound", stack_owner(request.agent_stack), message)
        return _finish(ledger, mode, Capabilities(), Identity(), Identity())
    if not state.natives.known:
        ledger.say(
            "ClusterNotConsulted", stack.owner, "no cluster was asked; accounts, roles and targets are unchecked"
        )
    if ledger.untrusted:
        ledger.say("UntrustedSource", stack.owner, "the code comes from strangers")
    check_request(ledger, stack)
    expanded = expand(ledger, stack)
    check_references(ledger, expanded)
    judge_capabilities(ledger, expanded)
    runtime, runner = judge_runtime(ledger, expanded), judge_runner(ledger, expanded)
    judge_overrides(ledger, expanded)
    roles = judge_roles(ledger, expanded)
    granted, missing = judge(ledger, expanded, needs_of(ledger, expanded))
    judge_workspace(ledger, expanded)
    if stack.spec.write_back_policy.require_approval and expanded.names.write_back_targets:
        ledger.approve("write-back", "write-back-policy", stack.owner, "what the agent writes back needs an approval")
    found = _finish(ledger, mode, expanded.names, runtime, runner)
    found = msgspec.structs.replace(
        found,
        required_roles=tuple(roles),
        required_secrets=tuple(one for need, one in granted if need.kind == "Secret"),
        required_configs=tuple(one for need, one in granted if need.kind == "ConfigMap"),
        missing_grants=tuple(missing),
        yaml_preview=tuple(preview_of(ledger, expanded, missing)),
    )
    return msgspec.structs.replace(found, digest=digest_of(found, ledger.generations, ledger.targets))


def _approval_mode(ledger: Ledger) -> str:
    """The approval mode as it is written, checked before anything else; empty where there is no stack."""
    name, owner = ledger.request.agent_stack, stack_owner(ledger.request.agent_stack)
    value = ledger.state.raw("AgentStack", name)
    if value is None:
        return ""
    spec: Any = value.get("spec")
    mode = spec.get("approvalMode", "prompt") if isinstance(spec, dict) else ""
    field = "spec.approvalMode"
    if mode not in APPROVAL_MODES:
        ledger.say("InvalidApprovalMode", owner, f"the approval mode is none of {', '.join(APPROVAL_MODES)}", field)
        return ""
    if mode == "deny":
        ledger.say("ApprovalModeDeny", owner, "the stack refuses every dispatch", field)
    elif mode not in ledger.state.policy.allowed_approval_modes:
        ledger.say("ForbiddenApprovalMode", owner, f"the organization does not allow {mode}", field)
    return str(mode)


def _finish(ledger: Ledger, mode: str, names: Capabilities, runtime: Identity, runner: Identity) -> Review:
    request = ledger.request
    reasons = tuple(sorted(ledger.reasons, key=order_of))
    warned = {UntrustedWarning(one.code, one.owner) for one in reasons if one.code in _UNTRUSTED_CODES}
    actor = msgspec.structs.replace(request.actor, groups=tuple(sorted(set(request.actor.groups))))
    found = Review(
        decision=_decision(ledger),
        organization_ref=request.organization_ref,
        actor=actor,
        repository=request.repository,
        ref=request.ref,
        agent_stack=request.agent_stack,
        task_kind=request.task_kind or _task_kind(ledger),
        approval_mode=mode,
        trust="untrusted" if ledger.untrusted else "trusted",
        capabilities=names,
        runtime_identity=runtime,
        runner_identity=runner,
        approval_requirements=tuple(sorted(ledger.approvals)),
        cross_org_denials=tuple(sorted(ledger.denials)),
        untrusted_warnings=tuple(sorted(warned)),
        drifted_native_objects=tuple(sorted(ledger.drifted)),
        reasons=reasons,
        reviewed_at=datetime.fromtimestamp(ledger.state.now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
    return msgspec.structs.replace(found, digest=digest_of(found, ledger.generations, ledger.targets))


def _decision(ledger: Ledger) -> Decision:
    if ledger.is_blocked:
        return "denied"
    return "requires-approval" if ledger.approvals else "allowed"


def _task_kind(ledger: Ledger) -> str:
    stack = ledger.state.find("AgentStack", ledger.request.agent_stack)
    return "" if stack is None else str(stack.spec.task_kind)
