"""Conditions of a stack, computed from the structured reasons of its review and never from messages."""

from __future__ import annotations

from typing import Literal

import msgspec

from krate_gitops.resources.permissions.access import AccessQuestion
from krate_gitops.resources.permissions.ledger import Ledger
from krate_gitops.resources.permissions.reasons import CONDITIONS, REASONS, Reason, condition_of, order_of
from krate_gitops.resources.permissions.request import ReviewRequest
from krate_gitops.resources.permissions.review import evaluate
from krate_gitops.resources.permissions.state import ReviewState

PERMISSION_CONDITIONS = ("RuntimeIdentityReady", "RolesAdmitted", "SecretsAdmitted", "ConfigAdmitted", "PolicyAdmitted")
_HEALTH_REASONS = ("AdapterUnavailable", "StaleCapabilities", "ProbeFailed")
"""Reasons that don't deny a dispatch and still keep a stack from being ready."""
_LONGEST = 1024
_MOST_TOLD = 5


class Condition(msgspec.Struct, frozen=True, rename="camel"):
    """One condition; its times and generation are the writer's, who alone knows them."""

    type: str
    status: Literal["True", "False", "Unknown"]
    reason: str
    message: str = ""


class Readiness(msgspec.Struct, frozen=True, rename="camel"):
    """Whether a stack may be dispatched at all, with every condition, ``Ready`` last."""

    stack: str
    ready: bool
    conditions: tuple[Condition, ...]
    decision: str
    digest: str
    """Digest of the review behind it."""


def readiness(stack: str, state: ReviewState) -> Readiness:
    """Conditions of the stack of a name, for no particular repository, ref or actor; deterministic as the review."""
    request = readiness_request(stack, state)
    ledger = Ledger(request, state)
    found = evaluate(ledger, stop_at_deny=False)
    conditions = conditions_of(found.reasons, state)
    return Readiness(stack, conditions[-1].status == "True", conditions, found.decision, found.digest)


def readiness_access(stack: str, state: ReviewState) -> frozenset[AccessQuestion]:
    """What ``readiness`` will want answered of the native access review."""
    ledger = Ledger(readiness_request(stack, state), state)
    evaluate(ledger, stop_at_deny=False)
    return frozenset(ledger.questions)


def readiness_request(stack: str, state: ReviewState) -> ReviewRequest:
    """The request that readiness is about."""
    return ReviewRequest(organization_ref=state.organization, agent_stack=stack)


def conditions_of(reasons: tuple[Reason, ...], state: ReviewState) -> tuple[Condition, ...]:
    """All conditions of a stack from the reasons of its review, ``Ready`` last."""
    grouped: dict[str, list[Reason]] = {}
    for reason in sorted(reasons, key=order_of):
        if reason.blocking or reason.code in _HEALTH_REASONS:
            grouped.setdefault(condition_of(reason), []).append(reason)
    found = [_condition(kind, grouped.get(kind, []), state) for kind in CONDITIONS]
    failing = [one for one in found if one.status != "True"]
    return (*found, _ready(failing))


def _condition(kind: str, reasons: list[Reason], state: ReviewState) -> Condition:
    if not reasons:
        if kind == "CapabilitiesResolved":
            return Condition(kind, "True", _resolved(state))
        return Condition(kind, "True", kind)
    first = REASONS[reasons[0].code].condition_reason
    told = "; ".join(f"{one.owner.kind} {one.owner.name}: {one.message}" for one in reasons[:_MOST_TOLD])
    more = f"; {len(reasons) - _MOST_TOLD} more" if len(reasons) > _MOST_TOLD else ""
    is_unknown = all(one.code == "AccessReviewUnavailable" for one in reasons)
    return Condition(kind, "Unknown" if is_unknown else "False", first, f"{told}{more}"[:_LONGEST])


def _resolved(state: ReviewState) -> str:
    """Why capabilities count as resolved, when nobody could be asked."""
    return {"not-configured": "AdapterNotProbed", "down": "AdapterCached"}.get(
        state.policy.gateway, "CapabilitiesResolved"
    )


def _ready(failing: list[Condition]) -> Condition:
    if not failing:
        return Condition("Ready", "True", "Ready")
    is_permission = any(one.type in PERMISSION_CONDITIONS for one in failing)
    reason = "PermissionRequirementsBlocked" if is_permission else "DependenciesNotReady"
    message = ", ".join(f"{one.type}={one.status}/{one.reason}" for one in failing)
    return Condition("Ready", "False", reason, message[:_LONGEST])
