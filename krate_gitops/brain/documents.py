"""YAML documents of one file: where each begins and ends."""

from __future__ import annotations

import re

import msgspec

_MARKER = re.compile(r"\n(?:---|\.\.\.)(?=[ \t\n]|\Z)")


class Span(msgspec.Struct, frozen=True):
    """Character range of one document; ``plain`` is False when its marker line carries content of its own."""

    start: int
    end: int
    plain: bool = True


def split_documents(text: str) -> list[Span]:
    """Document ranges of a YAML stream without comments-only and empty documents.

    A line that starts with ``---`` or ``...`` always ends a document in YAML, even inside a block scalar, so splitting
    there is exact.
    """
    if "\n---" not in text and "\n..." not in text and not text.startswith(("---", "...")):
        return [Span(0, len(text))] if _has_content(text, 0, len(text)) else []
    spans, start, plain = [], 0, True
    # A line end in front makes all markers alike, and quick to find. It shifts every offset by one.
    for marker in _MARKER.finditer(f"\n{text}"):
        if _has_content(text, start, marker.start()):
            spans.append(Span(start, marker.start(), plain))
        line_end = text.find("\n", marker.end() - 1)
        line_end = len(text) if line_end < 0 else line_end + 1
        rest = text[marker.end() - 1 : line_end].strip()
        plain = not rest or rest.startswith("#")
        start = line_end if plain else marker.end() - 1
    if _has_content(text, start, len(text)):
        spans.append(Span(start, len(text), plain))
    return spans


_CONTENT = re.compile(r"^[ \t]*[^#\s]", re.MULTILINE)
_CONTENT_HERE = re.compile(r"[ \t]*[^#\s]")


def _has_content(text: str, start: int, end: int) -> bool:
    # A document may begin in the middle of a line, behind its marker, where ``^`` does not match.
    return (_CONTENT_HERE.match(text, start, end) or _CONTENT.search(text, start, end)) is not None
