"""How much one call may bring, and all calls of one caller together."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from krate_gitops.errors import DeniedError

LEAST_ROOM = 1024
"""What an answer takes that says no more than that there is something; below it a budget counts as used up."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes and matches of a call; calls and bytes of a caller. Bytes are those of one form of an answer."""

    call_bytes: int = 64_000
    call_matches: int = 25
    calls: int = 200
    total_bytes: int = 1 << 20


class Room(NamedTuple):
    """What is there for one call."""

    bytes: int
    matches: int


class Ledger:
    """What one caller has used up. Not for several threads."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._calls = 0
        self._bytes = 0

    def begin(self) -> Room:
        """Counts a call. Raises ``DeniedError(RATE_LIMITED)`` where calls or bytes are used up."""
        limits = self._limits
        left = limits.total_bytes - self._bytes
        if self._calls >= limits.calls or left < LEAST_ROOM:
            used = f"{limits.calls} calls" if self._calls >= limits.calls else f"{limits.total_bytes} bytes"
            raise DeniedError(
                "RATE_LIMITED",
                f"the budget of {used} is used up",
                hint="go on with what has been read; whoever runs the server can give more room",
            )
        self._calls += 1
        return Room(min(limits.call_bytes, left), limits.call_matches)

    def charge(self, size: int) -> None:
        """Counts what an answer took."""
        self._bytes += size
