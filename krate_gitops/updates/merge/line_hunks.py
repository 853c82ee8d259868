"""Where two texts differ by line, in bounded time.

The shortest edit is looked for as Git does (Myers' walk from both ends at once, frequent lines left out where they
only confuse, then groups of lines slid down as far as they go), so that both find the same hunks. Its time grows with
the square of the difference; when that is spent, lines that are unique in both texts split the rest into smaller gaps,
and a gap that still can't be afforded counts as replaced.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Sequence
from typing import NamedTuple

_STEPS = 1_500_000
"""Steps of the walk for one pair of texts at most, about half a second."""
_STEPS_PER_LINE = 64
_FREE_STEPS = 40_000
"""What even a short text may take: one of 200 lines can be replaced as a whole."""
_DEEPEST_SPLIT = 8
_WINDOW = 100
"""Lines to either side that are looked at to tell whether a frequent line stands among ones that are new."""


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
        self._in_old = Counter(old)
        self._in_new = Counter(new)
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
        """Pairs of a longest common subsequence, frequent lines aside; None where it costs too much."""
        rows = _telling(self._old, self._in_new, range(gap.start, gap.end))
        columns = _telling(self._new, self._in_old, range(gap.first, gap.last))
        share = self._left // 2 + 1  # what is left is for smaller gaps, if this is too large
        meeting = _Meeting([self._old[at] for at in rows], [self._new[at] for at in columns], share)
        pairs = meeting.pairs()
        self._left = max(self._left - share + meeting.left, 0)
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


def _telling(lines: list[int], counts: Counter[int], inside: range) -> list[int]:
    """Places of the lines that the other text has as well, by its counts; without those that are so frequent there
    that they tell nothing, where they stand among lines that it hasn't.
    """
    many = min(1 << (len(lines).bit_length() + 1) // 2, 1024)
    rank = [min(counts[lines[at]], 1) + (counts[lines[at]] >= many) for at in inside]
    missing = [*itertools.accumulate((one == 0 for one in rank), initial=0)]
    frequent = [*itertools.accumulate((one == 2 for one in rank), initial=0)]
    found: list[int] = []
    start = 0
    for is_plain, run in itertools.groupby(rank, key=lambda one: one == 1):
        end = start + len(list(run))
        for at in range(start, end):
            low, high = max(start, at - _WINDOW), min(end, at + 1 + _WINDOW)
            around = missing[at] - missing[low], missing[high] - missing[at + 1]
            others = frequent[high] - frequent[low] + 1
            is_noise = all(around) and others * 4 < others + sum(around)
            if is_plain or (rank[at] == 2 and not is_noise):
                found.append(inside[at])
        start = end
    return found


class _Meeting:
    """The shortest edit found from both ends at once: where the two walks meet, the texts are split in two."""

    def __init__(self, old: list[int], new: list[int], left: int) -> None:
        self._old = old
        self._new = new
        self.left = left
        """Steps that may still be taken."""
        # The furthest row of each diagonal, forth and back; negative diagonals count from the end of the list.
        self._reached = [0] * (len(old) + len(new) + 4), [0] * (len(old) + len(new) + 4)

    def pairs(self) -> list[tuple[int, int]] | None:
        """Places of equal lines; None where the steps don't reach."""
        found: list[tuple[int, int]] = []
        boxes = [(0, len(self._old), 0, len(self._new))]
        while boxes:
            start, end, first, last = boxes.pop()
            while start < end and first < last and self._old[start] == self._new[first]:
                found.append((start, first))
                start, first = start + 1, first + 1
            while start < end and first < last and self._old[end - 1] == self._new[last - 1]:
                end, last = end - 1, last - 1
                found.append((end, last))
            if start < end and first < last:
                split = self._split(start, end, first, last)
                if split is None:
                    return None
                boxes += [(start, split[0], first, split[1]), (split[0], end, split[1], last)]
        return found

    def _split(self, start: int, end: int, first: int, last: int) -> tuple[int, int] | None:
        """A place on a shortest edit of a part of both texts, whose ends differ."""
        old, new = self._old, self._new
        lowest, highest = start - last, end - first
        forth, back = self._reached
        forth[start - first], back[end - last] = start, end
        low = high = start - first
        floor = ceiling = end - last
        is_odd = (low - floor) % 2
        while self.left > 0:
            low, high = _widened(forth, low, high, lowest, highest, -1)
            for diagonal in range(high, low - 1, -2):
                before, behind = forth[diagonal - 1], forth[diagonal + 1]
                row = before + 1 if before >= behind else behind
                while row < end and row - diagonal < last and old[row] == new[row - diagonal]:
                    row += 1
                forth[diagonal] = row
                if is_odd and floor <= diagonal <= ceiling and back[diagonal] <= row:
                    return row, row - diagonal
            floor, ceiling = _widened(back, floor, ceiling, lowest, highest, 1 << 62)
            for diagonal in range(ceiling, floor - 1, -2):
                before, behind = back[diagonal - 1], back[diagonal + 1]
                row = before if before < behind else behind - 1
                while row > start and row - diagonal > first and old[row - 1] == new[row - diagonal - 1]:
                    row -= 1
                back[diagonal] = row
                if not is_odd and low <= diagonal <= high and row <= forth[diagonal]:
                    return row, row - diagonal
            self.left -= high - low + ceiling - floor + 2
        return None


def _widened(reached: list[int], low: int, high: int, lowest: int, highest: int, never: int) -> tuple[int, int]:
    """The diagonals of the next round, those beyond both texts left out; beside them stands what is never reached."""
    if low > lowest:
        low -= 1
        reached[low - 1] = never
    else:
        low += 1
    if high < highest:
        high += 1
        reached[high + 1] = never
    else:
        high -= 1
    return low, high


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
