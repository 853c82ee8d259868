"""What a run's record says: how it went and when, from its events first and from ``run.json`` where they are silent."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from krate_gitops.errors import KrateError
from krate_gitops.updates.imports.account import Account
from krate_gitops.updates.imports.collect import Collected
from krate_gitops.updates.imports.events import name_in, outcome, timestamp
from krate_gitops.updates.imports.model import ImportSpec, RetentionTier
from krate_gitops.updates.imports.scrub import Scrub, is_empty

EPOCH = "1970-01-01T00:00:00Z"
"""The time of a run of which no time is known: a made-up one would change with each import."""

RUNNING = "running"
_NAME = 120
_SUMMARY = 480
_STARTED = ("startedAt", "createdAt", "created_at", "started_at", "timestamp")
_ENDED = ("completedAt", "finishedAt", "endedAt", "completed_at", "ended_at")
_TOLD = ("summary", "prompt", "goal", "title", "description")


class RunFacts(msgspec.Struct, kw_only=True):
    """Cleaned facts of a run. ``duration_ms`` is 0 where it can't be told."""

    process: str
    status: str
    is_partial: bool
    started_at: str
    completed_at: str | None
    updated_at: str
    duration_ms: int
    event_count: int
    successes: int
    failures: int
    kinds: list[str]
    summary: str
    is_emptied: bool
    account: Account


def outcome_of(collected: Collected, declared: str | None) -> str | None:
    """How a run ended: what its last event says, else ``run.json``, else what somebody declares; None while it runs."""
    course = collected.course
    told = course.end_outcome or ("completed" if course.has_end else None)
    if told is None:
        told = outcome(collected.run.get("status", collected.run.get("state", collected.run.get("outcome"))))
    if told is None or told == RUNNING:
        told = declared or told
    if told is None and not course.count and not collected.run and collected.session is not None:
        return "completed"  # a session by itself is there to be summed up when it is over
    return None if told == RUNNING else told


def check_is_over(collected: Collected, spec: ImportSpec, *, declared: str | None, partial_allowed: bool) -> bool:
    """Whether this is a partial import of a run that isn't over.

    ``partial_allowed`` is what the repository's policy says. Raises ``KrateError(MEMORY_IMPORT_SOURCE_ACTIVE)`` for an
    active run that may not be imported yet.
    """
    if outcome_of(collected, declared) is not None:
        return False
    if (
        spec.validation_policy.allow_partial
        and partial_allowed
        and spec.retention_tier is RetentionTier.SUMMARY_ONLY
        and not spec.artifacts_only
    ):
        return True
    raise KrateError(
        "MEMORY_IMPORT_SOURCE_ACTIVE",
        "the run is not over: no event ends it",
        hint="wait for its end, or say how it ended if nobody will go on with it",
    )


def facts_of(collected: Collected, scrub: Scrub, *, declared: str | None) -> RunFacts:
    """The facts of a run's record."""
    account = Account()
    course, run = collected.course, collected.run
    session = collected.session
    status = outcome_of(collected, declared)
    begun = _first(course.start_time, *(run.get(name) for name in _STARTED), course.first_time,
                   session.started if session else None)  # fmt: skip
    is_over = status is not None
    ended = _first(course.end_time, *(run.get(name) for name in _ENDED), course.last_time if is_over else None,
                   session.ended if session and is_over else None)  # fmt: skip
    started_at = timestamp(begun) or EPOCH
    completed_at = timestamp(ended) if is_over else None
    latest = completed_at or timestamp(_first(course.last_time, session.ended if session else None)) or started_at
    process = name_in(run, "process", "processId") or course.process or ("agent-session" if session else "unknown")
    told = next((run[name] for name in _TOLD if isinstance(run.get(name), str) and run[name].strip()), "")
    summary = scrub.line(told[:65_536], account, most=_SUMMARY)
    return RunFacts(
        process=scrub.line(process[:65_536], account, most=_NAME),
        status=status or RUNNING,
        is_partial=not is_over,
        started_at=started_at,
        completed_at=completed_at,
        updated_at=max(latest, started_at),
        duration_ms=_milliseconds(begun, ended) if completed_at else 0,
        event_count=course.count,
        successes=course.successes,
        failures=course.failures,
        kinds=sorted({scrub.line(kind, account, most=_NAME) for kind in course.kinds}),
        summary=summary,
        is_emptied=bool(told) and is_empty(summary),
        account=account,
    )


def _first(*times: Any) -> Any:
    """The first that can be read."""
    return next((one for one in times if timestamp(one) is not None), None)


def _milliseconds(begun: Any, ended: Any) -> int:
    first, last = _exact(begun), _exact(ended)
    return max(0, last - first) if first is not None and last is not None else 0


def _exact(raw: Any) -> int | None:
    if timestamp(raw) is None:
        return None
    if isinstance(raw, str):
        moment = datetime.fromisoformat(raw.strip().upper())
        return int(moment.timestamp()) * 1000 + moment.microsecond // 1000
    return int(raw if raw > 100_000_000_000 else raw * 1000)
