"""Where two texts differ by line, in bounded time.

The shortest edit is looked for as Git does (Myers' greedy walk, then groups of lines slid down as far as they go), so
that both find the same hunks. Its time grows with the square of the difference; when that is spent, lines that are
unique in both texts split the rest into smaller gaps, and a gap that still can't be afforded counts as replaced.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Sequence
from math import isqrt
from typing import NamedTuple

_STEPS = 1_500_000
"""Steps of the walk for one pair of texts at most, about half a second."""
_STEPS_PER_LINE = 64
_FREE_STEPS = 40_000
"""What even a short text may take: one of 200 lines can be replaced as a whole."""
_DEEPEST_SPLIT = 8


class Hunk(NamedTuple):
    """Lines from ``start`` up to ``end`` of the old text stand as those from ``first`` up to ``last`` in the new."""

    start: int
    end: int
    first: int
    last: int


def hunks(old: Sequence[Hashable], new: Sequence[Hashable]) -> list[Hunk]:
    """The hunks in order; between any two of them stands at least one line that both texts have."""
    codes: dict[Hashable, int] = {}
    one = [codes.setdefault(line, len(codes)) for line in old]
    other = [codes.setdefault(line, len(codes)) for line in new]
    gone, come = bytearray(b"\1") * len(one), bytearray(b"\1") * len(other)
    for at, there in _Matcher(one, other).pairs():
        gone[at] = come[there] = 0
    _slide(one, gone, come)
    _slide(other, come, gone)
    return _between(gone, come)


def _between(gone: bytearray, come: bytearray) -> list[Hunk]:
    found: list[Hunk] = []
    at = there = 0
    while at < len(gone) or there < len(come):
        start, first = at, there
        while at < len(gone) and gone[at]:
            at += 1
        while there < len(come) and come[there]:
            there += 1
        if at > start or there > first:
            found.append(Hunk(start, at, first, there))
        else:
            at, there = at + 1, there + 1
    return found


class _Gap(NamedTuple):
    """Lines of both texts that lie between two matches; ``depth`` counts the splits that led to it."""

    start: int
    end: int
    first: int
    last: int
    depth: int


class _Matcher:
    def __init__(self, old: list[int], new: list[int]) -> None:
        self._old = old
        self._new = new
        self._left = min(_STEPS, max(_FREE_STEPS, _STEPS_PER_LINE * (len(old) + len(new))))

    def pairs(self) -> list[tuple[int, int]]:
        """Places of equal lines, increasing on both sides."""
        found: list[tuple[int, int]] = []
        open_gaps = [_Gap(0, len(self._old), 0, len(self._new), 0)]
        while open_gaps:
            gap = self._trimmed(open_gaps.pop(), found)
            if gap.start == gap.end or gap.first == gap.last or not self._left:
                continue
            matched = self._walk(gap)
            if matched is not None:
                found += matched
            elif gap.depth < _DEEPEST_SPLIT:
                anchors = self._anchors(gap)
                found += anchors
                open_gaps += _parted(gap, anchors)
        return found

    def _trimmed(self, gap: _Gap, found: list[tuple[int, int]]) -> _Gap:
        start, end, first, last, depth = gap
        while start < end and first < last and self._old[start] == self._new[first]:
            found.append((start, first))
            start, first = start + 1, first + 1
        while start < end and first < last and self._old[end - 1] == self._new[last - 1]:
            end, last = end - 1, last - 1
            found.append((end, last))
        return _Gap(start, end, first, last, depth)

    def _walk(self, gap: _Gap) -> list[tuple[int, int]] | None:
        """Pairs of a longest common subsequence, or None where it costs too much."""
        there = set(self._new[gap.first : gap.last])
        here = set(self._old[gap.start : gap.end])
        rows = [at for at in range(gap.start, gap.end) if self._old[at] in there]
        columns = [at for at in range(gap.first, gap.last) if self._new[at] in here]
        limit = min(len(rows) + len(columns), isqrt(self._left))
        pairs, steps = _shortest([self._old[at] for at in rows], [self._new[at] for at in columns], limit)
        self._left = max(self._left - steps, 0)
        return None if pairs is None else [(rows[at], columns[to]) for at, to in pairs]

    def _anchors(self, gap: _Gap) -> list[tuple[int, int]]:
        """Lines that each side has once, the longest run of them that is in order on both sides."""
        counts = Counter(self._old[gap.start : gap.end])
        others = Counter(self._new[gap.first : gap.last])
        place = {self._new[at]: at for at in range(gap.first, gap.last) if others[self._new[at]] == 1}
        unique = [at for at in range(gap.start, gap.end) if counts[self._old[at]] == 1 and self._old[at] in place]
        ends: list[int] = []
        last_of: list[int] = []
        before: dict[int, int] = {}
        for at in unique:
            to = place[self._old[at]]
            rank = bisect_left(ends, to)
            ends[rank : rank + 1] = [to]
            last_of[rank : rank + 1] = [at]
            before[at] = last_of[rank - 1] if rank else -1
        chain: list[tuple[int, int]] = []
        at = last_of[-1] if last_of else -1
        while at >= 0:
            chain.append((at, place[self._old[at]]))
            at = before[at]
        return chain[::-1]


def _parted(gap: _Gap, anchors: list[tuple[int, int]]) -> list[_Gap]:
    parts: list[_Gap] = []
    start, first = gap.start, gap.first
    for at, to in [*anchors, (gap.end, gap.last)] if anchors else []:
        parts.append(_Gap(start, at, first, to, gap.depth + 1))
        start, first = at + 1, to + 1
    return parts


def _shortest(old: list[int], new: list[int], limit: int) -> tuple[list[tuple[int, int]] | None, int]:
    """Pairs of the shortest edit of at most ``limit`` lines, else None; and the steps it took."""
    size, other = len(old), len(new)
    furthest = [0] * (2 * limit + 3)
    middle = limit + 1
    trace: list[list[int]] = []
    steps = 0
    for edits in range(limit + 1):
        trace.append(furthest[middle - edits - 1 : middle + edits + 2])
        for diagonal in range(-edits, edits + 1, 2):
            at = middle + diagonal
            if diagonal == -edits or (diagonal != edits and furthest[at - 1] < furthest[at + 1]):
                row = furthest[at + 1]
            else:
                row = furthest[at - 1] + 1
            column = row - diagonal
            while row < size and column < other and old[row] == new[column]:
                row, column = row + 1, column + 1
            furthest[at] = row
            if row >= size and column >= other:
                return _back(trace, size, other), steps + edits
        steps += edits + 1
    return None, steps


def _back(trace: list[list[int]], row: int, column: int) -> list[tuple[int, int]]:
    pairs: list[tuple[int, int]] = []
    for edits in range(len(trace) - 1, -1, -1):
        seen = trace[edits]
        diagonal, at = row - column, row - column + edits + 1
        is_down = diagonal == -edits or (diagonal != edits and seen[at - 1] < seen[at + 1])
        came = seen[at + 1] if is_down else seen[at - 1]
        came_column = came - (diagonal + 1 if is_down else diagonal - 1)
        start = came if is_down else came + 1
        if not edits:
            start, came, came_column = 0, 0, 0
        while row > start:
            row, column = row - 1, column - 1
            pairs.append((row, column))
        row, column = came, came_column
    return pairs[::-1]


class _Group:
    """A run of changed lines, maybe empty, behind the n-th line that didn't change."""

    def __init__(self, changed: bytearray) -> None:
        self.changed = changed
        self.start = self.end = 0
        self._grow()

    def _grow(self) -> None:
        while self.end < len(self.changed) and self.changed[self.end]:
            self.end += 1

    def is_last(self) -> bool:
        return self.end == len(self.changed)

    def forward(self) -> None:
        self.start = self.end = self.end + 1
        self._grow()

    def back(self) -> None:
        self.start = self.end = self.start - 1
        while self.start and self.changed[self.start - 1]:
            self.start -= 1

    def up(self, lines: list[int]) -> bool:
        """One line up, where the text stays the same; it then takes in a group that it meets."""
        if not self.start or lines[self.start - 1] != lines[self.end - 1]:
            return False
        self.start, self.end = self.start - 1, self.end - 1
        self.changed[self.start], self.changed[self.end] = 1, 0
        while self.start and self.changed[self.start - 1]:
            self.start -= 1
        return True

    def down(self, lines: list[int]) -> bool:
        if self.is_last() or lines[self.start] != lines[self.end]:
            return False
        self.changed[self.start], self.changed[self.end] = 0, 1
        self.start, self.end = self.start + 1, self.end + 1
        self._grow()
        return True


def _slide(lines: list[int], changed: bytearray, other: bytearray) -> None:
    """Moves each group down as far as it goes, or to where it stands beside a change of the other text."""
    left = 8 * (len(changed) + len(other)) + 64
    group, beside = _Group(changed), _Group(other)
    while left > 0:
        size, beside_at, highest = -1, -1, 0
        while size != group.end - group.start and group.start < group.end and left > 0:
            size, beside_at = group.end - group.start, -1
            while group.up(lines):
                beside.back()
                left -= 1
            highest = group.end
            if beside.start < beside.end:
                beside_at = group.end
            while group.down(lines):
                beside.forward()
                left -= 1
                if beside.start < beside.end:
                    beside_at = group.end
        if size >= 0 and group.end != highest and beside_at >= 0:
            while beside.start == beside.end and group.up(lines):
                beside.back()
        if group.is_last():
            return
        group.forward()
        beside.forward()
