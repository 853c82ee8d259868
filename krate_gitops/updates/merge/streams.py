"""The documents of a YAML stream as pieces of its text."""

from __future__ import annotations

from typing import Any, NamedTuple

from krate_gitops.brain.documents import split_documents
from krate_gitops.updates.merge.plain import read_map


class Part(NamedTuple):
    """One document: ``lead`` is what parts it from the one before, such as ``---`` and its line end."""

    lead: str
    text: str
    value: dict[str, Any]

    @property
    def name(self) -> str:
        """The id of its record, empty for none."""
        name = self.value.get("id")
        return name if isinstance(name, str) else ""


class Stream(NamedTuple):
    """All documents that aren't empty, and what follows them. Joined, they are the text again."""

    parts: tuple[Part, ...]
    tail: str

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(part.lead + part.text for part in self.parts) + self.tail


def read_stream(text: str) -> Stream | None:
    """The documents of a text with LF line ends; None where one is broken or no map."""
    parts: list[Part] = []
    at = 0
    for span in split_documents(text):
        piece = text[span.start : span.end]
        value = read_map(piece) if span.plain else None
        if value is None:
            return None
        parts.append(Part(text[at : span.start], piece, value))
        at = span.end
    return Stream(tuple(parts), text[at:])


def matched(old: Stream, new: Stream) -> list[int | None]:
    """For each document of the new stream the one of the old that it is a version of.

    Ids tell, with the kind where that isn't enough; between two that are known, as many on both sides pair in order.
    """
    places = {key: at for at, key in enumerate(_keys(old))}
    found = [places.get(key) if key[0] else None for key in _keys(new)]
    _pair_rest(found, len(old.parts))
    return found


def _keys(stream: Stream) -> list[tuple[Any, ...]]:
    seen: dict[tuple[str, str], int] = {}
    keys: list[tuple[Any, ...]] = []
    for part in stream.parts:
        key = (part.name, str(part.value.get("nodeKind", part.value.get("kind", ""))))
        seen[key] = seen.get(key, 0) + 1
        keys.append((*key, seen[key]))
    return keys


def _pair_rest(found: list[int | None], count: int) -> None:
    taken = set(found)
    start, before = 0, -1
    for at, there in enumerate([*found, count]):
        if there is None:
            continue
        between = range(before + 1, there)
        if at - start == len(between) and taken.isdisjoint(between):
            found[start:at] = between
        start, before = at + 1, there
