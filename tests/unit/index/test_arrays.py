"""Array operations of our own give what numpy's give."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from krate_gitops.brain.arrays import among, distinct

_KEYS = st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 2) | st.sampled_from((1 << 16, 1 << 63)), max_size=12)


@given(_KEYS, _KEYS)
@example([1, 1 + (1 << 16)], [1])
def test_arrays_are_those_of_numpy(values: list[int], wanted: list[int]) -> None:
    keys, few = np.array(values, dtype=np.uint64), np.array(wanted, dtype=np.uint64)
    assert distinct(keys).tolist() == np.unique(keys).tolist()
    assert among(keys, few).tolist() == np.isin(keys, few).tolist()
