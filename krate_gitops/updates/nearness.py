"""Records that a proposal nearly repeats: fewer and better memories are worth more than many alike.

Two records are compared by their features: the analysed terms of their text, as the index holds them, and what they
point at with an edge, an owner, a repository or a source. A feature weighs more the fewer units of the commit have it
(the ``idf`` of ranking), and more in a title than in a body. The *measure* is the weight of the features that both have
by the weight of those that either has: 0 for nothing in common, 1 for the same. It is computed in integers, so it is
equal on every machine.

Candidates come from the postings of the record's most telling terms, so the cost hangs on the proposed records and not
on pairs of records.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

import msgspec
import numpy as np

from krate_gitops.brain.fields import ALIAS, ATTRIBUTE, BODY, FIELD_COUNT, SUMMARY, TAG, TITLE
from krate_gitops.brain.links import SOURCE, Array
from krate_gitops.brain.model import Record
from krate_gitops.git.objects import ObjectReader
from krate_gitops.git.trees import diff_trees
from krate_gitops.index.analysis import stem, term_key, terms_of, tokens_of
from krate_gitops.index.lexicon import ranges
from krate_gitops.index.postings import Postings, fields_of
from krate_gitops.index.strength import SPOKEN, inverse_frequency
from krate_gitops.memory.first import first_of
from krate_gitops.memory.opened import OpenIndex
from krate_gitops.memory.policy import EffectivePolicy

THRESHOLD = 72
"""Hundredths of the measure from which on a record is told as a near repeat."""
_COPY = 90
"""Hundredths from which on a record is told whatever else is near."""
_STANDS_OUT = 5
"""Hundredths by which a pair must be nearer than what is usual around it."""
MOST_NEAR = 3
"""Existing records told of one proposed record."""
MOST_SHARED = 8
"""Shared terms told of one pair."""
_TELLING = 96
"""Terms of a record whose postings are looked up."""
_CANDIDATES = 12
"""Records that are measured, of those that share the most."""
_FEWEST = 6
"""Terms below which a record says too little to repeat another."""
_SCALE = 1000
_TARGET_WEIGHT = 2

# Twice the weight, so that they are integers. The id is left out: it differs by design.
_FIELD_WEIGHTS = np.zeros(FIELD_COUNT, dtype=np.int64)
_FIELD_WEIGHTS[SUMMARY] = 3
_FIELD_WEIGHTS[[TITLE, ALIAS, TAG, BODY]] = 2
_FIELD_WEIGHTS[ATTRIBUTE] = 1


class Near(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A record that another one nearly repeats.

    ``measure`` is from 0 to 1, in hundredths. ``shared`` are terms that both have, the most telling first, ``targets``
    counts what both point at. ``proposed``: it is new itself, and comes with the same proposal.
    """

    id: str
    path: str
    measure: float
    shared: tuple[str, ...]
    targets: int
    proposed: bool = False


