"""What is to be done with each object, as far as it can be told without asking the server again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from krate_gitops.cluster.client.kinds import ResourceType
from krate_gitops.cluster.fields import changed_fields, is_unchanged
from krate_gitops.cluster.inventory import Inventory, Item
from krate_gitops.reconcile.ownership import (
    CONTENT_DIGEST,
    RECONCILE,
    SOURCE_PATH,
    Owner,
    annotation,
    owner_name,
    owner_of,
    stamped,
)
from krate_gitops.reconcile.plan import Op, Step
from krate_gitops.reconcile.source import DRIFT_ACK, Source
from krate_gitops.resources.desired import Desired
from krate_gitops.resources.object_id import ObjectId
from krate_gitops.resources.rules.document import ADOPT

_OWN_MARKS = frozenset(f"metadata.annotations.{key}" for key in (SOURCE_PATH, CONTENT_DIGEST))

PRIVILEGED = frozenset({"AgentServiceAccount", "AgentRoleBinding", "AgentSecretGrant", "AgentConfigGrant"})
"""Kinds that say who may do what: changes of them behind our back are never healed in silence."""


def classify(
    source: Source,
    objects: Iterable[Desired],
    live: Mapping[ObjectId, Mapping[str, Any]],
    inventory: Inventory,
    types: Mapping[tuple[str, str], ResourceType],
) -> list[Step]:
    """A step for each desired object. Those that may need an update are ``UPDATE`` until a dry run says otherwise."""
    steps = []
    for desired in objects:
        step = Step(id=desired.id, wave=desired.wave, desired=desired)
        step.live, step.item = live.get(desired.id), inventory.get(desired.id)
        step.type = types.get((desired.id.group, desired.id.kind))
        _classify(step, desired, source)
        steps.append(step)
    _defer(steps)
    return steps


def _classify(step: Step, desired: Desired, source: Source) -> None:
    step.is_drift = is_drift(step.item, desired)
    if step.type is None:
        step.hold("KR723", f"the cluster doesn't serve {desired.id.kind}: install the definitions")
    elif step.live is None:
        step.op = Op.CREATE
        _settle_drift(step, source)
    else:
        _classify_live(step, desired, step.live, source)


def _classify_live(step: Step, desired: Desired, live: Mapping[str, Any], source: Source) -> None:
    owner = owner_of(live, source, step.item)
    metadata = live.get("metadata") or {}
    if owner is Owner.NOBODY:
        if desired.derived:
            step.skip("the namespace is there already")
            return
        if annotation(live, ADOPT) != source.name:
            step.hold("KR720", f"it exists and belongs to nobody: annotate it with {ADOPT}={source.name} to adopt it")
            return
        step.fold, step.is_drift = True, False
    elif owner is Owner.OTHER:
        other = owner_name(live)
        if not other or (desired.value["metadata"].get("annotations") or {}).get(ADOPT) != other:
            step.hold("KR722", "it belongs to another source")
            return
        step.is_drift = False
    if since := metadata.get("deletionTimestamp"):
        step.skip(f"it is terminating since {since}")
    elif _is_left_alone(desired, live):
        step.skip("reconcile is switched off for it", "KR732")
    else:
        _compare(step, desired, live, source)


def _compare(step: Step, desired: Desired, live: Mapping[str, Any], source: Source) -> None:
    wanted = stamped(desired, source)
    step.force = source.spec.apply.force_conflicts
    step.fold = step.fold or step.force
    if is_unchanged(wanted, live):
        step.op = Op.UNCHANGED
        step.is_drift = False
        return
    step.op = Op.UPDATE
    step.changed_fields = tuple(changed_fields(wanted, live))
    # A file that moved, or another commit's digest, are our own doing.
    step.is_drift = step.is_drift and any(field not in _OWN_MARKS for field in step.changed_fields)
    _settle_drift(step, source)


def _settle_drift(step: Step, source: Source) -> None:
    """Whether a deviation from what was applied is corrected, only told, or waits for a person."""
    if not step.is_drift:
        return
    is_blocking = step.id.kind in PRIVILEGED and source.spec.drift.privileged == "block"
    if is_blocking and not _is_acknowledged(step, source):
        step.hold("KR740", _how_to_acknowledge(step))
    elif not source.spec.sync_policy.automated.self_heal and step.id.kind not in PRIVILEGED:
        step.skip("it differs from Git, and healing is switched off", "KR740")
    elif not source.spec.sync_policy.automated.self_heal:
        step.hold("KR740", "its rights were changed in the cluster, and healing is switched off")
    else:
        step.codes = ("KR740",)
        step.reason = "it was deleted in the cluster" if step.live is None else "it was changed in the cluster"


def _is_acknowledged(step: Step, source: Source) -> bool:
    """Whether a person has seen just this deviation. What was deleted can't be annotated, so its source is."""
    if step.live is not None:
        return annotation(step.live, DRIFT_ACK) == step.before
    return step.desired is not None and source.annotations.get(DRIFT_ACK) == step.desired.digest


def _how_to_acknowledge(step: Step) -> str:
    if step.live is not None:
        return f"its rights were changed in the cluster; annotate it with {DRIFT_ACK}={step.before} to have it restored"
    digest = step.desired.digest if step.desired else ""
    return f"it was deleted in the cluster; annotate the source with {DRIFT_ACK}={digest} to have it restored"


def is_drift(item: Item | None, desired: Desired) -> bool:
    """Whether the inventory says that this very content is in the cluster already."""
    return item is not None and bool(item.uid) and item.content_digest == desired.digest


def _is_left_alone(desired: Desired, live: Mapping[str, Any]) -> bool:
    mine = desired.value["metadata"].get("annotations") or {}
    return "disabled" in (mine.get(RECONCILE), annotation(live, RECONCILE))


def _defer(steps: Collection[Step]) -> None:
    """Marks what can be tried only once its namespace is made, and holds what can't be applied without it."""
    making = {step.id.name: step for step in steps if step.id.kind == "Namespace" and step.live is None}
    for step in steps:
        namespace = making.get(step.id.namespace)
        if namespace is None or not step.is_write:
            continue
        if namespace.op is Op.CREATE:
            step.deferred = True
        else:
            step.hold(namespace.codes[0] if namespace.codes else "KR725", "its namespace is held")
