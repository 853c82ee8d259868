"""Nobody grants by a commit what the identity that applies it could not grant itself.

The server checks that for native roles. Here the same is asked for our own kinds: the identity must hold the verb
``bind`` on what is granted, or, where a binding spells out its rules, have each of them itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from itertools import product
from typing import NamedTuple

from krate_gitops.cluster.client.api import Api
from krate_gitops.cluster.client.reviews import ResourceAttributes
from krate_gitops.errors import KrateError
from krate_gitops.reconcile.access import unavailable
from krate_gitops.reconcile.classify import PRIVILEGED
from krate_gitops.reconcile.plan import Step
from krate_gitops.reconcile.privileges import privilege_increases

_RBAC = "rbac.authorization.k8s.io"


class Bind(NamedTuple):
    """The right to grant something by name: ``bind`` on a resource."""

    group: str
    resource: str
    name: str
    namespace: str


def mark_increases(steps: Iterable[Step]) -> None:
    """Notes on each step that writes which fields give more rights than there are."""
    for step in steps:
        if step.is_write and step.desired is not None:
            step.increases = privilege_increases(step.id.kind, step.live, step.desired.value)


async def review_escalation(api: Api, steps: Iterable[Step], *, who: str) -> list[Step]:
    """Holds what would grant more than the identity may (KR313), and gives those steps.

    Raises ``Stop(KR741)`` when the review can't be had.
    """
    checked = [step for step in steps if step.is_write and needs_check(step)]
    try:
        verdicts = await asyncio.gather(*(_may_grant(api, step) for step in checked))
    except KrateError as error:
        raise unavailable(error) from None
    denied = []
    for step, missing in zip(checked, verdicts, strict=True):
        if missing:
            step.hold("KR313", f"{who} may not grant this: {missing}")
            denied.append(step)
    return denied


def needs_check(step: Step) -> bool:
    """Whether an object grants more than before."""
    if step.id.kind == "AgentStack":
        return any(field.startswith("spec.secretPolicy") for field in step.increases)
    return bool(step.increases) and step.id.kind in PRIVILEGED


async def _may_grant(api: Api, step: Step) -> str:
    """Empty where the identity may grant it, else what it lacks."""
    bind = bind_of(step)
    if bind is None:
        return ""
    if not await api.can_i("bind", bind.group, bind.resource, namespace=bind.namespace, name=bind.name):
        return f"bind on {bind.resource}/{bind.name}"
    wanted = list(_granted(step))
    if not wanted or await api.can_i("escalate", _RBAC, "roles", namespace=step.id.namespace):
        return ""
    own = await api.rules(step.id.namespace)
    for one in wanted:
        if not own.allows(one):
            name = f"/{one.name}" if one.name else ""
            return f"{one.verb} on {one.resource}{name}, which it lacks itself"
    return ""


def bind_of(step: Step) -> Bind | None:
    """What must be bound: the role of a role binding, and the object itself of other kinds."""
    if step.desired is None or step.type is None:
        return None
    if step.id.kind != "AgentRoleBinding":
        return Bind(step.type.group, step.type.plural, step.id.name, step.id.namespace)
    role = step.desired.value["spec"]["roleRef"]
    if role["kind"] == "Role":
        return Bind(_RBAC, "roles", role["name"], step.id.namespace)
    # A template stands for a ClusterRole of its name.
    return Bind(_RBAC, "clusterroles", role["name"], step.id.namespace)


def _granted(step: Step) -> Iterator[ResourceAttributes]:
    """Each right that a role binding spells out itself."""
    for rule in step.wanted.value["spec"].get("resourceRules") or () if step.id.kind == "AgentRoleBinding" else ():
        parts = (rule.get("verbs"), rule.get("apiGroups"), rule.get("resources"), rule.get("resourceNames"))
        for verb, group, resource, name in product(*(part or ("",) for part in parts)):
            plural, _, subresource = resource.partition("/")
            yield ResourceAttributes(verb, group, plural, step.id.namespace, name, subresource)
