"""Pieces of text to take the place of others, and how they get into the bytes of a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from krate_gitops.brain.text import byte_offsets, decode


class Splice(NamedTuple):
    """Characters from ``start`` up to ``end`` become ``new``; lines in it end with LF."""

    start: int
    end: int
    new: str


def spliced(data: bytes, splices: Sequence[Splice]) -> bytes:
    """The file with all splices made. Several at one place keep their order; only removals may overlap.

    New lines end as those of the file do, and every byte beside the splices stays. Raises ``ValueError``.
    """
    text = decode(data)
    to_byte, ending = byte_offsets(text, data), line_end(data)
    pieces: list[bytes] = []
    done = 0
    at = 0
    was_removal = False
    for start, end, new in sorted(splices, key=lambda one: (one.start, one.end)):
        if start < at and was_removal and not new:
            # Of two lines that go at the end of a file, each takes the line end between them along.
            start, end = at, max(at, end)
        if start < at or end < start or end > len(text):
            raise ValueError("splices overlap")
        pieces.append(data[done : to_byte(start)])
        pieces.append(new.replace("\n", ending).encode())
        done, at, was_removal = to_byte(end), end, not new
    pieces.append(data[done:])
    return b"".join(pieces)


def line_end(data: bytes) -> str:
    """What ends most lines of a file."""
    pairs, feeds, returns = data.count(b"\r\n"), data.count(b"\n"), data.count(b"\r")
    if pairs * 2 > feeds:
        return "\r\n"
    return "\r" if returns and not feeds else "\n"
