"""From a rendered revision to a plan: what is there, what is to be done, and may it be done. Nothing is written."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from krate_gitops.cluster.client.api import Api
from krate_gitops.cluster.client.discovery import Discovery
from krate_gitops.cluster.client.kinds import ResourceType
from krate_gitops.cluster.client.parallel import in_parallel
from krate_gitops.cluster.fields import Foreign, foreign_fields
from krate_gitops.cluster.inventory import Inventory
from krate_gitops.errors import KrateError
from krate_gitops.git.local import Repository
from krate_gitops.reconcile.access import review_access
from krate_gitops.reconcile.classify import classify
from krate_gitops.reconcile.escalation import mark_increases, review_escalation
from krate_gitops.reconcile.live import observe, served_types
from krate_gitops.reconcile.plan import Op, Plan, Step, plan_of
from krate_gitops.reconcile.prune import Left, guard, hold_dependents, left_over
from krate_gitops.reconcile.render import Rendered, taken_over
from krate_gitops.reconcile.source import Source
from krate_gitops.reconcile.stop import Stop
from krate_gitops.reconcile.tools import Tools, identity_of
from krate_gitops.reconcile.write import Failure, try_out
from krate_gitops.resources.object_id import ObjectId

_USERS = ("AgentStack", "AgentTriggerRule")
"""Kinds whose living objects keep what they refer to from being pruned."""
_OWNERSHIP = frozenset({"KR313", "KR720", "KR722", "KR724"})
"""Holds that say that ownership or rights are not clear; nothing is pruned then."""


class Draft(msgspec.Struct, kw_only=True):
    """A plan with the steps it is made of, and what was seen on the way."""

    plan: Plan
    steps: list[Step]
    left: Left
    live: dict[ObjectId, dict[str, Any]]
    types: Mapping[tuple[str, str], ResourceType]
    guard: str
    """Why pruning waits for an approval; empty where it doesn't."""
    foreign: dict[ObjectId, list[Foreign]]
    denied: list[Step]

    @property
    def increases(self) -> list[Step]:
        """Steps that give more rights than there are."""
        return [step for step in self.steps if step.increases and step.is_write]


class DryRunFailed(Stop):
    """The server refuses objects of the plan; ``failures`` are all of them."""

    def __init__(self, failures: Sequence[Failure]) -> None:
        first = failures[0]
        more = f" (and {len(failures) - 1} more objects)" if len(failures) > 1 else ""
        place = first.step.desired.place if first.step.desired else ""
        super().__init__(
            "Applied", "ApplyFailed", first.code, f"{first.step.id.short}: {first.message}{more}",
            hint="correct the objects in Git; nothing was written", location=place,
        )  # fmt: skip
        self.failures = tuple(failures)


async def draft_plan(
    tools: Tools, source: Source, repository: Repository, commit: str, rendered: Rendered, inventory: Inventory
) -> Draft:
    """The plan of a pass. Raises ``Stop``: KR711, KR725 and KR741; and what the client raises."""
    api = tools.api.impersonating(identity_of(source))
    wanted = {one.id for one in rendered.objects}
    _refuse_emptiness(wanted, inventory, source)
    types = await served_types(tools.api, {(one.group, one.kind) for one in {*wanted, *inventory}})
    live = await observe(api, types, {*wanted, *inventory}, source)
    steps = classify(source, rendered.objects, live, inventory, types)
    _pause_fights(tools, steps)
    left = await _left(tools, api, source, repository, commit, wanted, live, inventory, types)
    denied = await _review(api, source, steps, left)
    await _dry_run(tools, api, source, steps)
    waiting = _guard(source, steps, left, inventory)
    steps += left.steps
    plan = plan_of(str(source), source.uid, commit, steps)
    foreign = {
        step.id: found
        for step in steps
        if step.desired and step.live and (found := foreign_fields(step.desired.value, step.live))
    }
    return Draft(
        plan=plan, steps=steps, left=left, live=live, types=types, guard=waiting, foreign=foreign, denied=denied
    )


