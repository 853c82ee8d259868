"""Which numbers of a journal were there already, in memory that doesn't grow while they come in order."""

from __future__ import annotations

from bisect import bisect_right


class Sequences:
    """Numbers as disjoint stretches: ``first[i]`` to ``last[i]``."""

    def __init__(self) -> None:
        self._first: list[int] = []
        self._last: list[int] = []

    @property
    def highest(self) -> int:
        """The highest number, 0 where there is none."""
        return self._last[-1] if self._last else 0

    def add(self, number: int) -> bool:
        """Adds a number; False if it was there."""
        first, last = self._first, self._last
        if last and number == last[-1] + 1:
            last[-1] = number
            return True
        at = bisect_right(first, number) - 1
        if at >= 0 and number <= last[at]:
            return False
        joins_before = at >= 0 and last[at] == number - 1
        joins_after = at + 1 < len(first) and first[at + 1] == number + 1
        if joins_before and joins_after:
            last[at] = last[at + 1]
            del first[at + 1], last[at + 1]
        elif joins_before:
            last[at] = number
        elif joins_after:
            first[at + 1] = number
        else:
            first.insert(at + 1, number)
            last.insert(at + 1, number)
        return True
