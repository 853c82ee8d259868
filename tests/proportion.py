"""Whether work grows with its input and no faster, told by the processor time of two sizes in one run."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

_GROWTH = 8
# Between eight times the work, which is right, and sixty-four times, which is a loop within the loop.
_LIMIT = 24
_TRIES = 3


def assert_in_proportion(work: Callable[[int], object], size: int) -> None:
    """Asserts that ``work`` of eight times the size takes about eight times as long: the best of three of each.

    Waiting doesn't count, nor does the collection of garbage, which costs what the whole process holds. A size should
    keep the work busy for some milliseconds; one that never ends makes the test hang, which is a failure as well.
    """
    few = _busy(lambda: work(size))
    many = _busy(lambda: work(_GROWTH * size))
    assert many < _LIMIT * few, f"{_GROWTH} times the size takes {many / few:.1f} times as long"


def _busy(work: Callable[[], object]) -> float:
    gc.collect()
    gc.disable()
    try:
        return min(_once(work) for _ in range(_TRIES))
    finally:
        gc.enable()


def _once(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started
