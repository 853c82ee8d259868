"""What the answers of single objects say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from krate_gitops.cluster.client.calls import Call
from krate_gitops.cluster.client.failures import TransientError
from krate_gitops.cluster.client.transport import Reply


class Applied(NamedTuple):
    """The object as it is after an apply (or would be, in a dry run), and what the server warned of."""

    object: dict[str, Any]
    warnings: tuple[str, ...] = ()
    created: bool = False


class Deleted(NamedTuple):
    """Whether the object is gone. Where it isn't, finalizers hold it, and ``object`` is its last state."""

    gone: bool
    object: dict[str, Any] | None = None


def object_of(reply: Reply, call: Call) -> dict[str, Any]:
    """The object of an answer, with ``metadata``. Raises ``TransientError`` for what is none."""
    try:
        told: dict[str, Any] = msgspec.json.decode(reply.body, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError):
        told = {}
    if call.verb == "review":
        told.setdefault("metadata", {})
    if not isinstance(told.get("metadata"), dict):
        message = f"{call.request.what}: the answer is no object"
        raise TransientError("CLUSTER_ANSWER_INVALID", message, location=call.location)
    return told


def is_held(told: Mapping[str, Any]) -> bool:
    """Whether an object that a delete gave back is still there."""
    metadata, spec = told["metadata"], told.get("spec")
    waits = bool(metadata.get("finalizers")) or bool(metadata.get("deletionGracePeriodSeconds"))
    return waits or (told.get("kind") == "Namespace" and isinstance(spec, Mapping) and bool(spec.get("finalizers")))
