"""The first of many in an order, found without sorting all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from krate_gitops.brain.links import Array

Criterion = Callable[[Array], Array]
"""The keys of some positions; smaller comes first. One that is called first decides first."""


def first_of(count: int, criteria: Sequence[Criterion], most: int) -> Array:
    """The first ``most`` of the positions below ``count``, in order. The last criterion tells all of them apart.

    Criterion by criterion, whatever certainly comes later is dropped, so that nearly all keys are asked for few.
    """
    if most <= 0:
        return np.zeros(0, dtype=np.int64)
    taken: list[Array] = []
    left, at = most, np.arange(count)
    for criterion in criteria:
        if len(at) <= left:
            break
        keys = criterion(at)
        last = np.partition(keys, left - 1)[left - 1]
        taken.append(at[keys < last])
        left -= len(taken[-1])
        at = at[keys == last]
    kept = np.concatenate([*taken, at])
    order = np.lexsort([criterion(kept) for criterion in reversed(criteria)])
    return kept[order[:most]]
