"""Ranges of a text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from krate_gitops.brain.scan.ranges import Ranges

spans = st.tuples(st.integers(0, 30), st.integers(1, 6)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@given(st.lists(spans), spans)
def test_meeting_and_growing_agree_with_looking_at_every_range(
    ranges: list[tuple[int, int]], place: tuple[int, int]
) -> None:
    start, end = place
    assert Ranges(ranges).meets(start, end) == any(low < end and start < high for low, high in ranges)
    low, high = start, end
    for other in sorted(ranges):
        if _joined(other, ranges, place):
            low, high = min(low, other[0]), max(high, other[1])
    assert Ranges(ranges).around(start, end) == (low, high)


def _joined(one: tuple[int, int], ranges: list[tuple[int, int]], place: tuple[int, int]) -> bool:
    """Whether a chain of overlapping ranges leads from ``place`` to ``one``."""
    reached = {place}
    while True:
        more = {other for other in ranges if any(other[0] < high and low < other[1] for low, high in reached)}
        if more <= reached:
            return one in reached
        reached |= more
