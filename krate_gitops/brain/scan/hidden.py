"""Characters and markup that a reader does not see."""

from __future__ import annotations

import re
from collections.abc import Iterator

_RIGHT_TO_LEFT = "\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc"
_JOINED = "\u0900-\u109f\u1780-\u18af\u0600-\u08ff\u200d\u2190-\u2bff\ufe0f\U0001f000-\U0001faff"
_CONTROLS = re.compile(
    "[\u200b\u2060-\u2064\u206a-\u206f\ufeff\u180e\u115f\u1160\u3164\uffa0\ufff9-\ufffb\u202a-\u202e\u2066-\u2069]+"
    "|[\U000e0000-\U000e0fff]+|[\ufe00-\ufe0f]{2,}|\x1b[\\[\\]][^\x1b\n]{0,32}"
)
_JOINERS = re.compile(f"(?<![{_JOINED}])[\u200c\u200d]+")
_MARKS = re.compile("[\u200e\u200f\u061c]+")
_HAS_RIGHT_TO_LEFT = re.compile(f"[{_RIGHT_TO_LEFT}]")
_FLAG = "\U0001f3f4"

HIDDEN = (
    "[\u200b-\u200f\u2060-\u206f\ufeff\u180e\u115f\u1160\u3164\uffa0\ufff9-\ufffb\u202a-\u202e\u061c\U000e0000-\U000e0fff\x1b]"
    "|[\ufe00-\ufe0f]{2}"
)
"""RE2 pattern that matches every text in which ``hidden_characters`` finds something."""

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_INVISIBLE_ELEMENT = re.compile(
    r"<([a-z]+)\b[^>]{0,200}(?:display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0|opacity\s*:\s*0(?![.\d]))"
    r"[^>]{0,200}>.*?(?:</\1>|\Z)",
    re.DOTALL | re.IGNORECASE,
)


def hidden_characters(text: str) -> Iterator[tuple[int, int]]:
    """Ranges of zero-width and bidirectional controls, tag characters and terminal escapes.

    What scripts and emoji need is no finding: joiners within them, marks in a line with right-to-left letters, the
    tags of a flag, a byte order mark at the very start.
    """
    for match in _CONTROLS.finditer(text):
        first = match.group()[0]
        if match.start() == 0 and match.group() == "\ufeff":
            continue
        if first >= "\U000e0000" and text[match.start() - 1 : match.start()] == _FLAG:
            continue
        yield match.span()
    for match in _JOINERS.finditer(text):
        yield match.span()
    for match in _MARKS.finditer(text):
        if not _HAS_RIGHT_TO_LEFT.search(_line_around(text, match.start())):
            yield match.span()


def _line_around(text: str, at: int) -> str:
    # No further than is looked at: the line may be the whole text, and marks stand in all of it.
    low = max(0, at - 399)
    start = text.rfind("\n", low, at) + 1 or low
    end = text.find("\n", at, at + 400)
    return text[start : end if end >= 0 else at + 400]


def invisible_ranges(text: str) -> list[tuple[int, int]]:
    """HTML comments and elements that are styled away; innocent unless their text says something."""
    ranges = [match.span() for match in _COMMENT.finditer(text)] if "<!--" in text else []
    if "style" in text:
        ranges.extend(match.span() for match in _INVISIBLE_ELEMENT.finditer(text))
    return ranges
