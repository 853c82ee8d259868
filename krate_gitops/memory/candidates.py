"""What a query found, before it is known whether it may be shown and whether there is room for it."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from krate_gitops.index.strength import EXCERPT_BONUS
from krate_gitops.memory.grep import Excerpt, Window, excerpt, excerpt_of_lines
from krate_gitops.memory.question import Question
from krate_gitops.memory.rank import Order
from krate_gitops.memory.redact import markers, unmarked
from krate_gitops.memory.texts import Text

RECORD, EXCERPT, DOCUMENT = "record", "excerpt", "document"


class Candidate(NamedTuple):
    """An item: its place in the order, and what it is made of. ``record`` is -1 where there is none.

    ``removed`` is the share of the text's bytes that redaction took, ``counts`` what it took by kind.
    """

    order: Order
    kind: str
    record: int
    file: int
    text: str = ""
    window: Window | None = None
    excerpt: Excerpt | None = None
    removed: float = 0.0
    counts: Mapping[str, int] = {}


def record_candidate(question: Question, record: int, *, selected: bool = False) -> Candidate:
    """A record; its texts are looked up when its item is made."""
    unit = int(question.columns.record_unit[record])
    order = question.ranking.order(unit, selected=selected)
    return Candidate(order, RECORD, record, int(question.columns.record_file[record]))


def excerpt_candidate(question: Question, text: Text, window: Window, *, selected: bool = False) -> Candidate:
    """Lines of a file. Their strength is that of the file and a bonus for each word on them."""
    shown = excerpt(text.safe, window)
    removed, counts = _taken(excerpt_of_lines(text.raw, window), shown.text) if text.changed else (0.0, {})
    unit = unit_at(question, text, window)
    strength = int(question.matches.strength[_units_of(question, text.file)].max())
    order = question.ranking.order(
        unit,
        selected=selected,
        strength=strength + EXCERPT_BONUS * len(window.words),
        size=len(shown.text.encode()),
        line=window.first,
    )
    record = _readable(question, int(question.columns.unit_record[unit]))
    return Candidate(order, EXCERPT, record, text.file, shown.text, window, shown, removed, counts)


def document_candidate(question: Question, text: Text, *, selected: bool = False) -> Candidate:
    """A whole file."""
    columns = question.columns
    removed, counts = _taken(text.raw, text.safe) if text.changed else (0.0, {})
    units = _units_of(question, text.file)
    unit = units.start + int(np.argmax(question.matches.strength[units]))
    order = question.ranking.order(unit, selected=selected, size=int(columns.file_bytes[text.file]))
    alone = units.stop - units.start == 1
    record = _readable(question, int(columns.unit_record[unit])) if alone else -1
    return Candidate(order, DOCUMENT, record, text.file, text.safe, removed=removed, counts=counts)


def _units_of(question: Question, file: int) -> slice:
    first = question.columns.first_unit
    return slice(int(first[file]), int(first[file + 1]))


def unit_at(question: Question, text: Text, window: Window) -> int:
    """The unit that the first match of a window stands in; the best of the file where that is between two records."""
    units = _units_of(question, text.file)
    if units.stop - units.start == 1:
        return units.start
    lines = text.record_lines
    line = window.matches[0].line if window.matches else window.first
    at = bisect_right(lines.firsts, line) - 1
    if at >= 0 and line <= lines.lasts[at]:
        return units.start + lines.places[at]
    return units.start + int(np.argmax(question.matches.strength[units]))


def _readable(question: Question, record: int) -> int:
    """The record, -1 where it may not be told."""
    return record if record >= 0 and question.admission.records[record] else -1


def _taken(raw: str, safe: str) -> tuple[float, Mapping[str, int]]:
    """What redaction took from a text: the share of its bytes, and how often each kind."""
    return share_removed(raw, safe), Counter(markers(safe)) - Counter(markers(raw))


def share_removed(raw: str, safe: str) -> float:
    """Share of a text's bytes that redaction took."""
    return 1 - len(unmarked(safe).encode()) / max(len(unmarked(raw).encode()), 1) if raw else 0.0
