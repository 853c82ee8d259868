"""The grep step of a query: lines of admitted files, best first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import NamedTuple

import numpy as np

from krate_gitops.brain.globs import compile_globs
from krate_gitops.brain.links import Array
from krate_gitops.brain.model import FileClass
from krate_gitops.index.shard import FILE_CLASSES
from krate_gitops.index.strength import EXCERPT_BONUS
from krate_gitops.memory.candidates import Candidate, excerpt_candidate, unit_at
from krate_gitops.memory.first import Criterion, first_of
from krate_gitops.memory.grep import SCAN_FACTOR, Matcher, Window, excerpt, trimmed, windows
from krate_gitops.memory.question import Question
from krate_gitops.memory.rank import Parts
from krate_gitops.memory.texts import Text

_HEAD = 512
"""Files put in order at first."""


class _Found(NamedTuple):
    text: Text
    window: Window


class Lines(NamedTuple):
    """Excerpts in ranking order, and how many more there are; ``cut``: matches are missing that no count names."""

    excerpts: list[Candidate]
    omitted: int
    cut: bool


def best_lines(question: Question, records: Sequence[int]) -> Lines:
    """Excerpts around the matches, in the files that ``records`` narrow the search to."""
    grep = question.request.grep
    matcher = Matcher(question.request.text, regex=grep.regex, case_sensitive=grep.case_sensitive)
    strength = file_strength(question)
    found: list[_Found] = []
    raw, most = 0, grep.max_matches * SCAN_FACTOR
    cut = False
    files = np.flatnonzero(_candidates(question, matcher, scope_of(question, records)))
    for text in _texts(question, files, strength):
        if raw >= most:
            cut = True
            break
        searched = text.lowered if matcher.is_folding else text.safe
        spans, total = windows(searched, matcher, context=grep.context_lines, most=most - raw)
        cut = cut or total > most - raw
        raw += total
        found += [_Found(text, span) for span in spans if _wanted(question, text, span)]
    first = _first(question, found, strength)
    kept = _within(question, first)
    cut = cut or _matches(kept) < sum(len(one.window.matches) for one in first[: len(kept)])
    return Lines(sorted(kept, key=attrgetter("order")), len(found) - len(kept), cut)


def _matches(candidates: Sequence[Candidate]) -> int:
    return sum(len(candidate.window.matches) for candidate in candidates if candidate.window)


def _wanted(question: Question, text: Text, window: Window) -> bool:
    return not question.excluded.meets(text.file, window.first, window.last)


def _first(question: Question, found: Sequence[_Found], strength: Array) -> list[_Found]:
    """As many windows as excerpts are asked for, in ranking order. Only of those that tie, more is looked at than the
    strength of their file.
    """
    units = np.full(len(found), -1, dtype=np.int64)

    def unit(at: Array) -> Array:
        for place in at[units[at] < 0].tolist():
            units[place] = unit_at(question, *found[place])
        return units[at]

    def size(at: Array) -> Array:
        shown = (excerpt(text.safe, window).text for text, window in map(found.__getitem__, at.tolist()))
        return np.fromiter((len(text.encode()) for text in shown), dtype=np.int64, count=len(at))

    files = np.array([text.file for text, _ in found], dtype=np.int64)
    bonus = np.array([len(window.words) for _, window in found], dtype=np.int64) * EXCERPT_BONUS
    lines = np.array([window.first for _, window in found], dtype=np.int64)
    parts = Parts(files, strength[files] + bonus, lines, unit, size)
    return [found[at] for at in question.ranking.first(parts, question.request.limits.max_excerpts).tolist()]


def _within(question: Question, found: Sequence[_Found]) -> list[Candidate]:
    """Excerpts of the windows until there are as many matches as asked for; the last one may lose some of its own."""
    grep, left = question.request.grep, question.request.grep.max_matches
    kept: list[Candidate] = []
    for text, window in found:
        if not left:
            break
        if len(window.matches) > left:
            window = trimmed(text.safe, window, left, context=grep.context_lines)
        left -= len(window.matches)
        kept.append(excerpt_candidate(question, text, window))
    return kept


def scope_of(question: Question, records: Sequence[int]) -> Array:
    """Admitted files a search may look into: named paths, else those the records narrow it to, else all."""
    admitted: Array = question.admission.files & ~question.excluded.files
    if question.request.grep.paths:
        paths = question.columns.paths
        matches = compile_globs(question.request.grep.paths)
        return admitted & np.fromiter((matches(path) for path in paths), dtype=bool, count=len(paths))
    if not question.wants_records or not len(records):
        return admitted
    return admitted & _around(question, records)


def _around(question: Question, records: Sequence[int]) -> Array:
    """Files of the records, and notes that share a repository with one of them or name its id."""
    columns, graph = question.columns, question.opened.graph
    near = np.zeros(len(columns.paths), dtype=bool)
    # A note with an id is a record and has its repositories among the references.
    sharing, notes = graph.sharing_repositories(np.array(records, dtype=np.int64))
    near[notes] = near[columns.record_file[sharing]] = True
    ids = (columns.record(record).id for record in records)
    near[columns.unit_file[question.opened.ranker.units_with_any(ids)]] = True
    near &= columns.file_class == FILE_CLASSES.index(FileClass.NOTE)
    near[columns.record_file[records]] = True
    return near


def _candidates(question: Question, matcher: Matcher, scope: Array) -> Array:
    """Files of the scope that the words say may match."""
    if not matcher.terms:
        return scope
    holding = np.zeros(len(scope), dtype=np.int64)
    for term in matcher.terms:
        holding += question.opened.words.files_with(term, scope)
    return scope & (holding >= matcher.needed)


def file_strength(question: Question) -> Array:
    """Strength of each file: that of its best unit."""
    first = question.columns.first_unit[:-1]
    return np.maximum.reduceat(question.matches.strength, first) if len(first) else first


def _texts(question: Question, files: Array, strength: Array) -> Iterator[Text]:
    """Texts of the files, the strongest first. Most searches end early, so the rest is put in order only when asked."""
    order: list[Criterion] = [lambda at: -strength[files[at]], lambda at: at]
    head = first_of(len(files), order, _HEAD)
    yield from question.opened.texts(files[head].tolist())
    if len(files) > _HEAD:
        yield from question.opened.texts(files[first_of(len(files), order, len(files))[_HEAD:]].tolist())
