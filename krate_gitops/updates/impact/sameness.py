"""Proof that a question has the same answer at both commits, without giving either.

A change moves every strength a little, since it moves how often words are and how long texts are on average. So
strengths are computed at both commits for every question; but nearly always they leave the order as it was, and then
the rest of the work, which is most of it, need not be done. An answer is the same when

- the graph step gives the same records, of files that both commits have;
- no file that only one of them has is searched and holds a line that matches, or the search ends before it;
- strengths put every two things that can come into the answer into the same order at both commits, ties included, and
  whatever else decides an order is the same.

For the files that the search may look into are then the same ones, and hang on the files and records themselves. What
can't be proven is not said to differ: it is asked at both commits.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from krate_gitops.brain.links import Array
from krate_gitops.index.strength import EXCERPT_BONUS
from krate_gitops.memory.first import first_of
from krate_gitops.memory.graph_step import best_records
from krate_gitops.memory.grep import SCAN_FACTOR, Matcher, windows
from krate_gitops.memory.grep_step import file_strength, scope_of
from krate_gitops.memory.question import Question
from krate_gitops.memory.request import Selection
from krate_gitops.memory.texts import Text
from krate_gitops.updates.impact.paired import Shared

_LOOKED_THROUGH = 500
"""Files that are searched for a proof."""
_MODES = ("graph-only", "grep-only", "graph-and-grep")


def surely_same(before: Question, after: Question, shared: Shared) -> bool:
    """Whether a question, one and the same under one policy, certainly selects the same from both commits.

    ``shared`` is what the commits have in common; both must be read by the same rules. Raises what asking raises.
    """
    if before.request.selection != Selection() or before.mode not in _MODES:
        return False
    return _Proof(before, after, shared).holds()


class _Proof:
    def __init__(self, before: Question, after: Question, shared: Shared) -> None:
        self._before, self._after = before, after
        self._shared = shared

    def holds(self) -> bool:
        before, after = self._before, self._after
        units = np.zeros(0, dtype=np.int64)
        old: list[int] = []
        new: list[int] = []
        if before.wants_records:
            old, new = best_records(before)[0], best_records(after)[0]
            if len(old) != len(new) or self._shared.record_after[old].tolist() != new:
                return False
            units = before.columns.record_unit[old]
        if not before.wants_lines:
            return True
        scope = scope_of(before, old)
        return self._no_changed_line(scope, new) and self._same_order(units, self._units_of(scope))

    def _units_of(self, scope: Array) -> Array:
        """Units of the files that may be searched and that both commits have."""
        kept = scope & (self._shared.file_after >= 0)
        return np.flatnonzero(kept[self._before.columns.unit_file])

    # -- changed files

    def _no_changed_line(self, scope: Array, records: Sequence[int]) -> bool:
        """Whether no line that matches comes from a file that only one commit has."""
        olds = self._matching(self._before, [file for file in self._shared.changed_before if scope[file]])
        news = self._matching(self._after, self._shared.changed_after)
        if news:
            searched = scope_of(self._after, records)
            news = [file for file in news if searched[file]]
        return not (olds or news) or self._ends_before(scope, olds, news)

    def _matching(self, question: Question, files: Sequence[int]) -> list[int]:
        """Those of some files that may be read and hold a line that matches."""
        readable = [file for file in files if question.admission.files[file]]
        return [text.file for text in question.opened.texts(readable) if self._lines_in(text, 1)]

    def _lines_in(self, text: Text, most: int) -> int:
        """Matching lines of a text."""
        searched = text.lowered if self._matcher.is_folding else text.safe
        return windows(searched, self._matcher, context=0, most=most)[1]

    def _ends_before(self, scope: Array, olds: Sequence[int], news: Sequence[int]) -> bool:
        """Whether the search has all matches it wants before it comes to any of some files of either commit.

        Files are searched by strength, then by path. It is enough to find as many matches in files that come earlier at
        both commits; the last of these are looked at first, for files near each other are often alike.
        """
        files = np.flatnonzero(scope & (self._shared.file_after >= 0))
        after = self._shared.file_after[files]
        strength, later = file_strength(self._before)[files], file_strength(self._after)[after]
        earlier = _earlier(strength, files, file_strength(self._before), olds)
        earlier &= _earlier(later, after, file_strength(self._after), news)
        files, strength = files[earlier], strength[earlier]
        last = first_of(len(files), [lambda at: strength[at], lambda at: -at], _LOOKED_THROUGH)
        wanted = self._before.request.grep.max_matches * SCAN_FACTOR
        for text in self._before.opened.texts(files[last].tolist()):
            wanted -= self._lines_in(text, wanted)
            if wanted <= 0:
                return True
        return False

    # -- order

    def _same_order(self, records: Array, searched: Array) -> bool:
        """Whether all that can come into the answer stands in the same order at both commits."""
        both = np.concatenate((records, searched))
        numbers = self._shared.unit_after[both]
        near, nearer = self._before.ranking.nearness(both), self._after.ranking.nearness(numbers)
        if near is not None and nearer is not None and not all(map(np.array_equal, near, nearer)):
            return False
        old, new = self._before.matches.strength[both], self._after.matches.strength[numbers]
        if np.array_equal(old, new):
            return True
        steps = EXCERPT_BONUS * np.arange(len(self._matcher.terms) + 1)
        old, new = ((part[:, None] + steps).ravel() for part in (old, new))
        return _order_alike(old, new)

    @cached_property
    def _matcher(self) -> Matcher:
        grep = self._before.request.grep
        return Matcher(self._before.request.text, regex=grep.regex, case_sensitive=grep.case_sensitive)


def _earlier(strength: Array, files: Array, strengths: Array, others: Sequence[int]) -> Array:
    """Which of the files, of the given strength each, are searched before all ``others``."""
    if not others:
        return np.ones(len(files), dtype=bool)
    best, first = min((-int(strengths[other]), other) for other in others)
    mask: Array = (strength > -best) | ((strength == -best) & (files < first))
    return mask


def _order_alike(one: Array, other: Array) -> bool:
    """Whether two rows of numbers put their places into the same order, ties included."""
    order = np.argsort(one, kind="stable")
    steps, others = np.diff(one[order]), np.diff(other[order])
    return bool(((steps == 0) == (others == 0)).all() and (others >= 0).all())
