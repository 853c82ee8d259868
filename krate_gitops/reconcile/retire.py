"""The end of a source: what it owns is let go or removed, and only then the source may go."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import msgspec

from krate_gitops.brain.timestamps import epoch_seconds, normalise_timestamp
from krate_gitops.cluster.client.api import Api
from krate_gitops.cluster.client.failures import ApiError, ForbiddenError, NotFoundError, TransientError
from krate_gitops.cluster.inventory import Inventory, read_inventory
from krate_gitops.reconcile.audit import timestamp
from krate_gitops.reconcile.conditions import Transition, Verdict, merged
from krate_gitops.reconcile.keeping import STATUS_MANAGER, Keeper
from krate_gitops.reconcile.live import observe, served_types
from krate_gitops.reconcile.opening import source_kind
from krate_gitops.reconcile.ownership import MARKS, uid_of
from krate_gitops.reconcile.plan import Op, Step
from krate_gitops.reconcile.prune import guard, left_over, prune_one
from krate_gitops.reconcile.source import APPROVE_PLAN, Source
from krate_gitops.reconcile.stop import Stop
from krate_gitops.reconcile.tools import Tools, identity_of
from krate_gitops.resources.kinds.common import GROUP
from krate_gitops.resources.object_id import ObjectId

FINALIZER = f"{GROUP}/gitops-source"
APPROVED = "delete-all"
"""Value of the approval that releases the guard of a source that is deleted: there is no plan that could be named."""

_PATIENCE = timedelta(minutes=15)
"""After so long a deletion that waits is told of."""
_NAMED = 10


class Retired(msgspec.Struct):
    """What became of the objects of a deleted source. ``held`` are those that keep it from going, and why."""

    released: list[ObjectId] = msgspec.field(default_factory=list)
    deleted: list[ObjectId] = msgspec.field(default_factory=list)
    held: dict[ObjectId, str] = msgspec.field(default_factory=dict)


async def add_finalizer(api: Api, source: Source) -> None:
    """Makes sure that the source can't go before its objects are seen to."""
    metadata = source.value.get("metadata") or {}
    present = list(metadata.get("finalizers") or ())
    if FINALIZER not in present:
        patch = {"metadata": {"uid": source.uid, "resourceVersion": source.resource_version,
                              "finalizers": [*present, FINALIZER]}}  # fmt: skip
        await api.merge_patch(await source_kind(api), source.name, source.namespace, patch, manager=STATUS_MANAGER)


async def retire(tools: Tools, source: Source) -> Retired:
    """Carries out the deletion policy of a source that is being deleted, and lets it go when nothing is held.

    ``Orphan`` takes our marks off and leaves the objects; ``Delete`` prunes them under the guard. Where the account of
    the source is gone already, its objects are let go as they are: nobody is left who could touch them.
    """
    inventory = read_inventory(source.status)
    keeper = Keeper(tools.api, source, await source_kind(tools.api))
    try:
        done = await (_delete(tools, source, inventory) if source.spec.deletion_policy == "Delete" else
                      _orphan(tools, source, inventory))  # fmt: skip
    except Stop as stop:
        await _tell_stop(tools, keeper, source, stop)
        raise
    now = timestamp(tools.now())
    if done.held:
        if _is_overdue(source, now=tools.now()):
            named = _named({f"{one.short}: {why}" for one, why in done.held.items()})
            waits = Verdict("Pruned", False, "DeletionBlocked", f"the deletion of the source waits for {named}")
            await _tell(keeper, source, waits, now=now)
        return done
    if done.released:
        # Told before the source goes: an event about what is gone already could not name its uid.
        named = _named({one.short for one in done.released})
        what = f"{len(done.released)} objects are not of this source any more and stay: {named}"
        await keeper.events([Transition("Released", "True", "ObjectsReleased", what)], now=now)
    await _let_go(tools.api, source)
    return done


async def _tell_stop(tools: Tools, keeper: Keeper, source: Source, stop: Stop) -> None:
    verdict = Verdict(stop.condition, False, stop.reason, f"{stop.code}: {stop.message}")
    await _tell(keeper, source, verdict, now=timestamp(tools.now()))


