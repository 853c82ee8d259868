"""Lines of the commit's files that hold a text, a good part of its words, or a pattern."""

from __future__ import annotations

import re
from collections.abc import Iterator
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
    """Lines ``first`` to ``last`` (1-based, inclusive) of a file and where they stand in its text."""

    first: int
    last: int
    start: int
    end: int
    matches: tuple[Match, ...]
    words: frozenset[str]


class _Line(NamedTuple):
    """A matching line: where it starts and ends in the text, where its first match does in the line, and its words."""

    start: int
    end: int
    match: tuple[int, int]
    words: frozenset[str]


def split_terms(text: str) -> list[str]:
    """Terms of a text: case-folded, split at other characters than letters, digits, ``-``, ``_``, ``.``.

    Terms of one character are left out, and so are repetitions.
    """
    return _terms(text.casefold())


def _terms(text: str) -> list[str]:
    terms = (term.strip(".-_") for term in _SPLIT.split(text))
    return list(dict.fromkeys(term for term in terms if len(term) > 1))


class Matcher:
    """Finds the matching lines of a file's text. Raises ``UsageError(INVALID_REQUEST)`` for a bad pattern.

    A line matches when it holds the whole text, or at least half of its terms. ``terms`` are those to look up in the
    index of words; empty for a pattern.
    """

    def __init__(self, text: str, *, regex: bool, case_sensitive: bool) -> None:
        self.terms = [] if regex else split_terms(text)
        self._case = case_sensitive
        self._pattern: Any = _compile(text, case_sensitive) if regex else None
        # Where no line can match, the text as a whole does not, unless the pattern is tied to its very ends.
        tied = "\\A" in text or "\\z" in text
        self._anywhere: Any = _compile(f"(?m:{text})", case_sensitive) if regex and not tied else None
        self._whole = text if case_sensitive else text.lower()
        self._words = self.terms if not case_sensitive else _terms(text)
        self._needed = (len(self._words) + 1) // 2

    def lines(self, text: str) -> list[_Line]:
        """Matching lines in order."""
        if self._pattern is not None:
            return list(self._by_pattern(text))
        lowered = text if self._case else text.lower()
        if len(lowered) != len(text):  # a few capitals are longer in lower case; offsets must be those of the text
            lowered = "".join(char.lower() if len(char.lower()) == 1 else char for char in text)
        held: dict[int, list[str]] = {}
        for word in self._words:
            for start in _line_starts(lowered, word):
                held.setdefault(start, []).append(word)
        whole = set(_line_starts(lowered, self._whole))
        found = {start for start, words in held.items() if len(words) >= self._needed} | whole
        return [self._line(lowered, start, start in whole, held.get(start, [])) for start in sorted(found)]

    def _line(self, text: str, start: int, whole: bool, words: list[str]) -> _Line:
        end = _line_end(text, start)
        targets = [self._whole] if whole else words
        at, word = min((text.find(target, start, end), target) for target in targets)
        return _Line(start, end, (at - start, at - start + len(word)), frozenset(words))

    def _by_pattern(self, text: str) -> Iterator[_Line]:
        if self._anywhere is not None and self._anywhere.search(text) is None:
            return
        start = 0
        for line in text.split("\n"):
            found = self._pattern.search(line)
            if found is not None:
                yield _Line(start, start + len(line), (found.start(), found.end()), frozenset())
            start += len(line) + 1


def _line_starts(text: str, word: str) -> Iterator[int]:
    """Where the lines start that hold a word."""
    at = text.find(word)
    while at >= 0:
        yield text.rfind("\n", 0, at) + 1
        at = text.find(word, _line_end(text, at))


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


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
    lines = matcher.lines(text)
    found: list[Window] = []
    number, counted = 1, 0
    for line in lines[:most]:
        number += text.count("\n", counted, line.start)
        counted = line.start
        match = Match(number, *line.match)
        start, above = _above(text, line.start, context)
        end, below = _below(text, line.end, context)
        if found and start <= found[-1].end + 1:
            last = found[-1]
            found[-1] = Window(
                last.first, number + below, last.start, end, (*last.matches, match), last.words | line.words
            )
        else:
            found.append(Window(number - above, number + below, start, end, (match,), line.words))
    return found, len(lines)


def _above(text: str, start: int, context: int) -> tuple[int, int]:
    """Start of the window that reaches ``context`` lines up, and how many there are."""
    lines = 0
    while lines < context and start > 0:
        start = text.rfind("\n", 0, start - 1) + 1
        lines += 1
    return start, lines


def _below(text: str, end: int, context: int) -> tuple[int, int]:
    """End of the window that reaches ``context`` lines down, and how many; a final line feed starts no line."""
    lines = 0
    while lines < context and end < len(text) - 1:
        end = _line_end(text, end + 1)
        lines += 1
    return end, lines


def span(text: str, first: int, last: int) -> Window | None:
    """The window of some lines of a text, or None when the first does not exist."""
    start = 0
    for _ in range(first - 1):
        start = text.find("\n", start) + 1
        if start == 0 or start == len(text):
            return None
    end, lines = _below(text, _line_end(text, start), last - first)
    return Window(first, first + lines, start, end, (), frozenset())


def excerpt(text: str, window: Window) -> str:
    """Text of a window, without a trailing newline; very long lines are cut."""
    part = text[window.start : window.end]
    return "\n".join(map(_cut_line, part.split("\n"))) if len(part) > MAX_LINE_BYTES // 4 else part


def excerpt_of_lines(text: str, window: Window) -> str:
    """The same lines of another text with as many lines."""
    return "\n".join(text.split("\n")[window.first - 1 : window.last])


def _cut_line(line: str) -> str:
    data = line.encode()
    if len(data) <= MAX_LINE_BYTES:
        return line
    return data[:MAX_LINE_BYTES].decode(errors="ignore") + "…"
