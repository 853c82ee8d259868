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
_SPLIT = re2.compile(r"[^\p{L}\p{M}\p{N}_.-]+")
_OWN_ENDS = re.compile(r"\\[Az]|\(\?[a-zA-Z]*-")
"""A pattern with one of these may mean the ends of the whole text, or switches flags off."""

_SHOWN_BEFORE = 1024
"""Bytes kept before a match that lies beyond the part of a very long line that is shown."""


class Match(msgspec.Struct, frozen=True, rename="camel", gc=False):
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
    held: tuple[frozenset[str], ...]
    """Words of the query on the line of each match."""

    @property
    def words(self) -> frozenset[str]:
        """Words of the query on its matching lines."""
        return self.held[0] if len(self.held) == 1 else frozenset().union(*self.held)


class _Line(NamedTuple):
    """A matching line: where it starts and ends in the text, where its first match does in the line, and its words."""

    start: int
    end: int
    match: tuple[int, int]
    words: frozenset[str]


def split_terms(text: str) -> list[str]:
    """Terms of a text: lower case, split at other characters than letters, digits, ``-``, ``_``, ``.``.

    Combining marks belong to their letters. Terms of one character are left out, and so are repetitions.
    """
    return _terms(lowered(text))


def _terms(text: str) -> list[str]:
    terms = (term.strip(".-_") for term in _SPLIT.split(text))
    return list(dict.fromkeys(term for term in terms if len(term) > 1))


def lowered(text: str) -> str:
    """The text in lower case, character by character and as many of them, so that offsets are those of the text.

    The few capitals that are longer in lower case stay as they are. Every character is lowered in the same way wherever
    it stands (Python's own method looks around it for a sigma), or a word would be found in one place and missed in
    another.
    """
    low = text.lower()
    if len(low) == len(text) and "\u03a3" not in text:
        return low
    return "".join(one if len(one := char.lower()) == 1 else char for char in text)


class Matcher:
    """Finds the matching lines of a file's text. Raises ``UsageError(INVALID_REQUEST)`` for a bad pattern.

    A line matches when it holds the whole text, or at least half of its terms. ``terms`` are those to look up in the
    index of words, of which a file must hold ``needed``; there are none for a pattern.
    """

    def __init__(self, text: str, *, regex: bool, case_sensitive: bool) -> None:
        self.is_folding = not regex and not case_sensitive
        """Whether lower case is what is searched."""
        self._pattern: Any = _compile(text, case_sensitive) if regex else None
        # Where no line can match, the text as a whole does not, unless the pattern is tied to its very ends.
        anywhere = regex and not _OWN_ENDS.search(text)
        self._anywhere: Any = _compile(f"(?m){text}", case_sensitive) if anywhere else None
        self._whole = text if case_sensitive else lowered(text)
        self._words = [] if regex else _terms(self._whole)
        self.needed = (len(self._words) + 1) // 2
        self.terms = [lowered(word) for word in self._words]

    def lines(self, text: str) -> list[_Line]:
        """Matching lines in order. The text is in lower case where this is what is searched."""
        if self._pattern is not None:
            return list(self._by_pattern(text))
        if self._words == [self._whole]:
            return list(self._by_word(text, self._whole))
        held: dict[int, list[str]] = {}
        for word in self._words:
            for start in _line_starts(text, word):
                held.setdefault(start, []).append(word)
        # No line holds a text of several lines.
        whole = set(_line_starts(text, self._whole)) if "\n" not in self._whole else set()
        found = {start for start, words in held.items() if len(words) >= self.needed} | whole
        return [self._line(text, start, start in whole, held.get(start, [])) for start in sorted(found)]

    @staticmethod
    def _by_word(text: str, word: str) -> Iterator[_Line]:
        """Matching lines where the whole text is one word."""
        words, size = frozenset((word,)), len(word)
        at = text.find(word)
        while at >= 0:
            start, end = text.rfind("\n", 0, at) + 1, _line_end(text, at)
            yield _Line(start, end, (at - start, at - start + size), words)
            at = text.find(word, end)

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
    """Windows around the first ``most`` matching lines, overlapping ones merged, and the number of matching lines.

    The text is in lower case where this is what the matcher searches; lines stand there at the same places.
    """
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
                last.first, number + below, last.start, end, (*last.matches, match), (*last.held, line.words)
            )
        else:
            found.append(Window(number - above, number + below, start, end, (match,), (line.words,)))
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
    return Window(first, first + lines, start, end, (), ())


def trimmed(text: str, window: Window, most: int, *, context: int) -> Window:
    """The window around its first ``most`` matches alone."""
    if len(window.matches) <= most:
        return window
    last = window.matches[most - 1]
    start = window.start
    for _ in range(last.line - window.first):
        start = text.index("\n", start) + 1
    end, below = _below(text, _line_end(text, start), context)
    return Window(window.first, last.line + below, window.start, end, window.matches[:most], window.held[:most])


class Excerpt(NamedTuple):
    """Text of a window, without a trailing newline, and its matches as they stand in it."""

    text: str
    matches: tuple[Match, ...]


def excerpt(text: str, window: Window) -> Excerpt:
    """What a window shows. Of very long lines a part is shown that holds the match."""
    part = text[window.start : window.end]
    if len(part) <= MAX_LINE_BYTES // 4:
        return Excerpt(part, window.matches)
    at = {match.line: match for match in window.matches}
    lines = part.split("\n")
    for number, line in enumerate(lines, window.first):
        lines[number - window.first], match = _cut_line(line, at.get(number))
        if match:
            at[number] = match
    return Excerpt("\n".join(lines), tuple(at.values()))


def excerpt_of_lines(text: str, window: Window) -> str:
    """The same lines of another text with as many lines."""
    return "\n".join(text.split("\n")[window.first - 1 : window.last])


def _cut_line(line: str, match: Match | None) -> tuple[str, Match | None]:
    """A line of at most ``MAX_LINE_BYTES`` and a mark at each cut, and its match moved along with the text."""
    if len(line) <= MAX_LINE_BYTES // 4 or len(line.encode()) <= MAX_LINE_BYTES:
        return line, match
    begin = 0
    if match and len(line[: match.end].encode()) > MAX_LINE_BYTES:
        begin = len(line[: match.start].encode()[:-_SHOWN_BEFORE].decode(errors="ignore"))
    kept = line[begin : begin + MAX_LINE_BYTES].encode()[:MAX_LINE_BYTES].decode(errors="ignore")
    before, after = "…" * (begin > 0), "…" * (begin + len(kept) < len(line))
    if match:
        shift = begin - len(before)
        end = min(match.end - shift, len(before) + len(kept))
        match = Match(match.line, match.start - shift, end)
    return before + kept + after, match
