"""What a pass came to: for the status of its source, for people and for tools."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from krate_gitops.cluster.health import Health
from krate_gitops.reconcile.applying import Work
from krate_gitops.reconcile.conditions import Transition, Verdict
from krate_gitops.reconcile.plan import Op, Plan
from krate_gitops.reconcile.planning import Draft
from krate_gitops.reconcile.render import Rendered
from krate_gitops.reconcile.revision import Revision
from krate_gitops.reconcile.stop import Stop
from krate_gitops.resources.object_id import ObjectId
from krate_gitops.resources.permissions.readiness import Readiness
from krate_gitops.resources.validate import Diagnostic


class Outcome(msgspec.Struct, kw_only=True):
    """Filled stage by stage; what a pass didn't come to stays empty."""

    source: str
    dry_run: bool
    revision: Revision | None = None
    rendered: Rendered | None = None
    draft: Draft | None = None
    work: Work | None = None
    health: dict[ObjectId, Health] = msgspec.field(default_factory=dict)
    predicted: Mapping[str, Readiness] = msgspec.field(default_factory=dict)
    """Readiness of each stack once the plan is applied, by name."""
    stop: Stop | None = None
    diagnostics: Sequence[Diagnostic] = ()
    verdicts: list[Verdict] = msgspec.field(default_factory=list)
    phase: str = "Pending"
    conditions: list[dict[str, Any]] = msgspec.field(default_factory=list)
    transitions: list[Transition] = msgspec.field(default_factory=list)
    is_approved: bool = False

    @property
    def plan(self) -> Plan | None:
        """The plan, where it came that far."""
        return self.draft.plan if self.draft else None

    @property
    def counts(self) -> dict[str, int]:
        """What was done with the objects, as the status has it."""
        steps = self.draft.steps if self.draft else []
        found = Counter(step.op for step in steps)
        work = self.work
        return {
            "created": work.created if work else 0,
            "updated": work.updated if work else 0,
            "unchanged": found[Op.UNCHANGED],
            "pruned": work.pruned if work else 0,
            "held": found[Op.HOLD] + (found[Op.PRUNE] if self._is_guarded else 0),
            "failed": len(work.failures) if work else 0,
        }

    @property
    def _is_guarded(self) -> bool:
        return bool(self.draft and self.draft.guard and not self.is_approved)

    @property
    def is_good(self) -> bool:
        """Whether nothing stopped, failed or was held."""
        counts = self.counts
        return self.stop is None and not counts["held"] and not counts["failed"]
