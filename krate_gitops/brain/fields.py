"""Searchable text of records and notes, by field."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from krate_gitops.brain.facts import NoteFields
from krate_gitops.brain.model import Record

ID, TITLE, ALIAS, TAG, SUMMARY, ATTRIBUTE, BODY = range(7)
FIELD_COUNT = 7


class Segment(NamedTuple):
    """Text of one field of one unit (a record, or a file without records)."""

    unit: int
    field: int
    text: str


def of_record(unit: int, record: Record) -> Iterator[Segment]:
    """Segments of a record but for its body."""
    yield Segment(unit, ID, record.id)
    if record.title:
        yield Segment(unit, TITLE, record.title)
    if record.aliases:
        yield Segment(unit, ALIAS, "\n".join(record.aliases))
    if record.tags:
        yield Segment(unit, TAG, "\n".join(record.tags))
    if record.summary:
        yield Segment(unit, SUMMARY, record.summary)
    if record.attributes:
        texts: list[str] = []
        for value in record.attributes.values():
            _collect(value, texts)
        if texts:
            yield Segment(unit, ATTRIBUTE, "\n".join(texts))


def of_note(note: NoteFields, body: str) -> Iterator[Segment]:
    """Segments of a file without a record."""
    if note.title:
        yield Segment(0, TITLE, note.title)
    if note.tags:
        yield Segment(0, TAG, "\n".join(note.tags))
    yield Segment(0, BODY, body)


def _collect(value: Any, texts: list[str]) -> None:
    kind = type(value)
    if kind is str:
        texts.append(value)
    elif kind is list:
        for item in value:
            _collect(item, texts)
    elif kind is dict:
        for item in value.values():
            _collect(item, texts)
    elif kind is int:
        texts.append(str(value))
