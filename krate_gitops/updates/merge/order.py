"""One order for what two sides have in an order of their own."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TypeVar

from krate_gitops.updates.merge.line_hunks import hunks

Key = TypeVar("Key", bound=Hashable)


def joint_order(base: Sequence[Key], ours: Sequence[Key], theirs: Sequence[Key], kept: set[Key]) -> list[Key]:
    """The kept keys, each of which some side has, in the order of the base as both sides changed it.

    What takes the place of something stands there; what is new at one place on both sides comes in the order theirs,
    ours. Keys of a side are distinct.
    """
    places: dict[Key, tuple[int, int, int, int]] = {key: (at, 1, 0, 0) for at, key in enumerate(base)}
    for rank, side in ((2, ours), (1, theirs)):
        for hunk in hunks(base, side):
            for offset, key in enumerate(side[hunk.first : hunk.last]):
                at = hunk.start + offset
                places[key] = (at, 1, rank, offset) if at < hunk.end else (hunk.end, 0, rank, offset)
    return sorted(kept, key=places.__getitem__)


def unique(keys: Sequence[Key]) -> bool:
    """Whether no key is there twice."""
    return len(set(keys)) == len(keys)
