"""From what a pass found to the conditions of its source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from krate_gitops.cluster.health import Health, worst
from krate_gitops.reconcile.applying import Work
from krate_gitops.reconcile.classify import PRIVILEGED
from krate_gitops.reconcile.conditions import CONDITIONS, Verdict
from krate_gitops.reconcile.outcome import Outcome
from krate_gitops.reconcile.plan import Op, Step
from krate_gitops.reconcile.planning import Draft
from krate_gitops.reconcile.revision import Revision
from krate_gitops.resources.object_id import ObjectId

_NAMED = 5


def resolved_verdict(revision: Revision) -> Verdict:
    """``SourceResolved``: False while the remote is down, even though the commit in force is known."""
    if revision.cached:
        return Verdict("SourceResolved", False, "Unreachable", f"{revision.problem}; {revision.commit} stays in force")
    return Verdict("SourceResolved", True, "Resolved", f"{revision.requested} is {revision.commit}")


def stopped_verdicts(outcome: Outcome) -> Iterator[Verdict]:
    """The condition of the stage that stopped; those of later stages aren't known."""
    stop = outcome.stop
    if stop is None:
        return
    yield Verdict(stop.condition, False, stop.reason, f"{stop.code}: {stop.message}")
    known = {one.type for one in outcome.verdicts}
    for name in CONDITIONS[CONDITIONS.index(stop.condition) + 1 :] if stop.condition in CONDITIONS else ():
        # What is applied stays applied when a later revision is refused.
        if name not in known and name not in ("Applied", "Pruned", "DriftFree", "Healthy"):
            yield Verdict(name, None, "NotReached", f"{stop.condition} is not met")


def reviewed_verdict(draft: Draft) -> Verdict:
    """``PermissionsReviewed``."""
    for code, reason in (("KR313", "EscalationDenied"), ("KR724", "ApplyDenied")):
        if held := [step for step in draft.steps if code in step.codes]:
            return Verdict("PermissionsReviewed", False, reason, _named(held))
    return Verdict("PermissionsReviewed", True, "Reviewed", "the identity may do all that is planned")


def applied_verdict(draft: Draft, work: Work) -> Verdict:
    """``Applied``: everything that isn't held equals the commit."""
    if work.failures:
        failure = work.failures[0]
        done = work.created + work.updated
        reason = "PartialApply" if done else "ApplyFailed"
        return Verdict("Applied", False, reason, f"{failure.step.id.short}: {failure.code}: {failure.message}")
    if work.interrupted:
        return Verdict("Applied", False, "PartialApply", work.interrupted)
    held = [step for step in draft.steps if step.op is Op.HOLD and step.desired is not None and not step.is_drift]
    if conflicts := [step for step in held if "KR721" in step.codes]:
        return Verdict("Applied", False, "FieldConflict", _named(conflicts))
    if held:
        return Verdict("Applied", False, "ObjectsHeld", _named(held))
    return Verdict("Applied", True, "Applied", "every object is as the commit says")


def pruned_verdict(draft: Draft, work: Work, *, is_approved: bool, is_off: bool) -> Verdict:
    """``Pruned``: nothing that is ours is left over."""
    left = draft.left.steps
    if dependents := [step for step in left if "KR731" in step.codes]:
        return Verdict("Pruned", False, "DependentsExist", _named(dependents))
    if held := [step for step in left if step.op is Op.HOLD]:
        return Verdict("Pruned", False, "PruneGuard", _named(held))
    if draft.guard and not is_approved:
        message = f"KR730: {draft.guard}; plan {draft.plan.plan_digest} can be approved"
        return Verdict("Pruned", False, "PruneGuard", message)
    if stuck := [identity for identity in work.stuck if identity in work.inventory]:
        return Verdict("Pruned", False, "PruneFailed", f"{stuck[0].short}: {work.stuck[stuck[0]]}")
    if is_off and left:
        return Verdict("Pruned", False, "PruneDisabled", _named(left))
    if terminating := [step for step in left if step.op is Op.SKIP and "terminating" in step.reason]:
        return Verdict("Pruned", False, "PruneFailed", _named(terminating))
    return Verdict("Pruned", True, "Pruned", "nothing is left over")


def drift_verdict(draft: Draft) -> Verdict:
    """``DriftFree``: what isn't healed counts."""
    drifted = [step for step in draft.steps if step.is_drift and step.op in (Op.HOLD, Op.SKIP)]
    if privileged := [step for step in drifted if step.id.kind in PRIVILEGED]:
        return Verdict("DriftFree", False, "PrivilegedDrift", _named(privileged))
    if drifted:
        return Verdict("DriftFree", False, "DriftDetected", _named(drifted))
    return Verdict("DriftFree", True, "InSync", "the cluster is as it was applied")


def healthy_verdict(health: Mapping[ObjectId, Health]) -> Verdict:
    """``Healthy``: the worst of all objects."""
    state = worst(health.values())
    affected = [identity for identity, one in health.items() if one is state]
    names = ", ".join(one.short for one in sorted(affected)[:_NAMED])
    more = f" and {len(affected) - _NAMED} more" if len(affected) > _NAMED else ""
    if state is Health.HEALTHY:
        return Verdict("Healthy", True, "Healthy", "every object is healthy")
    if state is Health.PROGRESSING:
        return Verdict("Healthy", False, "Progressing", f"{names}{more}")
    return Verdict("Healthy", False, "ObjectsDegraded", f"{state}: {names}{more}")


def _named(steps: list[Step]) -> str:
    """The first few objects with what keeps them."""
    told = "; ".join(f"{step.id.short}: {' '.join((*step.codes, step.reason))}" for step in steps[:_NAMED])
    return told if len(steps) <= _NAMED else f"{told}; and {len(steps) - _NAMED} more"
