"""Where two lists differ."""

from __future__ import annotations

import difflib
import json
from typing import Any

_LONGEST_COMPARED = 400
"""Items of which a best match is looked for; it costs their product."""


def fingerprint(value: Any) -> str:
    """A text that only equal values have."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def stretches(old: list[str], new: list[str]) -> list[tuple[int, int, int, int]]:
    """Where two lists differ: stretches of the old one, and what stands there in the new one."""
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    middle_old, middle_new = old[head : len(old) - tail], new[head : len(new) - tail]
    if max(len(middle_old), len(middle_new)) > _LONGEST_COMPARED:
        return [(head, len(old) - tail, head, len(new) - tail)]
    matcher = difflib.SequenceMatcher(None, middle_old, middle_new, autojunk=False)
    return [
        (head + start, head + end, head + first, head + last)
        for tag, start, end, first, last in matcher.get_opcodes()
        if tag != "equal"
    ]
