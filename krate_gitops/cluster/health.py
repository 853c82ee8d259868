"""Health of an object, from the object alone."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from krate_gitops.brain.timestamps import epoch_seconds, normalise_timestamp
from krate_gitops.cluster.fields import applied_at
from krate_gitops.resources.kinds.common import GROUP

RECONCILE = f"{GROUP}/reconcile"
"""Annotation by which an author, or an administrator, keeps an object from being updated."""


class Health(enum.StrEnum):
    """The worst is the last."""

    HEALTHY = "Healthy"
    SUSPENDED = "Suspended"
    PROGRESSING = "Progressing"
    DEGRADED = "Degraded"
    MISSING = "Missing"


_RANK = {health: rank for rank, health in enumerate(Health)}
_BAD_PHASES = ("Blocked", "Error")
_CONTROLLED = frozenset(
    {
        "AgentStack", "AgentServiceAccount", "AgentRoleBinding", "AgentSecretGrant", "AgentConfigGrant",
        "AgentTriggerRule", "AgentMcpServer", "AgentMemoryRepository", "AgentMemoryOntology", "Organization",
        "GitOpsSource", "AgentContextLabel",
    }
)  # fmt: skip
"""Kinds whose status a controller writes. Others are healthy once they are accepted."""


def health_of(live: Mapping[str, Any] | None, *, now: datetime, timeout: timedelta) -> Health:
    """Health of a live object; None is one that should be there and isn't.

    An object without a status, or with one of an earlier generation, is progressing until ``timeout`` has passed since
    it was last changed by us.
    """
    if live is None:
        return Health.MISSING
    metadata = live.get("metadata") or {}
    if metadata.get("deletionTimestamp"):
        return Health.PROGRESSING
    if _is_suspended(live, metadata):
        return Health.SUSPENDED
    status = live.get("status") or {}
    if not status and live.get("kind") not in _CONTROLLED:
        return Health.HEALTHY
    ready = next((one for one in status.get("conditions") or () if one.get("type") == "Ready"), None)
    if not _is_observed(status, ready, metadata):
        changed = normalise_timestamp(applied_at(live) or str(metadata.get("creationTimestamp") or ""))
        is_late = changed is not None and now.timestamp() - epoch_seconds(changed) > timeout.total_seconds()
        return Health.DEGRADED if is_late else Health.PROGRESSING
    if status.get("phase") in _BAD_PHASES or (ready is not None and ready.get("status") == "False"):
        return Health.DEGRADED
    return Health.HEALTHY if ready is None or ready.get("status") == "True" else Health.PROGRESSING


def worst(states: Iterable[Health]) -> Health:
    """The worst of several, suspended ones aside; healthy where there is none."""
    return max((one for one in states if one is not Health.SUSPENDED), key=_RANK.__getitem__, default=Health.HEALTHY)


def _is_observed(status: Mapping[str, Any], ready: Mapping[str, Any] | None, metadata: Mapping[str, Any]) -> bool:
    """Whether the status is about the object as it is now. Kinds without a generation are always observed."""
    generation = metadata.get("generation")
    if not status:
        return False
    observed = [status.get("observedGeneration"), (ready or {}).get("observedGeneration")]
    return generation is None or all(one is None or one >= generation for one in observed)


def _is_suspended(live: Mapping[str, Any], metadata: Mapping[str, Any]) -> bool:
    spec = live.get("spec") or {}
    return (
        (metadata.get("annotations") or {}).get(RECONCILE) == "disabled"
        or (live.get("kind") == "AgentTriggerRule" and spec.get("lifecycleState") == "paused")
        or (live.get("kind") == "AgentMcpServer" and spec.get("enabled") is False)
    )
