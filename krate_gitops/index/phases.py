"""Where the time of one task goes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Phases:
    """Seconds by phase."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def add(self, phase: str, seconds: float) -> None:
        self.seconds[phase] = self.seconds.get(phase, 0.0) + seconds

    @contextmanager
    def timed(self, phase: str) -> Iterator[None]:
        """Counts the time for a phase, but for what phases within it count for themselves."""
        start, others = time.perf_counter(), sum(self.seconds.values())
        yield
        inner = sum(self.seconds.values()) - others
        self.add(phase, time.perf_counter() - start - inner)
