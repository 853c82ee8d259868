"""The conditions of a source, in the order of the stages that set them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

CONDITIONS = (
    "SourceResolved", "Rendered", "Validated", "PermissionsReviewed", "Applied", "Pruned", "DriftFree", "Healthy",
)  # fmt: skip
_MESSAGE = 1024


class Verdict(msgspec.Struct, frozen=True):
    """What a stage found: whether its condition holds (None: not known), why, and words for people."""

    type: str
    holds: bool | None
    reason: str
    message: str = ""


class Transition(msgspec.Struct, frozen=True):
    """A condition whose status or reason changed."""

    type: str
    status: str
    reason: str
    message: str


def merged(
    before: Sequence[Mapping[str, Any]], verdicts: Iterable[Verdict], *, generation: int, now: str
) -> tuple[list[dict[str, Any]], list[Transition]]:
    """The conditions with new verdicts, and what changed. Conditions without a verdict stay as they were.

    ``lastTransitionTime`` moves only with the status.
    """
    known = {str(one.get("type")): dict(one) for one in before}
    changed = []
    for verdict in verdicts:
        status = {True: "True", False: "False", None: "Unknown"}[verdict.holds]
        old = known.get(verdict.type, {})
        same = old.get("status") == status
        if not same or old.get("reason") != verdict.reason:
            changed.append(Transition(verdict.type, status, verdict.reason, verdict.message[:_MESSAGE]))
        known[verdict.type] = {
            "type": verdict.type,
            "status": status,
            "reason": verdict.reason,
            "message": verdict.message[:_MESSAGE],
            "observedGeneration": generation,
            "lastTransitionTime": old.get("lastTransitionTime", now) if same else now,
        }
    order = (*CONDITIONS, "Suspended", "Ready")
    return sorted(known.values(), key=lambda one: order.index(one["type"]) if one["type"] in order else 99), changed


def ready_verdict(conditions: Sequence[Mapping[str, Any]], *, is_current: bool) -> Verdict:
    """``Ready``: all conditions hold and the resolved commit is in force; else the first that fails says why."""
    status = {str(one.get("type")): one for one in conditions}
    for name in CONDITIONS:
        one = status.get(name)
        if one is None or one.get("status") != "True":
            reason = str((one or {}).get("reason") or "Progressing")
            return Verdict("Ready", False, reason, str((one or {}).get("message") or f"{name} is not known yet"))
    if not is_current:
        return Verdict("Ready", False, "Progressing", "the resolved commit is not in force yet")
    return Verdict("Ready", True, "Reconciled", "the cluster is as Git says")
