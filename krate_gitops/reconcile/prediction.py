"""Will the stacks that a plan bears on be ready? Told from the plan laid over the cluster, before any write."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from krate_gitops.cluster.client.api import Api
from krate_gitops.cluster.client.discovery import Discovery
from krate_gitops.cluster.client.failures import ForbiddenError
from krate_gitops.cluster.client.reviews import ResourceAttributes
from krate_gitops.organization import namespace_of
from krate_gitops.reconcile.live import PAGE
from krate_gitops.reconcile.plan import Op, Step
from krate_gitops.reconcile.planning import Draft
from krate_gitops.reconcile.source import Source
from krate_gitops.reconcile.tools import Tools, identity_of
from krate_gitops.resources.kinds.common import GROUP
from krate_gitops.resources.kinds.inventory import MODELS, Author
from krate_gitops.resources.permissions.access import AccessQuestion, Answers
from krate_gitops.resources.permissions.natives import NativeObject, Natives, native_of
from krate_gitops.resources.permissions.overlay import overlay
from krate_gitops.resources.permissions.policy import ReviewPolicy
from krate_gitops.resources.permissions.reach import stacks_reached
from krate_gitops.resources.permissions.readiness import Readiness, readiness, readiness_access
from krate_gitops.resources.permissions.state import ReviewState

_NATIVES = (
    ("", "ServiceAccount"),
    ("", "Secret"),
    ("", "ConfigMap"),
    ("rbac.authorization.k8s.io", "Role"),
    ("rbac.authorization.k8s.io", "RoleBinding"),
    ("rbac.authorization.k8s.io", "ClusterRole"),
)
_BY_METADATA = ("Secret", "ConfigMap")
"""Kinds of which nothing but metadata is ever read here."""


async def predicted_readiness(tools: Tools, source: Source, draft: Draft) -> dict[str, Readiness]:
    """Readiness of each stack that a change of the plan may bear on, by name; empty where nothing changes.

    One list for each kind, and one question for each different right, however many needs a stack has. Plans of the
    platform are not predicted: their sources hold no stacks. Raises what the client raises.
    """
    changed = list(_changed(draft.steps))
    if not changed or source.is_platform:
        return {}
    api, discovery = tools.api, await tools.api.discovery()
    namespace = namespace_of(source.organization)
    if not await _has_stacks(api, discovery, namespace, draft.steps):
        return {}
    live = await _live(api, discovery, namespace)
    removed = [(step.id.kind, step.id.name) for step in draft.steps if step.op is Op.PRUNE]
    desired = [step.desired.value for step in draft.steps if step.desired is not None and step.op is not Op.HOLD]
    state = ReviewState.build(
        overlay(desired, live, removed),
        await _natives(api, discovery, source, namespace),
        organization=source.organization,
        namespace=namespace,
        now=int(tools.now().timestamp()),
        policy=ReviewPolicy(applier=identity_of(source).user),
        converged=True,
    )
    stacks = stacks_reached(state, changed)
    asked = {question for stack in stacks for question in readiness_access(stack, state)}
    state = state.with_access(await _answers(api, asked))
    return {stack: readiness(stack, state) for stack in stacks}


def _changed(steps: Iterable[Step]) -> Iterable[Mapping[str, Any]]:
    """Objects that change, as they are and as they will be."""
    for step in steps:
        if step.op in (Op.CREATE, Op.UPDATE, Op.PRUNE):
            if step.live is not None:
                yield step.live
            if step.desired is not None:
                yield step.desired.value


async def _has_stacks(api: Api, discovery: Discovery, namespace: str, steps: Iterable[Step]) -> bool:
    """Whether there is anything to predict; most changes are of organizations that have stacks."""
    if any(step.id.kind == "AgentStack" and step.desired is not None for step in steps):
        return True
    kind = discovery.find(GROUP, "AgentStack")
    return kind is not None and bool((await api.list(kind, namespace, metadata_only=True, page=PAGE)).items)


async def _live(api: Api, discovery: Discovery, namespace: str) -> list[dict[str, Any]]:
    """All objects of the organization of kinds that Git may hold."""
    names = [name for name, kind in MODELS.items() if kind.author is Author.GIT]
    served = [kind for name in names if (kind := discovery.find(GROUP, name)) is not None]
    lists = await asyncio.gather(*(api.list(kind, namespace, page=PAGE) for kind in served))
    return [
        {**item, "apiVersion": kind.api_version, "kind": kind.kind}
        for kind, found in zip(served, lists, strict=True)
        for item in found.items
    ]


async def _natives(api: Api, discovery: Discovery, source: Source, namespace: str) -> Natives:
    """What is there of native objects. Who may not look judges as if no cluster were asked.

    Where the source takes only stacks that will be ready, that isn't enough. Raises ``ForbiddenError`` then.
    """

    async def of_kind(group: str, name: str) -> list[NativeObject]:
        kind = discovery.find(group, name)
        if kind is None:
            return []
        place = namespace if kind.namespaced else ""
        listing = await api.list(kind, place, metadata_only=name in _BY_METADATA, page=PAGE)
        return [native_of(item, kind=name) for item in listing.items]

    try:
        parts = await asyncio.gather(*(of_kind(group, name) for group, name in _NATIVES))
    except ForbiddenError:
        if source.spec.validation.require_ready_stacks:
            raise
        return Natives(known=False)
    return Natives(one for part in parts for one in part)


async def _answers(api: Api, asked: Iterable[AccessQuestion]) -> Answers:
    """What the server says to each question; about paths that are no resources nothing is asked."""
    questions = sorted(one for one in asked if one.resource)

    async def one(question: AccessQuestion) -> bool:
        what = ResourceAttributes(
            question.verb, question.group, question.resource, question.namespace, question.name, question.subresource
        )
        if not question.user:
            return await api.can_i(
                what.verb, what.group, what.resource,
                namespace=what.namespace, name=what.name, subresource=what.subresource,
            )  # fmt: skip
        return await api.subject_can(question.user, question.groups, what)

    return dict(zip(questions, await asyncio.gather(*map(one, questions)), strict=True))
