"""When a source is looked at again: after a pass, by what came of it."""

from __future__ import annotations

import enum
import random
from datetime import timedelta

from krate_gitops.cluster.client.failures import ApiError, ForbiddenError, TransientError
from krate_gitops.errors import KrateError
from krate_gitops.reconcile.outcome import Outcome


class Retry(enum.Enum):
    """What a pass ended with, as far as it matters for trying again."""

    NONE = "none"
    TRANSIENT = "transient"
    ACCESS = "source access"
    CONTENT = "content"
    AUTHORIZATION = "authorization"
    INTERNAL = "internal"


_ACCESS = frozenset({"KR701", "KR702", "KR703", "KR704", "KR705", "KR707", "KR708"})
_AUTHORIZATION = frozenset({"KR313", "KR724", "KR726", "KR730", "KR731", "KR741"})
_LONGEST = {
    Retry.TRANSIENT: timedelta(minutes=10),
    Retry.INTERNAL: timedelta(minutes=10),
    Retry.ACCESS: timedelta(minutes=30),
}
_FIRST = {
    Retry.TRANSIENT: timedelta(seconds=5),
    Retry.INTERNAL: timedelta(seconds=5),
    Retry.ACCESS: timedelta(minutes=1),
}
_MOST_DOUBLINGS = 20
INTERVAL_JITTER, RETRY_JITTER = 0.1, 0.2
INTERNAL_ERRORS_TO_GIVE_UP = 5
"""So many unexpected errors in a row put a source into phase Error."""


def retry_of(outcome: Outcome) -> Retry:
    """The class of what a pass ended with."""
    stop = outcome.stop
    if stop is not None:
        if isinstance(stop.__cause__, TransientError):
            return Retry.TRANSIENT
        if stop.code in _ACCESS:
            return Retry.ACCESS
        return Retry.AUTHORIZATION if stop.code in _AUTHORIZATION else Retry.CONTENT
    if outcome.work is not None:
        if outcome.work.interrupted or any(isinstance(one.error, TransientError) for one in outcome.work.failures):
            return Retry.TRANSIENT
        if outcome.work.stuck:
            return Retry.AUTHORIZATION
    if outcome.revision is not None and outcome.revision.cached:
        return Retry.ACCESS
    return Retry.NONE


def retry_of_error(error: KrateError) -> Retry:
    """The class of what ended a pass without an outcome."""
    if isinstance(error, ForbiddenError) or error.code in _AUTHORIZATION:
        return Retry.AUTHORIZATION
    return Retry.TRANSIENT if isinstance(error, ApiError) else Retry.CONTENT


def retry_after(outcome: Outcome) -> timedelta:
    """The longest wait that the server asked for."""
    errors = [one.error for one in outcome.work.failures] if outcome.work else []
    cause = outcome.stop.__cause__ if outcome.stop else None
    waits = [one.retry_after for one in (*errors, cause) if isinstance(one, TransientError)]
    return timedelta(seconds=max(waits, default=0.0))


def next_delay(
    retry: Retry, failures: int, interval: timedelta, *, at_least: timedelta = timedelta(), chance: random.Random
) -> timedelta:
    """How long to wait. ``failures`` counts passes of this class in a row, this one included.

    Content and authorization are looked at each interval: only a new commit, or a person, mends them.
    """
    if retry not in _FIRST:
        return interval * (1 + chance.uniform(-INTERVAL_JITTER, INTERVAL_JITTER))
    doubled = _FIRST[retry] * 2 ** min(max(failures - 1, 0), _MOST_DOUBLINGS)
    wait = min(doubled, _LONGEST[retry]) * (1 + chance.uniform(-RETRY_JITTER, RETRY_JITTER))
    return max(wait, at_least)
