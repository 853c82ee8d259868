"""Making answers fit their room, which counts the bytes of an answer's JSON."""

from __future__ import annotations

from itertools import accumulate
from typing import TypeVar

import msgspec

from krate_gitops.server.mcp.tools.tool import Answer

AnswerT = TypeVar("AnswerT", bound=Answer)

_CUT = "[cut: size limit]"


def size_of(value: object) -> int:
    """Bytes of a value's JSON."""
    return len(msgspec.json.encode(value))


def fitted(answer: AnswerT, items: str, room: int) -> AnswerT:
    """The answer without those of its last ``items`` that there is no room for; they are counted as omitted."""
    if not items or size_of(answer) <= room:
        return answer
    everything = getattr(answer, items)
    empty = _with(answer, items, 0)
    if size_of(empty) > room:
        return msgspec.structs.replace(empty, denied=(), omitted={**empty.omitted, "denied": len(empty.denied)})
    left = room - size_of(empty)
    ends = accumulate(size_of(item) + 1 for item in everything)
    return _with(answer, items, sum(end <= left for end in ends))


def _with(answer: AnswerT, items: str, count: int) -> AnswerT:
    """The answer with its first items alone."""
    everything = getattr(answer, items)
    omitted = {**answer.omitted, items: answer.omitted.get(items, 0) + len(everything) - count}
    warnings = tuple(dict.fromkeys((*answer.warnings, "truncated")))
    return msgspec.structs.replace(answer, **{items: everything[:count]}, omitted=omitted, warnings=warnings)


def text_within(text: str, room: int) -> str:
    """The longest part of a text that ends with a line and whose JSON fits; empty where there is none."""
    while text and size_of(text) > room:
        # JSON is longer than the text by its escapes, so the part is found by trying.
        part = text[: max(0, min(len(text) - 1, len(text) * room // size_of(text)))]
        text = part[: max(part.rfind("\n"), 0)]
    return text


def lines_within(lines: list[str], room: int) -> str:
    """Lines as one text, as many as fit in UTF-8, with a word about the rest."""
    text = "\n".join(lines)
    if len(text.encode()) <= room:
        return text
    ends = accumulate(len(line.encode()) + 1 for line in lines)
    return "\n".join([*lines[: sum(end <= room - len(_CUT) for end in ends)], _CUT])