def _refuse_emptiness(wanted: Collection[ObjectId], inventory: Inventory, source: Source) -> None:
    if not wanted and inventory and source.spec.sync_policy.automated.prune:
        raise Stop(
            "Pruned",
            "PruneGuard",
            "KR711",
            f"the revision holds no objects, while {len(inventory)} are in the cluster",
            hint="restore the files or the path; to remove everything, delete the source with deletionPolicy Delete",
            location=source.spec.source.path,
        )


def _pause_fights(tools: Tools, steps: Sequence[Step]) -> None:
    """Leaves alone for now what somebody keeps changing back."""
    waiting = tools.fights.waiting(now=tools.now())
    for step in steps:
        if step.is_drift and step.is_write and step.id in waiting:
            step.skip("somebody keeps changing it back, so it is corrected less often", "KR740")


async def _left(
    tools: Tools,
    api: Api,
    source: Source,
    repository: Repository,
    commit: str,
    wanted: Collection[ObjectId],
    live: Mapping[ObjectId, dict[str, Any]],
    inventory: Inventory,
    types: Mapping[tuple[str, str], ResourceType],
) -> Left:
    going = [one for one in inventory if one not in wanted]
    now: datetime = tools.now()
    released = await asyncio.to_thread(taken_over, repository, commit, source, going, now=now)
    organization = source.organization
    left = left_over(
        source, wanted, live, inventory, types,
        released=released, has_snapshots=lambda name: tools.has_snapshots(organization, name),
    )  # fmt: skip
    if pruned := [step for step in left.steps if step.op is Op.PRUNE]:
        discovery = await tools.api.discovery()
        namespaces = sorted({step.id.namespace for step in pruned if step.id.namespace})
        hold_dependents(left.steps, await _users(api, discovery, namespaces))
    return left


async def _users(api: Api, discovery: Discovery, namespaces: Sequence[str]) -> list[dict[str, Any]]:
    kinds = [kind for name in _USERS if (kind := discovery.find("krate.a5c.ai", name)) is not None]
    lists = await asyncio.gather(*(api.list(kind, place) for kind in kinds for place in namespaces))
    named = [kind for kind in kinds for _ in namespaces]
    return [{**item, "kind": kind.kind} for kind, found in zip(named, lists, strict=True) for item in found.items]


async def _review(api: Api, source: Source, steps: Sequence[Step], left: Left) -> list[Step]:
    who = identity_of(source).user
    mark_increases(steps)
    await review_access(api, [*steps, *left.steps], who=who)
    return await review_escalation(api, steps, who=who)


async def _dry_run(tools: Tools, api: Api, source: Source, steps: Sequence[Step]) -> None:
    """Tries everything that would be written, so that a fault shows before the first write, and all faults together."""
    due = [step for step in steps if step.is_write and not step.deferred]
    done = 0

    async def one(step: Step) -> Failure | None:
        nonlocal done
        failure = await try_out(api, step, source)
        done += 1
        tools.progress("dry run", done, len(due))
        return failure

    results = await in_parallel(due, one)
    if errors := [result for result in results if isinstance(result, KrateError)]:
        raise errors[0]
    if failures := [result for result in results if isinstance(result, Failure)]:
        raise DryRunFailed(failures)


def _guard(source: Source, steps: Sequence[Step], left: Left, inventory: Inventory) -> str:
    """Marks what is not pruned unasked, and says why."""
    unclear = [step for step in steps if _OWNERSHIP & set(step.codes) and step.op is Op.HOLD]
    pruned = [step for step in left.steps if step.op is Op.PRUNE]
    if unclear:
        for step in pruned:
            step.hold("KR730", f"{unclear[0].id.short} is held, so nothing is pruned")
        return ""
    waiting = guard(source, left.steps, inventory)
    for step in pruned if waiting else ():
        # The plan is the same with an approval and without: it is what the approval is bound to.
        step.codes = ("KR730",)
    return waiting
