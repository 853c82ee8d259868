"""Path globs: ``?`` and ``*`` within a segment, ``**`` as any number of segments, every other character literal.

Patterns are anchored at the memory root and case-sensitive. They come from repositories and policies, so a hostile one
must not cost more than the length of the path times its own: every ``*`` but the last of a segment, and every ``**``
but the last, is matched once, leftmost, and never tried again (atomic groups). Leftmost is enough, because a match
further to the left leaves more for the rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

Matcher = Callable[[str], bool]

_SPECIAL = re.compile(r"[*?]")


def compile_globs(patterns: Iterable[str]) -> Matcher:
    """A test whether a path matches any of the patterns; no pattern matches nothing."""
    return _compile(tuple(patterns))


@lru_cache(maxsize=4096)
def _compile(patterns: tuple[str, ...]) -> Matcher:
    exact: set[str] = set()
    folders: list[str] = []
    expressions: list[str] = []
    for pattern in patterns:
        folder = pattern[:-2]
        if pattern == "**":
            return _everything
        if not _SPECIAL.search(pattern):
            exact.add(pattern)
        elif pattern.endswith("/**") and not _SPECIAL.search(folder):
            folders.append(folder)
        else:
            expressions.append(_expression(pattern))
    return _matcher(frozenset(exact), tuple(folders), expressions)


def _matcher(exact: frozenset[str], folders: tuple[str, ...], expressions: list[str]) -> Matcher:
    # Most lists are a few folders; they need no regular expression.
    if not expressions:
        if not exact:
            return lambda path: path.startswith(folders)
        return lambda path: path in exact or path.startswith(folders)
    found = re.compile("|".join(expressions), re.DOTALL).fullmatch
    return lambda path: path in exact or path.startswith(folders) or found(path) is not None


def _everything(_: str) -> bool:
    return True


def _expression(pattern: str) -> str:
    """Regular expression of one pattern."""
    segments = pattern.split("/")
    # Runs of plain segments between the ``**``; at its end a pattern's ``**`` asks for at least one segment.
    runs: list[list[str]] = [[]]
    for segment in segments:
        if segment == "**":
            runs.append([])
        else:
            runs[-1].append(segment)
    if len(runs) == 1:
        return "/".join(map(_segment, segments))
    parts = ["".join(_segment(segment) + "/" for segment in runs[0])]
    for run in runs[1:-1]:
        if run:
            parts.append("(?>(?:[^/]*/)*?" + "".join(_segment(segment) + "/" for segment in run) + ")")
    if runs[-1]:
        parts.append("(?:[^/]*/)*" + "/".join(map(_segment, runs[-1])))
    else:
        parts.append(".*")
    return "".join(parts)


def _segment(segment: str) -> str:
    pieces = [_literal(piece) for piece in re.split(r"\*+", segment)]
    if len(pieces) == 1:
        return pieces[0]
    middle = "".join(f"(?>[^/]*?{piece})" for piece in pieces[1:-1])
    return f"{pieces[0]}{middle}[^/]*{pieces[-1]}"


def _literal(piece: str) -> str:
    return "".join("[^/]" if character == "?" else re.escape(character) for character in piece)