async def _tell(keeper: Keeper, source: Source, verdict: Verdict, *, now: str) -> None:
    """Stores a condition, and tells of it when it is new."""
    known = source.status.get("conditions") or ()
    conditions, changed = merged(known, [verdict], generation=source.generation, now=now)
    await keeper.write({"phase": "Blocked", "conditions": conditions})
    await keeper.events(changed, now=now)


def _is_overdue(source: Source, *, now: datetime) -> bool:
    since = normalise_timestamp(str((source.value.get("metadata") or {}).get("deletionTimestamp") or ""))
    return since is not None and now.timestamp() - epoch_seconds(since) > _PATIENCE.total_seconds()


def _named(names: Collection[str]) -> str:
    told = ", ".join(sorted(names)[:_NAMED])
    return told if len(names) <= _NAMED else f"{told} and {len(names) - _NAMED} more"


async def _orphan(tools: Tools, source: Source, inventory: Inventory) -> Retired:
    done = Retired()
    api, steps = await _owned(tools, source, inventory, done)
    await asyncio.gather(*(_unmark(api, step, done) for step in steps))
    return done


async def _delete(tools: Tools, source: Source, inventory: Inventory) -> Retired:
    done = Retired()
    api, steps = await _owned(tools, source, inventory, done)
    if steps and source.annotations.get(APPROVE_PLAN) != APPROVED and (why := guard(source, steps, inventory)):
        raise Stop(
            "Pruned", "PruneGuard", "KR730", f"the source is deleted with everything it owns: {why}",
            hint=f"annotate it with {APPROVE_PLAN}={APPROVED}, or set spec.deletionPolicy to Orphan",
            location=str(source),
        )  # fmt: skip
    for step in sorted(steps, key=lambda one: (-one.wave, one.id)):
        if step.op is Op.HOLD:
            done.held[step.id] = step.reason
            continue
        if step.op is not Op.PRUNE:
            await _unmark(api, step, done)
            continue
        try:
            result = await prune_one(api, step, source)
        except ForbiddenError:
            done.released.append(step.id)
            continue
        if result.gone:
            done.deleted.append(step.id)
        else:
            done.held[step.id] = result.message
    return done


async def _owned(tools: Tools, source: Source, inventory: Inventory, done: Retired) -> tuple[Api, Sequence[Step]]:
    """What is still there and ours, seen by the source's account; without its rights everything is let go."""
    api = tools.api.impersonating(identity_of(source))
    types = await served_types(tools.api, {(one.group, one.kind) for one in inventory})
    try:
        live = await observe(api, types, inventory, source)
    except ForbiddenError:
        done.released.extend(inventory)
        return api, ()
    # A source that is deleted with everything prunes whatever its own policy says.
    automated = msgspec.structs.replace(source.spec.sync_policy.automated, prune=True)
    policy = msgspec.structs.replace(source.spec.sync_policy, automated=automated)
    willing = msgspec.structs.replace(source, spec=msgspec.structs.replace(source.spec, sync_policy=policy))
    left = left_over(willing, (), live, inventory, types)
    done.released.extend(left.gone)
    return api, left.steps


async def _unmark(api: Api, step: Step, done: Retired) -> None:
    """Takes the marks of ownership off an object, if it is still the one we know."""
    live = step.live or {}
    metadata = live.get("metadata") or {}
    patch = {
        "metadata": {
            "uid": uid_of(live),
            "labels": {key: None for key in MARKS if key in (metadata.get("labels") or {})},
            "annotations": {key: None for key in MARKS if key in (metadata.get("annotations") or {})},
        }
    }
    try:
        await api.merge_patch(step.served, step.id.name, step.id.namespace, patch, manager=STATUS_MANAGER)
    except (ForbiddenError, NotFoundError):
        pass
    except TransientError:
        raise
    except ApiError as error:
        done.held[step.id] = error.message
        return
    done.released.append(step.id)


async def _let_go(api: Api, source: Source) -> None:
    metadata = source.value.get("metadata") or {}
    kept = [one for one in metadata.get("finalizers") or () if one != FINALIZER]
    patch = {"metadata": {"uid": source.uid, "finalizers": kept}}
    kind = await source_kind(api)
    try:
        await api.merge_patch(kind, source.name, source.namespace, patch, manager=STATUS_MANAGER)
    except NotFoundError:
        return
