"""One order for what two sides have in an order of their own."""

from __future__ import annotations

from collections.abc import Container, Hashable, Sequence
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)


def joint_order(theirs: Sequence[Key], ours: Sequence[Key], kept: Container[Key]) -> list[Key]:
    """The kept keys in their order, with those that only we have behind the one they follow in ours.

    Where both sides put something at one place, theirs comes first. Keys of a side are distinct.
    """
    there, mine = set(theirs), set(ours)
    following: dict[Key | None, list[Key]] = {}
    before: Key | None = None
    for key in ours:
        if key in there:
            before = key
        elif key in kept:
            following.setdefault(before, []).append(key)
    order: list[Key] = []
    waiting = following.get(None, [])
    for key in theirs:
        if key in mine:
            order += waiting
            waiting = following.get(key, [])
        if key in kept:
            order.append(key)
    return order + waiting


def unique(keys: Sequence[Key]) -> bool:
    """Whether no key is there twice."""
    return len(set(keys)) == len(keys)
