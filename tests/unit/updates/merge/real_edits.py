"""Edits of real records as people and agents make them, line by line, and what three versions should come to."""

from __future__ import annotations

import random
import re
from collections import Counter
from typing import Any

from krate_gitops.brain.frontmatter import find_frontmatter
from krate_gitops.brain.yaml_exact import Scalar, YamlRefused, parse_exact

_FIELD = re.compile(r"(?P<lead>\s*(?:- )?[\w-]+: )(?P<value>[^\[{|>&*'\"\s][^#]*|'[^']*'|\"[^\"\\]*\")\Z")
_LIST = re.compile(r"(?P<lead>\s*(?:- )?[\w-]+: \[)(?P<items>[^\[\]{}#]+)\]\Z")
_ITEM = re.compile(r"(?P<lead>\s*- )(?P<target>[\w:.@/-]+|target: [\w:.@/-]+)\Z")
_WORDS = ("amber", "basil", "cedar", "delta", "ember", "fjord", "grove", "heron", "islet", "jetty", "knoll", "larch")


class Editor:
    """Makes random edits of one text, most of them near each other when ``focus`` is given (a part of its length)."""

    def __init__(self, rng: random.Random, path: str, name: str) -> None:
        self._rng = rng
        self._path = path
        self._name = name
        self._count = 0

    def edited(self, text: str, edits: int, focus: float | None) -> str:
        """The text after that many edits that leave it readable."""
        for _ in range(edits):
            for _attempt in range(30):
                lines = text.split("\n")
                at = self._place(lines, focus)
                changed = "\n".join(self._edit(lines, at))
                if changed != text and meaning(self._path, changed) is not None:
                    text = changed
                    break
        return text

    def _place(self, lines: list[str], focus: float | None) -> int:
        if focus is None:
            return self._rng.randrange(len(lines))
        return max(0, min(len(lines) - 1, int(focus * len(lines)) + self._rng.randint(-3, 3)))

    def _word(self) -> str:
        self._count += 1
        return f"{self._rng.choice(_WORDS)}-{self._name}{self._count}"

    def _edit(self, lines: list[str], at: int) -> list[str]:
        line = lines[at]
        choice = self._rng.random()
        if found := _LIST.match(line):
            items = [item.strip() for item in found["items"].split(",")]
            if choice < 0.6:
                items.insert(self._rng.randint(0, len(items)), self._word())
            elif len(items) > 1:
                items.pop(self._rng.randrange(len(items)))
            new = [f"{found['lead']}{', '.join(items)}]"]
        elif found := _ITEM.match(line):
            target = found["target"].partition("target: ")
            if choice < 0.5:
                new = [line, f"{found['lead']}{target[0] if not target[1] else target[1]}thing:{self._word()}"]
                if not target[1]:
                    new[1] = f"{found['lead']}thing:{self._word()}"
            elif choice < 0.7:
                new = []
            else:
                margin = " " * len(found["lead"])
                new = [line, f"{margin}note: {self._word()}"] if target[1] else [f"{found['lead']}thing:{self._word()}"]
        elif found := _FIELD.match(line):
            margin = " " * (len(line) - len(line.lstrip(" ")))
            if choice < 0.6:
                new = [found["lead"] + self._word()]
            elif choice < 0.8 and not line.lstrip().startswith("- "):
                new = [line, f"{margin}{self._word()}: {self._word()}"]
            elif choice < 0.9:
                new = []
            else:
                new = [f"{margin}# {self._word()}", line]
        elif line.strip() and line.strip() != "---" and not re.search(r"(:|: ?[|>][+-]?)$|^\w+:", line):
            margin = " " * (len(line) - len(line.lstrip(" ")))
            new = [f"{line} {self._word()}"] if choice < 0.6 else [line, margin + self._word()] if choice < 0.8 else []
        else:
            new = [line, self._word(), ""] if choice < 0.3 else [line]
        return [*lines[:at], *new, *lines[at + 1 :]]


def meaning(path: str, text: str) -> Counter[tuple[Any, ...]] | None:
    """What a file says, as single statements: fields, edges by target, items, and lines of a body.

    None for a file that isn't valid. Written anew here, so that it shares nothing with what it judges.
    """
    body: list[str] = []
    if path.endswith(".md"):
        matter = find_frontmatter(text)
        if matter is None or not matter.closed:
            return Counter(("line", line) for line in text.split("\n") if line)
        text, body = text[matter.start : matter.end], text[matter.body :].split("\n")
    try:
        documents = parse_exact(text, several=True)
    except (YamlRefused, ValueError):
        return None
    said: Counter[tuple[Any, ...]] = Counter(("line", line) for line in body if line)
    for at, document in enumerate(documents):
        if not isinstance(document.value, dict):
            return None
        _say(document.value, (str(at),), said)
    if any(count > 1 and statement[0] == "item" for statement, count in said.items()):
        said[("repeated",)] = 1
    return said


def _say(value: Any, place: tuple[str, ...], said: Counter[tuple[Any, ...]]) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            _say(item, (*place, key), said)
    elif isinstance(value, list):
        for at, item in enumerate(value):
            if isinstance(item, dict):
                # Edits put in and take out edges, but no other maps of a list.
                _say(item, (*place, str(item.get("target", at))), said)
            elif isinstance(item, str) and "edges" in place:
                said[("field", (*place, item, "target"), item)] += 1
            else:
                said[("item", place, repr(_source(item)))] += 1
    elif isinstance(value, str) and "\n" in value:
        said.update(("line", place, line) for line in value.split("\n"))
    elif value is not None:
        said[("field", place, _source(value))] += 1


def _source(value: Any) -> Any:
    return value.source if isinstance(value, Scalar) else value


def expected(path: str, base: str, ours: str, theirs: str) -> Counter[tuple[Any, ...]] | None:
    """What a merge should say; None where both sides say something else of one field."""
    old, mine, current = (meaning(path, text) for text in (base, ours, theirs))
    assert old is not None
    assert mine is not None
    assert current is not None
    fields = [{one[1]: one[2] for one in side if one[0] == "field"} for side in (old, mine, current)]
    for place in {*fields[1], *fields[2]}:
        before, proposed, now = (side.get(place) for side in fields)
        if proposed != before and now != before and proposed != now:
            return None
    return (current - (old - mine)) + ((mine - old) - (current - old))
