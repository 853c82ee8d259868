"""Filling the room an answer has: items in order, cut or left out where they do not fit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

LEAST_CUT = 512
"""An excerpt or document is cut only if this many bytes of it fit."""


class Item(NamedTuple):
    """Text that wants room. ``text`` is what counts against it; only ``divisible`` ones may be cut."""

    text: str
    divisible: bool


class Fit(NamedTuple):
    """What an item got: its whole text, the part up to a line's end, or None."""

    text: str | None
    cut: bool
    bytes: int


def fill(items: Iterable[Item], max_bytes: int) -> list[Fit]:
    """Room for each item, in order. An item that gets none leaves the room to those after it."""
    left = max_bytes
    fits: list[Fit] = []
    for item in items:
        size = len(item.text.encode())
        if size <= left:
            fit = Fit(item.text, False, size)
        elif item.divisible and left >= LEAST_CUT:
            fit = _cut(item.text, left)
        else:
            fit = Fit(None, False, size)
        if fit.text is not None:
            left -= fit.bytes
        fits.append(fit)
    return fits


def _cut(text: str, room: int) -> Fit:
    """The longest part that ends with a line and fits; None when not even ``LEAST_CUT`` bytes of it would stay."""
    # One byte more, since the line feed that ends the part need not fit.
    part = text.encode()[: room + 1].decode(errors="ignore")
    kept = part[: max(part.rfind("\n"), 0)]
    size = len(kept.encode())
    if size < LEAST_CUT:
        return Fit(None, False, len(text.encode()))
    return Fit(kept, True, size)
