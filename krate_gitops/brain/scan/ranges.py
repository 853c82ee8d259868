"""Ranges of a text, sorted and disjoint, that answer which of them a place meets without looking at all of them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable


class Ranges:
    """Half-open ranges of character offsets. Overlapping ones are joined."""

    def __init__(self, ranges: Iterable[tuple[int, int]]) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for start, end in sorted(ranges):
            if self._ends and start < self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], end)
            else:
                self._starts.append(start)
                self._ends.append(end)

    def meets(self, start: int, end: int) -> bool:
        """Whether any range shares a character with ``[start, end)``."""
        at = bisect_right(self._ends, start)
        return at < len(self._starts) and self._starts[at] < end

    def around(self, start: int, end: int) -> tuple[int, int]:
        """``[start, end)`` made larger by the ranges that it cuts."""
        first = bisect_right(self._ends, start)
        last = bisect_left(self._starts, end) - 1
        if first > last:
            return start, end
        return min(start, self._starts[first]), max(end, self._ends[last])
