"""Lines of the commit's files that hold a text, a good part of its words, or a pattern."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec
import re2

from krate_gitops.errors import UsageError

MAX_LINE_BYTES = 4096
SCAN_FACTOR = 10
"""Scanning stops at this many times ``maxMatches`` raw matches."""

_PATTERN_MEMORY = 8 << 20
_SPLIT = re.compile(r"[^\w.-]+")


class Match(msgspec.Struct, frozen=True, rename="camel"):
    """A match: 1-based line; 0-based, end-exclusive characters in that line of the excerpt's text."""

    line: int
    start: int
    end: int


class Window(NamedTuple):
    """Lines ``first`` to ``last`` (1-based, inclusive) of a file, with the matches in them."""

    first: int
    last: int
    matches: tuple[Match, ...]
    words: frozenset[str]


def split_terms(text: str) -> list[str]:
    """Terms of a text: case-folded, split at other characters than letters, digits, ``-``, ``_``, ``.``; those of one
    character are left out."""
    terms = (term.strip(".-_") for term in _SPLIT.split(text.casefold()))
    return list(dict.fromkeys(term for term in terms if len(term) > 1))


class Matcher:
    """Finds the matching lines of a file's text. Raises ``UsageError(INVALID_REQUEST)`` for a bad pattern."""

    def __init__(self, text: str, *, regex: bool, case_sensitive: bool) -> None:
        self.terms = [] if regex else split_terms(text)
        self._case = case_sensitive
        self._pattern: Any = _compile(text, case_sensitive) if regex else None
        self._whole = text if case_sensitive else text.lower()
        self._words = self.terms if not case_sensitive else _cased(text)
        self._needed = max(1, (len(self._words) + 1) // 2)

    def lines(self, text: str) -> Iterable[tuple[int, int, int, frozenset[str]]]:
        """Number of a matching line (from 0), start and end of its first match, and the words it holds."""
        if self._pattern is not None:
            yield from self._by_pattern(text)
            return
        lowered = text if self._case else text.lower()
        if len(lowered) != len(text):  # a few capitals are longer in lower case; offsets must be those of the text
            lowered = "".join(char.lower() if len(char.lower()) == 1 else char for char in text)
        candidates = (self._whole,) if not self._words else self._words
        if not any(word in lowered for word in candidates):
            return
        for number, line in enumerate(lowered.split("\n")):
            found = self._in_line(line)
            if found is not None:
                yield number, *found

    def _in_line(self, line: str) -> tuple[int, int, frozenset[str]] | None:
        held = [word for word in self._words if word in line]
        at = line.find(self._whole)
        if at >= 0:
            return at, at + len(self._whole), frozenset(held)
        if not held or len(held) < self._needed:
            return None
        at, word = min((line.find(word), word) for word in held)
        return at, at + len(word), frozenset(held)

    def _by_pattern(self, text: str) -> Iterable[tuple[int, int, int, frozenset[str]]]:
        for number, line in enumerate(text.split("\n")):
            found = self._pattern.search(line)
            if found is not None:
                yield number, found.start(), found.end(), frozenset()


def _cased(text: str) -> list[str]:
    terms = (term.strip(".-_") for term in _SPLIT.split(text))
    return list(dict.fromkeys(term for term in terms if len(term) > 1))


def _compile(pattern: str, case_sensitive: bool) -> Any:
    options = re2.Options()
    options.max_mem = _PATTERN_MEMORY
    options.log_errors = False
    options.case_sensitive = case_sensitive
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        message = error.args[0] if error.args else "not a pattern"
        message = message.decode(errors="replace") if isinstance(message, bytes) else str(message)
        raise UsageError("INVALID_REQUEST", f"not a usable pattern: {message}", hint="patterns follow RE2") from None


def windows(text: str, matcher: Matcher, *, context: int, most: int) -> tuple[list[Window], int]:
    """Windows around the first ``most`` matching lines, overlapping ones merged, and the number of matching lines."""
    lines = text.count("\n") + (not text.endswith("\n"))
    found: list[Window] = []
    total = 0
    for number, start, end, words in matcher.lines(text):
        total += 1
        if total > most:
            continue
        first, last = max(1, number + 1 - context), min(lines, number + 1 + context)
        match = Match(number + 1, start, end)
        if found and first <= found[-1].last + 1:
            previous = found[-1]
            found[-1] = Window(
                previous.first, max(last, previous.last), (*previous.matches, match), previous.words | words
            )
        else:
            found.append(Window(first, last, (match,), words))
    return found, total


def cut_line(line: str) -> str:
    """The line, or its beginning and an ellipsis when it is over ``MAX_LINE_BYTES``."""
    data = line.encode()
    if len(data) <= MAX_LINE_BYTES:
        return line
    return data[:MAX_LINE_BYTES].decode(errors="ignore") + "…"


def excerpt(text: str, window: Window) -> str:
    """Text of a window, without a trailing newline."""
    lines = text.split("\n")[window.first - 1 : window.last]
    return "\n".join(cut_line(line) for line in lines)
