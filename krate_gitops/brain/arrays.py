"""What numpy offers too, but slowly for the arrays of a brain."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def distinct(values: Array) -> Array:
    """Sorted distinct values.

    ``np.unique`` loads numpy's masked arrays first, which takes longer than all that is asked of a small commit.
    """
    ordered = np.sort(values)
    return ordered[np.concatenate((np.ones(min(1, len(ordered)), dtype=bool), ordered[1:] != ordered[:-1]))]


def among(keys: Array, wanted: Array) -> Array:
    """Whether each of many 64-bit keys is one of the few wanted ones."""
    there = np.zeros(len(keys), dtype=bool)
    few = distinct(wanted)
    if len(few):
        # Keys are digests: their lowest bits rule out nearly all of them, and cost far less than a search.
        ends = np.zeros(1 << 16, dtype=bool)
        ends[few.astype(np.uint16)] = True
        maybe = np.flatnonzero(ends[keys.astype(np.uint16)])
        candidates = keys[maybe]
        at = np.searchsorted(few, candidates)
        at[at == len(few)] = 0
        there[maybe] = few[at] == candidates
    return there
