"""Three-way merge of texts by line: what one side changed is taken, what both changed at one place clashes."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import NamedTuple

from krate_gitops.updates.merge.line_hunks import Hunk, hunks


class Clash(NamedTuple):
    """Lines that both sides changed: theirs stand from line ``line`` (from 0) of their text on."""

    line: int
    observed: tuple[str, ...]
    current: tuple[str, ...]
    proposed: tuple[str, ...]


class LineMerge(NamedTuple):
    """``text`` has theirs where both sides clash. ``guess`` goes further there, for a caller that can tell whether the
    result is right: it takes single lines that one side changed, and what both inserted, theirs first.
    """

    text: str
    clashes: tuple[Clash, ...]
    guess: str


class Region(NamedTuple):
    """A stretch of the three texts, as ranges of lines; ``taken`` is whose it becomes, None where they clash."""

    base: slice
    ours: slice
    theirs: slice
    taken: str | None


def merge_lines(base: str, ours: str, theirs: str) -> LineMerge:
    """Merges texts whose lines end with LF; the line feed at the end counts on its own."""
    old, mine, current = _lines(base), _lines(ours), _lines(theirs)
    text: list[str] = []
    guess: list[str] = []
    clashes: list[Clash] = []
    for region in regions(old, mine, current):
        taken = mine[region.ours] if region.taken == "ours" else current[region.theirs]
        text += taken
        if region.taken is None:
            three = (old[region.base], mine[region.ours], current[region.theirs])
            clashes.append(Clash(region.theirs.start, tuple(three[0]), tuple(three[2]), tuple(three[1])))
            guess += _guessed(*three)
        else:
            guess += taken
    ends = [_is_ended(one) for one in (base, ours, theirs)]
    is_ended = ends[2] if ends[0] == ends[1] else ends[1]
    return LineMerge(_joined(text, is_ended), tuple(clashes), _joined(guess, is_ended))


def regions(base: Sequence[Hashable], ours: Sequence[Hashable], theirs: Sequence[Hashable]) -> Iterator[Region]:
    """The stretches of three sequences in order, which cover them; changes of both sides that touch are in one."""
    mine, current = hunks(base, ours), hunks(base, theirs)
    at = at_mine = at_current = 0
    done = [0, 0, 0]
    while at_mine < len(mine) or at_current < len(current):
        first_mine, first_current = at_mine, at_current
        start = min(one[at].start for one, at in ((mine, at_mine), (current, at_current)) if at < len(one))
        end = start
        while True:
            if at_mine < len(mine) and mine[at_mine].start <= end:
                end, at_mine = max(end, mine[at_mine].end), at_mine + 1
            elif at_current < len(current) and current[at_current].start <= end:
                end, at_current = max(end, current[at_current].end), at_current + 1
            else:
                break
        lead = start - at
        here = slice(start, end)
        in_ours = _carried(mine[first_mine:at_mine], here, done[1] + lead)
        in_theirs = _carried(current[first_current:at_current], here, done[2] + lead)
        if lead:
            yield Region(slice(at, start), slice(done[1], in_ours.start), slice(done[2], in_theirs.start), "theirs")
        yield Region(here, in_ours, in_theirs, _whose(base[here], ours[in_ours], theirs[in_theirs]))
        at, done = end, [end, in_ours.stop, in_theirs.stop]
    if at < len(base):
        yield Region(slice(at, len(base)), slice(done[1], len(ours)), slice(done[2], len(theirs)), "theirs")


def _carried(inside: list[Hunk], base: slice, start: int) -> slice:
    """Where a range of the base stands in a text whose hunks within it are given."""
    grown = sum((hunk.last - hunk.first) - (hunk.end - hunk.start) for hunk in inside)
    return slice(start, start + (base.stop - base.start) + grown)


def _whose(base: Sequence[Hashable], ours: Sequence[Hashable], theirs: Sequence[Hashable]) -> str | None:
    if list(ours) in (list(base), list(theirs)):
        return "theirs"
    return "ours" if list(theirs) == list(base) else None


def _guessed(base: list[str], ours: list[str], theirs: list[str]) -> list[str]:
    if not base:
        return theirs + ours
    if len(base) == len(ours) == len(theirs):
        return [new if now == old else now for old, new, now in zip(base, ours, theirs, strict=True)]
    return theirs


def _lines(text: str) -> list[str]:
    lines = text.split("\n")
    return lines[:-1] if not lines[-1] else lines


def _is_ended(text: str) -> bool:
    return not text or text.endswith("\n")


def _joined(lines: list[str], is_ended: bool) -> str:
    return "\n".join(lines) + ("\n" if lines and is_ended else "")
