"""Removing what a revision no longer holds: only what is certainly ours, never by accident, and in reverse order."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from krate_gitops.cluster.client.api import Api
from krate_gitops.cluster.client.failures import ApiError, AuthError, NotServedError, ReplacedError, TransientError
from krate_gitops.cluster.inventory import Inventory, Item
from krate_gitops.reconcile.ownership import PRUNE, Owner, annotation, owner_of, uid_of
from krate_gitops.reconcile.plan import Op, Step
from krate_gitops.reconcile.source import Source
from krate_gitops.resources.kinds.inventory import MODELS
from krate_gitops.resources.object_id import ObjectId
from krate_gitops.resources.shapes import shape_of
from krate_gitops.resources.structure import references

NEVER = frozenset({"Organization", "Namespace", "OrgNamespaceBinding"})
"""Kinds whose end is a person's decision."""

HasSnapshots = Callable[[str], bool]
"""Whether there are snapshots of a memory repository, by its name."""
Released = Collection[ObjectId]
"""Objects that another source of the same commit takes over."""


class Left(NamedTuple):
    """What an inventory holds and the revision doesn't: steps to prune or keep, and what isn't ours any more, and why.

    The reason is empty for what just isn't there.
    """

    steps: list[Step]
    gone: dict[ObjectId, str]


def left_over(
    source: Source,
    wanted: Collection[ObjectId],
    live: Mapping[ObjectId, Mapping[str, Any]],
    inventory: Inventory,
    types: Mapping[tuple[str, str], Any],
    *,
    released: Released = (),
    has_snapshots: HasSnapshots = lambda _: False,
) -> Left:
    """What becomes of each object that was applied and isn't wanted any more."""
    steps: list[Step] = []
    gone: dict[ObjectId, str] = {}
    same = {uid_of(live[one]) for one in wanted if one in live}
    for identity, item in inventory.items():
        if identity in wanted:
            continue
        found = live.get(identity)
        # One object may be served under two groups; it isn't left over while it is wanted under one of them.
        if found is None or (identity.group, identity.kind) not in types or uid_of(found) in same:
            gone[identity] = ""
            continue
        step = Step(id=identity, wave=item.wave, live=found, item=item, type=types[identity.group, identity.kind])
        step.op, step.reason = Op.PRUNE, "Git no longer has it"
        if why := _let_go(step, source, found, item, released):
            gone[identity] = why
            continue
        _keep(step, source, found, has_snapshots)
        steps.append(step)
    return Left(steps, gone)


def _let_go(step: Step, source: Source, live: Mapping[str, Any], item: Item, released: Released) -> str:
    """Why an object isn't ours any more: taken over, taken away, or another one of its name. Empty where it is."""
    if step.id in released:
        return "another source of this commit takes it over"
    if item.uid and item.uid != uid_of(live):
        return "it was replaced by hand, and the new one is not ours"
    if owner_of(live, source, item) is not Owner.US:
        return "it belongs to somebody else now"
    return ""


def _keep(step: Step, source: Source, live: Mapping[str, Any], has_snapshots: HasSnapshots) -> None:
    """Keeps what must not be pruned, or not now."""
    since = (live.get("metadata") or {}).get("deletionTimestamp")
    if since:
        step.skip(f"it is terminating since {since}")
    elif annotation(live, PRUNE) == "disabled":
        step.skip("prune is switched off for it", "KR732")
    elif step.id.kind in NEVER:
        step.skip(f"a {step.id.kind} is never pruned; remove it by hand")
    elif step.id.kind == "AgentMemoryRepository" and has_snapshots(step.id.name):
        step.skip("there are snapshots of it; disable it instead")
    elif not source.spec.sync_policy.automated.prune:
        step.skip("pruning is switched off for this source")


def hold_dependents(steps: Sequence[Step], users: Iterable[Mapping[str, Any]]) -> None:
    """Keeps what living objects still use (KR731). ``users`` are the stacks and trigger rules of the namespace."""
    going = {step.id: step for step in steps if step.op is Op.PRUNE}
    for user in users:
        metadata = user.get("metadata") or {}
        kind, namespace, name = user.get("kind", ""), metadata.get("namespace", ""), metadata.get("name", "")
        if not _is_in_use(user) or any((one.kind, one.namespace, one.name) == (kind, namespace, name) for one in going):
            continue
        for target, referenced in _referenced(user):
            for identity, step in going.items():
                if (identity.kind, identity.namespace, identity.name) == (target, namespace, referenced):
                    step.hold("KR731", f"{kind} {name} still uses it")


def _is_in_use(user: Mapping[str, Any]) -> bool:
    if user.get("kind") == "AgentTriggerRule":
        return (user.get("spec") or {}).get("lifecycleState") == "active"
    conditions = (user.get("status") or {}).get("conditions") or ()
    return any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)


def _referenced(user: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    kind = MODELS.get(str(user.get("kind")))
    if kind is not None and kind.spec is not None:
        for _, target, text in references(user.get("spec") or {}, shape_of(kind.spec), "spec"):
            yield target, text.rpartition("/")[2]


def guard(source: Source, steps: Sequence[Step], inventory: Inventory) -> str:
    """Why nothing may be pruned in this pass unless a person approves; empty where it may be."""
    going = [step for step in steps if step.op is Op.PRUNE]
    policy = source.spec.sync_policy.prune
    if len(going) > policy.min_count and len(going) * 100 > policy.max_percent * len(inventory):
        return f"{len(going)} of {len(inventory)} objects would go, and {policy.max_percent} % may"
    return ""


class Pruned(NamedTuple):
    """What became of a delete."""

    gone: bool
    message: str = ""


async def prune_one(api: Api, step: Step, source: Source) -> Pruned:
    """Deletes an object after a fresh look at it, and only that very object.

    Raises ``TransientError`` and ``AuthError``.
    """
    if step.type is None:
        return Pruned(True)
    try:
        live = await api.get(step.type, step.id.name, step.id.namespace)
        if live is None:
            return Pruned(True)
        if step.live is None or uid_of(live) != uid_of(step.live) or owner_of(live, source, step.item) is not Owner.US:
            return Pruned(True, "it was replaced or taken over since it was planned, and is left alone")
        done = await api.delete(step.type, step.id.name, step.id.namespace, uid=uid_of(live))
    except (NotServedError, ReplacedError) as error:
        return Pruned(True, error.message)
    except (AuthError, TransientError):
        raise
    except ApiError as error:
        return Pruned(False, error.message)
    return Pruned(done.gone, "" if done.gone else "it is terminating: finalizers hold it")