class NearRepeat(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A proposed record with what it nearly repeats, the nearest first."""

    id: str
    path: str
    near: tuple[Near, ...]


class _Features(NamedTuple):
    """Keys, ascending and distinct, with their weights: of terms, and of what is pointed at."""

    terms: Array
    term_weights: Array
    targets: Array
    target_weights: Array

    @property
    def total(self) -> int:
        return int(self.term_weights.sum() + self.target_weights.sum())


_COURSE = frozenset(("BabysitterRun", "RunJournalEvent", "RunTaskResult"))
"""Kinds that tell the course of a run: that two runs went alike repeats nothing."""


def near_repeats(
    base: OpenIndex,
    trial: OpenIndex,
    policy: EffectivePolicy,
    *,
    threshold: int = THRESHOLD,
    most: int = MOST_NEAR,
) -> tuple[NearRepeat, ...]:
    """Each record that the trial commit adds or changes and that nearly repeats another one, in order of paths.

    Only records that the policy lets the viewer read take part. What a change leaves behind, deleted or moved, is not
    repeated by it. A pair that was as near in the base is not told again, nor one that is no nearer than the records of
    its pattern are to each other: of those made by a template, only what stands out. Both indexes must be read from a
    repository that holds both commits. Raises ``UnavailableError`` when it can't be read.
    """
    old, new = Nearness(base, policy), Nearness(trial, policy)
    found: list[NearRepeat] = []
    columns = trial.columns
    for number in _proposed(base, trial):
        if columns.record(number).kind in _COURSE:
            continue
        near = []
        for other, measure in new.nearest(number, threshold=threshold, most=most):
            mine, theirs = (base.graph.defined(columns.record(one).id) for one in (number, other))
            if old.measure(mine, theirs) < threshold and not old.is_usual(theirs, measure, beside=mine):
                near.append(new.near(number, other, measure, proposed=theirs < 0))
        if near:
            name = trial.safe.all((columns.record(number).id, columns.path_of_record(number)))
            found.append(NearRepeat(id=name[0], path=name[1], near=tuple(near)))
    return tuple(found)


def nearest(
    opened: OpenIndex,
    identifier: str,
    policy: EffectivePolicy,
    *,
    threshold: int = THRESHOLD,
    most: int = MOST_NEAR,
) -> tuple[Near, ...]:
    """Other records of a commit that a record of it nearly repeats, the nearest first; none for an unknown id.

    ``threshold`` is in hundredths of the measure.
    """
    nearness, number = Nearness(opened, policy), opened.graph.defined(identifier)
    found = nearness.nearest(number, threshold=threshold, most=most) if number >= 0 else []
    return tuple(nearness.near(number, other, measure) for other, measure in found)


def _proposed(base: OpenIndex, trial: OpenIndex) -> list[int]:
    """Records of the trial commit that the base has not, or not like this."""
    with ObjectReader(trial.source.target.repository) as reader:
        difference = diff_trees(reader, base.manifest.commit, trial.manifest.commit, trial.manifest.root)
    columns = trial.columns
    found: list[int] = []
    for path in sorted(change.path for change in difference.changes if change.new):
        file = columns.file_number.get(path)
        if file is None:
            continue
        for number in columns.unit_record[columns.first_unit[file] : columns.first_unit[file + 1]].tolist():
            if number >= 0 and _differs(base, columns.record(number)):
                found.append(number)
    return found


def _differs(base: OpenIndex, record: Record) -> bool:
    number = base.graph.defined(record.id)
    return number < 0 or base.columns.record(number).digest != record.digest


class Nearness:
    """Measures the records of one commit, as far as a policy lets them be read."""

    def __init__(self, opened: OpenIndex, policy: EffectivePolicy) -> None:
        self._opened = opened
        self._columns = opened.columns
        admission = opened.admission(policy)
        # Of a secret only its name and edges are told; how its words compare would tell more.
        self._readable: Array = admission.records & ~admission.secret
        self._known: dict[int, _Features] = {}

    def nearest(self, number: int, *, threshold: int, most: int) -> list[tuple[int, int]]:
        """Records that a record repeats by ``threshold`` hundredths or more, with the measure, the nearest first."""
        if not self._readable[number] or len(self._features(number).terms) < _FEWEST:
            return []
        measured = [(other, self.measure(number, other)) for other in self._candidates(number)]
        near = [(other, measure) for other, measure in measured if measure >= threshold]
        return sorted(near, key=lambda pair: (-pair[1], pair[0]))[:most]

    def measure(self, one: int, other: int) -> int:
        """The measure of two records in hundredths; 0 where one is -1 or may not be read."""
        if one < 0 or other < 0 or not (self._readable[one] and self._readable[other]):
            return 0
        mine, theirs = self._features(one), self._features(other)
        # A term can stand in the title of one and the body of the other: it then counts as the mean of both.
        twice = _common(mine.terms, mine.term_weights, theirs.terms, theirs.term_weights)
        twice += _common(mine.targets, mine.target_weights, theirs.targets, theirs.target_weights)
        either = 2 * (mine.total + theirs.total) - twice
        return (200 * twice + either) // (2 * either) if either else 0

    def is_usual(self, number: int, measure: int, *, beside: int) -> bool:
        """Whether a record has others about as near already, not counting ``beside``; no copy is usual."""
        if number < 0 or measure >= _COPY:
            return False
        around = (self.measure(number, other) for other in self._candidates(number) if other != beside)
        return measure <= max(around, default=0) + _STANDS_OUT

    def near(self, number: int, other: int, measure: int, *, proposed: bool = False) -> Near:
        """A pair in words."""
        mine, theirs = self._features(number), self._features(other)
        name = self._opened.safe.all((self._columns.record(other).id, self._columns.path_of_record(other)))
        return Near(
            id=name[0],
            path=name[1],
            measure=measure / 100,
            shared=self._words(number, mine, theirs),
            targets=len(np.intersect1d(mine.targets, theirs.targets, assume_unique=True)),
            proposed=proposed,
        )

    # -- candidates

    def _candidates(self, number: int) -> list[int]:
        """Readable records that share the most weight of the record's most telling terms."""
        features = self._features(number)
        order = np.lexsort((features.terms, -features.term_weights))[:_TELLING]
        shared = np.zeros(self._columns.units, dtype=np.int64)
        for base, which, units in self._standing(features.terms[order]):
            np.add.at(shared, units + base, features.term_weights[order][which])
        shared = shared[self._columns.record_unit] * self._readable
        shared[number] = 0
        best = first_of(len(shared), [lambda at: -shared[at], lambda at: at], _CANDIDATES)
        found: list[int] = best[shared[best] > 0].tolist()
        if found:  # all their terms in one go
            self._learn(np.concatenate([self._unit_terms(other)[0] for other in found]))
        return found

    def _standing(self, keys: Array) -> Iterator[tuple[int, Array, Array]]:
        """Where terms stand, for each shard: its first unit, then a row for each term and unit, the term by its place
        among the keys.
        """
        for postings, base in self._shards:
            at = postings.terms.searchsorted(keys)
            held = np.flatnonzero(postings.terms.take(at, mode="clip") == keys) if len(postings.terms) else at[:0]
            starts = postings.offsets[at[held]].astype(np.int64)
            sizes = postings.offsets[at[held] + 1].astype(np.int64) - starts
            which, units = np.repeat(held, sizes), postings.units[ranges(starts, sizes)].astype(np.int64)
            # Rows of one term are in order of units, one for each field of a unit that has it.
            first = np.ones(len(units), dtype=bool)
            first[1:] = (units[1:] != units[:-1]) | (which[1:] != which[:-1])
            yield base, which[first], units[first]

    @cached_property
    def _shards(self) -> list[tuple[Postings, int]]:
        return list(zip(self._opened.ranker.postings, self._columns.shard_bases(), strict=False))

    # -- features

    def _features(self, number: int) -> _Features:
        known = self._known.get(number)
        if known is None:
            known = self._known[number] = _Features(*self._terms(number), *self._targets(number))
        return known

    def _terms(self, number: int) -> tuple[Array, Array]:
        """Terms of a record and their weights."""
        keys, weights = self._unit_terms(number)
        return keys, weights * self._rarity(keys)

    def _unit_terms(self, number: int) -> tuple[Array, Array]:
        """Terms of a record, from the postings of its shard, each with the weight of the best field it stands in."""
        unit = int(self._columns.record_unit[number])
        postings, base = self._shards[bisect_right(self._columns.shard_bases(), unit) - 1]
        rows = np.flatnonzero(postings.units == unit - base)
        field, _ = fields_of(postings.counts[rows])
        weight = _FIELD_WEIGHTS[field]
        term = np.searchsorted(postings.offsets, rows, side="right") - 1
        distinct, first = np.unique(term, return_index=True)
        most = np.maximum.reduceat(weight, first) if len(first) else weight
        return postings.terms[distinct[most > 0]], most[most > 0]

    def _rarity(self, keys: Array) -> Array:
        """How telling terms are: their idf in thousandths."""
        self._learn(keys)
        units, known = self._columns.units, (self._frequency[key] for key in keys.tolist())
        return np.array([round(_SCALE * inverse_frequency(units, count)) for count in known], dtype=np.int64)

    def _learn(self, keys: Array) -> None:
        """Counts the units that hold terms, of those that are not counted yet."""
        new = np.array(sorted(set(keys.tolist()) - self._frequency.keys()), dtype=np.uint64)
        if not len(new):
            return
        counts = np.zeros(len(new), dtype=np.int64)
        for _, which, _ in self._standing(new):
            counts += np.bincount(which, minlength=len(new))
        self._frequency.update(zip(new.tolist(), counts.tolist(), strict=True))

    @cached_property
    def _frequency(self) -> dict[int, int]:
        """Units that hold a term, of those that were asked for."""
        return {}

    def _targets(self, number: int) -> tuple[Array, Array]:
        """What a record points at, and the weights."""
        links = self._columns.links
        first, last = np.searchsorted(links.ref_record, [number, number + 1])
        targets = np.unique(links.ref_target[first:last][links.ref_role[first:last] <= SOURCE])
        known, counts = self._pointed_at
        found = counts[np.searchsorted(known, targets)]
        rarity = [round(_SCALE * inverse_frequency(links.records, int(count))) for count in found.tolist()]
        return targets, np.array(rarity, dtype=np.int64) * _TARGET_WEIGHT

    @cached_property
    def _pointed_at(self) -> tuple[Array, Array]:
        """Ids that are pointed at, ascending, and how many records do so (a record that does so twice may count twice,
        but never for more than there are).
        """
        links = self._columns.links
        targets, counts = np.unique(links.ref_target[links.ref_role <= SOURCE], return_counts=True)
        return targets, np.minimum(counts, links.records)

    # -- words

    def _words(self, number: int, mine: _Features, theirs: _Features) -> tuple[str, ...]:
        """Terms that both have, the most telling first; of forms of one word the first one."""
        both = np.isin(mine.terms, theirs.terms, assume_unique=True)
        weight = dict(zip(mine.terms[both].tolist(), mine.term_weights[both].tolist(), strict=True))
        names = {term: weight[key] for term in self._names(number) if (key := term_key(term)) in weight}
        ordered = sorted(names, key=lambda term: (-names[term], -len(term), term))
        return tuple({stem(term): term for term in reversed(ordered)}[one] for one in _first_stems(ordered))

    def _names(self, number: int) -> Iterable[str]:
        """Terms of the record's text as it may leave, but for words that only hold a sentence together."""
        file = int(self._columns.record_file[number])
        text = next((text.safe for text in self._opened.texts([file])), "")
        terms = dict.fromkeys(term for token in tokens_of(text) for term in terms_of(token)[0])
        return [term for term in terms if term not in SPOKEN]


def _first_stems(terms: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(map(stem, terms)))[:MOST_SHARED]


def _common(keys: Array, weights: Array, others: Array, other_weights: Array) -> int:
    """Weights of the keys that both have, of both sides together."""
    _, mine, theirs = np.intersect1d(keys, others, assume_unique=True, return_indices=True)
    return int(weights[mine].sum() + other_weights[theirs].sum())
