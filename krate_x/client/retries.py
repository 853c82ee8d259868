"""When a failed request is sent again, and after how long. Pure: no clock, no I/O.

Retried here is only what passes within a call's deadline. What needs longer is the caller's schedule.
"""

from __future__ import annotations

from collections.abc import Callable
from random import random

import msgspec

from krate_gitops.cluster.client.failures import ApiError, TransientError


class Backoff(msgspec.Struct, frozen=True, kw_only=True):
    """Waits between attempts: doubling from ``first`` to ``longest`` seconds, each between half and whole of that."""

    first: float = 0.1
    longest: float = 5.0
    attempts: int = 7
    """Requests in all for one call."""
    jitter: Callable[[], float] = random

    def wait(self, attempt: int, *, retry_after: float = 0.0) -> float:
        """Seconds before the next attempt; ``attempt`` counts the failed ones from 1.

        A wait that the server asks for is obeyed, with a little on top, so that those who were told the same second
        don't come back at once.
        """
        if retry_after:
            return retry_after + min(0.25, 0.1 * retry_after) * self.jitter()
        longest = min(self.first * 2.0 ** min(attempt - 1, 30), self.longest)
        return longest * (0.5 + 0.5 * self.jitter())


def may_repeat(error: ApiError, *, repeatable: bool) -> bool:
    """Whether the request may be sent again: its failure passes, and a second sending can't do harm."""
    return isinstance(error, TransientError) and error.passing and (repeatable or not error.sent)
