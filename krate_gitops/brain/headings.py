"""Headings of Markdown text."""

from __future__ import annotations

import re

_HEADING = re.compile(r"^#[ \t]+(?!#+[ \t]*$)(\S.*)$", re.MULTILINE)
_FENCED = re.compile(r"^(```|~~~)", re.MULTILINE)


def first_heading(body: str) -> str | None:
    """Text of the first level-one heading outside code fences."""
    match = _HEADING.search(body)
    if match is None:
        return None
    if len(_FENCED.findall(body, 0, match.start())) % 2 == 0:
        return _heading_text(match[1])
    open_fence = False
    for line in body.split("\n"):
        if line.startswith(("```", "~~~")):
            open_fence = not open_fence
        elif not open_fence and (heading := _HEADING.fullmatch(line)):
            return _heading_text(heading[1])
    return None


def _heading_text(text: str) -> str:
    """A heading without the signs that may close it; ``C#`` keeps its own."""
    text = text.rstrip()
    bare = text.rstrip("#")
    return bare.rstrip() if bare[-1:] in (" ", "\t") else text
