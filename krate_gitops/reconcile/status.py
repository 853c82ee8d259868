"""What the status of a source says after a pass, and which events tell of it. Nothing here talks to the cluster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from krate_gitops.cluster.fields import managers_of
from krate_gitops.reconcile.conditions import Transition, Verdict, merged, ready_verdict
from krate_gitops.reconcile.outcome import Outcome
from krate_gitops.reconcile.plan import plain
from krate_gitops.reconcile.source import Source
from krate_gitops.reconcile.verdicts import stopped_verdicts

_MOST_DIAGNOSTICS = 100
_MOST_NAMED = 5


def conclude(outcome: Outcome, source: Source, *, dry_run: bool, suspended: bool, now: str) -> str:
    """Fills in the conditions of an outcome, what of them changed, and its phase; the commit that is in force.

    ``now`` is RFC 3339. The commit is empty while none was ever applied.
    """
    off = "the source is suspended" if suspended else "reconciliation is on"
    verdicts = [*outcome.verdicts, *stopped_verdicts(outcome)]
    verdicts.append(Verdict("Suspended", suspended, "Suspended" if suspended else "Running", off))
    before = source.status.get("conditions") or ()
    conditions, changed = merged(before, verdicts, generation=source.generation, now=now)
    is_current = not dry_run and outcome.stop is None and _is_applied(conditions)
    applied = outcome.revision.commit if is_current and outcome.revision else source.last_applied
    if suspended:
        ready = Verdict("Ready", False, "Suspended", off)
    else:
        ready = ready_verdict(conditions, is_current=bool(applied) and is_current)
    outcome.conditions, more = merged(conditions, [ready], generation=source.generation, now=now)
    outcome.transitions = [*changed, *more]
    outcome.phase = "Suspended" if suspended else _phase(ready, outcome)
    return applied


def status_of(outcome: Outcome, source: Source, applied: str, *, dry_run: bool, now: str) -> dict[str, Any]:
    """The fields of the status that a concluded pass writes. ``applied`` is the commit in force."""
    if dry_run:
        plan = {"planDigest": outcome.plan.plan_digest} if outcome.plan else {}
        return {**plan, "conditions": outcome.conditions}
    status: dict[str, Any] = {
        "phase": outcome.phase,
        "observedGeneration": source.generation,
        "conditions": outcome.conditions,
    }
    if outcome.phase == "Suspended":
        return status
    found = [_told(one) for one in outcome.diagnostics]
    status |= {"diagnostics": found[:_MOST_DIAGNOSTICS], "diagnosticsTotal": len(found)}
    failures = int(source.status.get("failureCount") or 0)
    status["failureCount"] = failures + 1 if outcome.stop is not None or outcome.counts["failed"] else 0
    if outcome.revision:
        status |= {
            "resolvedRevision": outcome.revision.commit,
            "lastAttemptedRevision": outcome.revision.commit,
            "lastAppliedRevision": applied or None,
        }
    if outcome.plan:
        # Of a plan that waits for an approval, too: it is the digest that the approval names.
        status["planDigest"] = outcome.plan.plan_digest
    if outcome.plan and outcome.rendered and outcome.work:
        status |= {"contentDigest": outcome.rendered.content_digest, "counts": outcome.counts}
        if outcome.is_good:
            status["lastSuccessAt"] = now
    return {name: value for name, value in status.items() if value is not None}


def fights(outcome: Outcome) -> Iterator[Transition]:
    """An event for each object that somebody keeps changing back: which fields, and who."""
    for step in outcome.work.fights if outcome.work else ():
        fields = ", ".join(step.changed_fields[:_MOST_NAMED]) or "it was deleted"
        managers = ", ".join(managers_of(step.live or {}, step.changed_fields)) or "somebody"
        yield Transition("DriftFree", "False", "Fight", f"{step.id.short}: {fields} kept changing by {managers}")


def _is_applied(conditions: Sequence[Mapping[str, Any]]) -> bool:
    return any(one["type"] == "Applied" and one["status"] == "True" for one in conditions)


def _phase(ready: Verdict, outcome: Outcome) -> str:
    if ready.holds:
        return "Ready"
    return "Reconciling" if ready.reason == "Progressing" and outcome.stop is None else "Blocked"


def _told(diagnostic: Any) -> dict[str, Any]:
    return {name: value for name, value in plain(diagnostic).items() if value not in ("", [], None)}
