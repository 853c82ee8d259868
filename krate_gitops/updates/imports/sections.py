"""Markdown by its headings: cut into sections, and put back together under the headings a file is meant to have."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

_HEADING = re.compile(r"[ ]{0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*\Z")
_FENCE = re.compile(r"[ ]{0,3}(`{3,}|~{3,})")
_WORDS = re.compile(r"[^a-z0-9]+")
CUT = "[CUT: the text was longer than is kept]"


class Section(NamedTuple):
    """A heading with the text below it up to the next one. The text before the first heading has level 0."""

    level: int
    title: str
    text: str

    @property
    def body(self) -> str:
        """The text without the heading's line."""
        return self.text.partition("\n")[2] if self.level else self.text


def split(text: str) -> list[Section]:
    """All sections in order; their texts together are the text. Headings in fenced code are code."""
    found: list[Section] = []
    lines: list[str] = []
    level, title, fence = 0, "", ""
    for line in text.splitlines(keepends=True):
        bare = line.rstrip("\n")
        marks = _FENCE.match(bare)
        if fence:
            if marks and marks[1].startswith(fence) and not bare.strip(f" {fence[0]}\t"):
                fence = ""
        elif marks:
            fence = marks[1]
        elif heading := _HEADING.match(bare):
            if level or lines:
                found.append(Section(level, title, "".join(lines)))
            level, title, lines = len(heading[1]), (heading[2] or "").strip(), []
        lines.append(line)
    if level or lines:
        found.append(Section(level, title, "".join(lines)))
    return found


def closed(text: str) -> str:
    """A text that ends no later than it says: a fence of code that stays open would swallow what follows."""
    fence = ""
    for line in text.splitlines():
        marks = _FENCE.match(line)
        if marks and not fence:
            fence = marks[1]
        elif marks and marks[1].startswith(fence) and not line.strip(f" {fence[0]}\t"):
            fence = ""
    if not fence:
        return text
    return f"{text.rstrip()}\n{fence}" + ("\n" if text.endswith("\n") else "")


def words_of(title: str) -> str:
    """A heading as it is compared: its words in lower case."""
    return _WORDS.sub(" ", title.lower()).strip()


def gathered(text: str, headings: Mapping[str, Sequence[str]], *, rest: str) -> dict[str, str]:
    """Bodies by the headings of ``headings``, each with the other names that it goes by.

    Text below any other heading goes to the section it stands in, and where that is none to ``rest``; its heading
    becomes a line in bold, so that none but the fixed ones are left.
    """
    by_words = {words_of(name): heading for heading, names in headings.items() for name in (heading, *names)}
    bodies: dict[str, list[str]] = {heading: [] for heading in headings}
    current, depth = rest, 0
    for section in split(text):
        heading = by_words.get(words_of(section.title)) if section.level else None
        if heading is not None:
            current, depth = heading, section.level
        elif section.level and section.level <= depth:
            current, depth = rest, 0
        if section.level and heading is None and section.title and not _is_title(section):
            bodies[current].append(f"**{section.title}**")
        if body := section.body.strip("\n"):
            bodies[current].append(body)
    return {heading: "\n\n".join(parts).strip() for heading, parts in bodies.items()}


def first_title(text: str) -> str:
    """The first heading of the first level; empty where there is none."""
    return next((section.title for section in split(text) if section.level == 1), "")


def _is_title(section: Section) -> bool:
    return section.level == 1


def fitted(bodies: Mapping[str, str], most: int) -> dict[str, str]:
    """Bodies of at most ``most`` bytes together: the longest are cut, at the end of a line, and say so."""
    sizes = sorted(len(body.encode()) for body in bodies.values())
    if sum(sizes) <= most:
        return dict(bodies)
    left, share = most, most
    for at, size in enumerate(sizes):
        share = left // (len(sizes) - at)
        if size > share:
            break
        left -= size
    return {heading: _cut(body, share) for heading, body in bodies.items()}


def _cut(body: str, most: int) -> str:
    encoded = body.encode()
    if len(encoded) <= most:
        return body
    text = encoded[: max(0, most - len(CUT) - 2)].decode(errors="ignore")
    at = text.rfind("\n")
    text = (text[:at] if at > len(text) // 2 else text).rstrip()
    return f"{closed(text)}\n{CUT}"
