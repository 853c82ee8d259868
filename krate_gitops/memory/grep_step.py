"""The grep step of a query: lines of admitted files, best first."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import NamedTuple

import numpy as np

from krate_gitops.brain.globs import compile_globs
from krate_gitops.brain.links import REPOSITORY, Array
from krate_gitops.brain.model import FileClass
from krate_gitops.index.shard import FILE_CLASSES
from krate_gitops.memory.candidates import Candidate, Text, excerpt_candidate
from krate_gitops.memory.grep import SCAN_FACTOR, Matcher, Window, trimmed, windows
from krate_gitops.memory.question import Question


class Lines(NamedTuple):
    """Excerpts in ranking order, and how many more there are; ``cut``: matches are missing that no count names."""

    excerpts: list[Candidate]
    omitted: int
    cut: bool


def best_lines(question: Question, records: Sequence[int]) -> Lines:
    """Excerpts around the matches, in the files that ``records`` narrow the search to."""
    grep = question.request.grep
    matcher = Matcher(question.request.text, regex=grep.regex, case_sensitive=grep.case_sensitive)
    files = _candidates(question, matcher, _scope(question, records))
    found: list[tuple[Candidate, Text]] = []
    raw, most = 0, grep.max_matches * SCAN_FACTOR
    cut = False
    for text in map(Text._make, question.opened.clean_texts(files)):
        if raw >= most:
            cut = True
            break
        spans, total = windows(text.safe, matcher, context=grep.context_lines, most=most - raw)
        cut = cut or total > most - raw
        raw += total
        found += [(excerpt_candidate(question, text, span), text) for span in spans if _wanted(question, text, span)]
    found.sort(key=lambda pair: pair[0].order)
    kept = _within(question, found)
    cut = cut or _matches(kept) < _matches([candidate for candidate, _ in found[: len(kept)]])
    return Lines(sorted(kept, key=attrgetter("order")), len(found) - len(kept), cut)


def _matches(candidates: Sequence[Candidate]) -> int:
    return sum(len(candidate.window.matches) for candidate in candidates if candidate.window)


def _wanted(question: Question, text: Text, window: Window) -> bool:
    return not question.excluded.meets(text.file, window.first, window.last)


def _within(question: Question, found: Sequence[tuple[Candidate, Text]]) -> list[Candidate]:
    """As many of the excerpts as asked for; the last one may lose some of its matches."""
    grep, left = question.request.grep, question.request.grep.max_matches
    kept: list[Candidate] = []
    for candidate, text in found[: question.request.limits.max_excerpts]:
        window = candidate.window
        if not left or window is None:
            break
        if len(window.matches) > left:
            window = trimmed(text.safe, window, left, context=grep.context_lines)
            candidate = excerpt_candidate(question, text, window)
        left -= len(window.matches)
        kept.append(candidate)
    return kept


def _scope(question: Question, records: Sequence[int]) -> Array:
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
    columns, links = question.columns, question.columns.links
    near = np.zeros(len(columns.paths), dtype=bool)
    numbers = np.array(records, dtype=np.int64)
    note = columns.file_class == FILE_CLASSES.index(FileClass.NOTE)
    of_repository = links.ref_role == REPOSITORY
    repositories = links.ref_target[of_repository & np.isin(links.ref_record, numbers)]
    near[columns.note_file[np.isin(columns.note_repository, repositories)]] = True
    # A note with an id is a record and has its repositories among the references.
    sharing = links.ref_record[of_repository & np.isin(links.ref_target, repositories)]
    near[columns.record_file[sharing]] = True
    ids = (columns.record(record).id for record in records)
    near[columns.unit_file[question.opened.ranker.units_with_any(ids)]] = True
    near &= note
    near[columns.record_file[numbers]] = True
    return near


def _candidates(question: Question, matcher: Matcher, scope: Array) -> list[int]:
    """Files of the scope that the words say may match, best first."""
    if matcher.terms:
        holding = np.zeros(len(scope), dtype=np.int64)
        for term in matcher.terms:
            holding += question.opened.words.files_with(term)
        scope = scope & (holding >= matcher.needed)
    files = np.flatnonzero(scope)
    strength = np.zeros(len(scope), dtype=np.int64)
    np.maximum.at(strength, question.columns.unit_file, question.matches.strength)
    numbers: list[int] = files[np.lexsort((files, -strength[files]))].tolist()
    return numbers
