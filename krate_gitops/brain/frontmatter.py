"""Frontmatter: from a first line ``---`` to the next line that is exactly ``---``."""

from __future__ import annotations

import msgspec

FENCE = "---"


class Frontmatter(msgspec.Struct, frozen=True):
    """Where the YAML and the body stand in the text; ``closed`` is False when the fence never ends."""

    start: int
    end: int
    body: int
    closed: bool


def find_frontmatter(text: str) -> Frontmatter | None:
    """The frontmatter of a text with LF line ends, or None when the first line does not open one."""
    if not text.startswith("---\n"):
        return None
    at = 3
    end = text.find("\n---\n", at)
    if end >= 0:
        return Frontmatter(4, end + 1, end + 5, True)
    if text.endswith("\n---"):
        return Frontmatter(4, len(text) - 3, len(text), True)
    return Frontmatter(4, len(text), len(text), False)
