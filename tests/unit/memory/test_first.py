"""The first of many, against sorting all of them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from krate_gitops.brain.links import Array
from krate_gitops.memory.first import Criterion, first_of

rows = st.lists(st.tuples(*[st.integers(-2, 2)] * 3), max_size=40)


def _by(column: Array) -> Criterion:
    return lambda at: column[at]


@given(rows, st.integers(0, 45))
def test_the_first_are_those_that_sorting_all_would_bring_first(rows: list[tuple[int, ...]], most: int) -> None:
    columns = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    found = first_of(len(rows), [*map(_by, columns), lambda at: at], most)
    assert found.tolist() == sorted(range(len(rows)), key=lambda at: (rows[at], at))[:most]
