"""Numbers of repeated measurements."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import msgspec

Answer = TypeVar("Answer")


class Spread(msgspec.Struct, frozen=True):
    """Median, least and greatest of ``count`` measurements."""

    median: float
    low: float
    high: float
    count: int


def spread(values: Iterable[float]) -> Spread:
    """Raises ``ValueError`` when there are no values."""
    taken = list(values)
    if not taken:
        raise ValueError("nothing was measured")
    return Spread(statistics.median(taken), min(taken), max(taken), len(taken))


def ratios(measured: Sequence[float], peers: Sequence[float]) -> Spread:
    """Each measurement by the peer that ran beside it: what slows the machine for a while slows both."""
    return spread(mine / peer for mine, peer in zip(measured, peers, strict=True))


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that ``percent`` of the values do not exceed (nearest rank)."""
    if not values:
        raise ValueError("nothing was measured")
    ordered = sorted(values)
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(0, min(len(ordered), int(rank)) - 1)]


def timed(action: Callable[[], Answer]) -> tuple[float, Answer]:
    """Seconds an action took, and what it returned."""
    started = time.perf_counter()
    answer = action()
    return time.perf_counter() - started, answer
