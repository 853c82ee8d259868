"""Match strength: how well each unit of a commit answers a text.

BM25F over seven fields, exhaustively over the commit's own postings, with a factor for how many of the words are there
and for those that stand in a name. Each step is an elementwise operation on doubles in a fixed order, and logarithms
come from decimal arithmetic, so the integers that come out are equal on every machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, localcontext
from functools import cached_property, lru_cache
from typing import NamedTuple

import msgspec
import numpy as np

from krate_gitops.brain.base_fields import STATUSES
from krate_gitops.brain.fields import ALIAS, FIELD_COUNT, ID, TITLE
from krate_gitops.brain.links import NO_STATUS, Array
from krate_gitops.index.analysis import Word, fold_text, term_key, tokens_of, whole_of, words_of
from krate_gitops.index.columns import Columns
from krate_gitops.index.names import Names
from krate_gitops.index.postings import Postings, fields_of


class Formula(msgspec.Struct, frozen=True):
    """One version of the formula. Versions never change; an improvement is a new one.

    ``spoken``: words that only hold a sentence together weigh a tenth and do not count as asked for, unless a query has
    no others. ``undeclared``: factor of records that declare no status.
    """

    version: int
    spoken: bool
    undeclared: float


FORMULAS = {1: Formula(1, False, 1.0), 2: Formula(2, True, 1.15)}
RANKING_VERSION = 2
"""The version used unless another is asked for."""

SPOKEN = frozenset(
    [
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "but",
        "by",
        "can",
        "could",
        "did",
        "do",
        "does",
        "for",
        "from",
        "had",
        "has",
        "have",
        "how",
        "if",
        "in",
        "into",
        "is",
        "it",
        "its",
        "me",
        "my",
        "no",
        "not",
        "of",
        "on",
        "or",
        "our",
        "should",
        "so",
        "that",
        "the",
        "their",
        "them",
        "then",
        "there",
        "these",
        "they",
        "this",
        "those",
        "to",
        "us",
        "was",
        "we",
        "were",
        "what",
        "when",
        "where",
        "which",
        "while",
        "who",
        "why",
        "will",
        "with",
        "would",
        "you",
        "your",
    ]
)
_SPOKEN_WEIGHT = 0.1

# id, title, alias, tag, summary, other attribute, body
WEIGHTS = np.array((8.0, 6.0, 6.0, 4.0, 3.0, 1.0, 1.0))
LENGTH_B = np.array((0.2, 0.3, 0.3, 0.2, 0.5, 0.5, 0.75))
K1 = 1.2
NAME_BONUS = 20_000
EXCERPT_BONUS = 1_000
_SCALE = 1000
_MOST_KNOWN = 4096
"""Terms whose rows are kept."""
_PRIORS = {"approved": 1.15, "draft": 1.0, "deprecated": 0.85, "archived": 0.85}
_NAMES = (1 << ID) | (1 << TITLE) | (1 << ALIAS)


class QueryWord(NamedTuple):
    """A word of a query with the terms that answer it, of which the best counts."""

    text: str
    terms: tuple[str, ...]


class Query(msgspec.Struct, frozen=True):
    """An analysed text. ``words`` are distinct and sorted; ``wholes`` are compounds that count where they exist."""

    folded: str
    words: tuple[QueryWord, ...]
    wholes: tuple[str, ...]


def analyse(text: str) -> Query:
    """Words of a text; those of one character are dropped. A text may have no words at all."""
    words: dict[str, QueryWord] = {}
    wholes: set[str] = set()
    for token in tokens_of(text):
        found = words_of(token)
        for word in found:
            if len(word.folded) > 1:
                words.setdefault(word.folded, QueryWord(word.folded, _terms(word)))
        if len(found) > 1:
            wholes.add(whole_of(token))
    return Query(fold_text(text), tuple(words[name] for name in sorted(words)), tuple(sorted(wholes)))


def _terms(word: Word) -> tuple[str, ...]:
    return (word.folded,) if word.folded == word.stem else (word.folded, word.stem)


@lru_cache(maxsize=65_536)
def inverse_frequency(documents: int, holding: int) -> float:
    """ln(1 + (N - n + 0.5) / (n + 0.5)) to ten digits after the point, by decimal arithmetic."""
    with localcontext() as context:
        context.prec = 28
        ratio = 1 + (Decimal(documents - holding) + Decimal("0.5")) / (Decimal(holding) + Decimal("0.5"))
        return float(ratio.ln().quantize(Decimal("1e-10")))


class Matches(msgspec.Struct, frozen=True):
    """Strength of every unit (0: no match), and which words it holds: bit i for word i of ``words``."""

    strength: Array
    words: tuple[str, ...]
    held: Array


class _Rows(NamedTuple):
    """Where one term stands: units, BM25F term weight, and whether it stands in a name."""

    units: Array
    weight: Array
    named: Array


class Ranker:
    """Scores texts over one commit. Opening reads the postings of all shards.

    ``known`` are postings that are in memory already, by key of their shard, and ``names`` those of all units.
    """

    def __init__(
        self, columns: Columns, *, known: Mapping[str, Postings] | None = None, names: Names | None = None
    ) -> None:
        self._columns = columns
        by_key = known or {}
        self._postings: list[Postings] = [by_key.get(shard.summary.key) or shard.postings() for shard in columns.shards]
        self._bases = columns.shard_bases()
        self._given_names = names
        self._known: dict[str, _Rows] = {}
        self._known_priors: dict[int, Array] = {}

    @property
    def postings(self) -> Sequence[Postings]:
        """Postings of each shard; its units are numbered from ``columns.shard_bases()``."""
        return self._postings

    @cached_property
    def _norms(self) -> Array:
        """For each unit and field: 1 - b + b * length / average length."""
        if not self._postings:
            return np.zeros((0, FIELD_COUNT))
        lengths = np.concatenate([postings.lengths for postings in self._postings])
        totals = lengths.sum(axis=0, dtype=np.int64)
        averages = totals / max(len(lengths), 1)
        averages[totals == 0] = 1.0
        return (1.0 - LENGTH_B) + LENGTH_B * (lengths / averages)

    def _priors(self, formula: Formula) -> Array:
        """Factor of each unit by its status."""
        known = self._known_priors.get(formula.version)
        if known is None:
            by_number = np.array([*(_PRIORS[name] for name in STATUSES), 1.0])
            known = by_number[self._columns.unit_status]
            undeclared = self._columns.links.record_status == NO_STATUS
            known[self._columns.record_unit[undeclared]] = formula.undeclared
            self._known_priors[formula.version] = known
        return known

    @cached_property
    def names(self) -> Names:
        """Names of all units."""
        if self._given_names is not None:
            return self._given_names
        return Names([line for shard in self._columns.shards for line in shard.names().split("\n")])

    def prepare(self, queries: Iterable[Query]) -> None:
        """Looks up the terms of many queries at the price of one."""
        words = ((*(term for word in query.words for term in word.terms), *query.wholes) for query in queries)
        self._learn(term for terms in words for term in terms)

    def frequency(self, term: str) -> int:
        """Units that hold a term."""
        return len(self._rows(term).units)

    def units_with_any(self, tokens: Iterable[str]) -> Array:
        """Units that hold one of some words or compounds, as a whole; a unit that holds two stands there twice."""
        keys = np.fromiter(map(_whole_key, tokens), dtype=np.uint64)
        units = [
            postings.units[rows].astype(np.int64) + base
            for postings, base in zip(self._postings, self._bases, strict=False)
            for _, rows in postings.rows(keys)
        ]
        return np.concatenate(units) if units else np.zeros(0, dtype=np.int64)

    def match(self, query: Query, version: int = RANKING_VERSION) -> Matches:
        """Strength of every unit of the commit, admitted or not: a policy must not move scores.

        Raises ``KeyError`` for a version that does not exist.
        """
        formula = FORMULAS[version]
        units = self._columns.units
        words = list(query.words)
        self._learn([*(term for word in words for term in word.terms), *query.wholes])
        words += [QueryWord(whole, (whole,)) for whole in query.wholes if self.frequency(whole)]
        words.sort()
        touched = self._touched(words)
        base, named, held = np.zeros(len(touched)), np.zeros(len(touched)), np.zeros(len(touched), dtype=np.uint64)
        matched = np.zeros(len(touched))
        mass, asked = 0.0, 0
        spoken = formula.spoken and any(word.text not in SPOKEN for word in words)
        for number, word in enumerate(words):
            contribution, in_name, idf = self._contribution(word, touched)
            there = contribution > 0
            if spoken and word.text in SPOKEN:
                base += _SPOKEN_WEIGHT * contribution
            else:
                base += contribution
                matched += there
                named += idf * in_name
                mass += idf
                asked += 1
            if number < 64:
                held |= there.astype(np.uint64) << np.uint64(number)
        coverage = matched / max(asked, 1)
        prior = self._priors(formula)[touched]
        score = base * (0.5 + 0.5 * (coverage * coverage)) * (1.0 + named / (mass or 1.0)) * prior
        strength, words_held = np.zeros(units, dtype=np.int64), np.zeros(units, dtype=np.uint64)
        strength[touched], words_held[touched] = np.rint(score * _SCALE).astype(np.int64), held
        strength[self.names.holding(query.folded)] += NAME_BONUS
        return Matches(strength, tuple(word.text for word in words), words_held)

    def _touched(self, words: Sequence[QueryWord]) -> Array:
        """Units that hold any of the words; all others have no strength but that of a name."""
        parts = [self._rows(term).units for word in words for term in word.terms]
        if len(parts) == 1:
            return parts[0]
        mask = np.zeros(self._columns.units, dtype=bool)
        for part in parts:
            mask[part] = True
        return np.flatnonzero(mask)

    def _contribution(self, word: QueryWord, touched: Array) -> tuple[Array, Array, float]:
        """What a word adds to each touched unit, where it stands in a name, and its weight among the words."""
        best, in_name = np.zeros(len(touched)), np.zeros(len(touched), dtype=bool)
        idfs = []
        for term in word.terms:
            rows = self._rows(term)
            if not len(rows.units):
                continue
            idf = inverse_frequency(self._columns.units, len(rows.units))
            idfs.append(idf)
            value = idf * (rows.weight * (K1 + 1.0) / (K1 + rows.weight))
            at = touched.searchsorted(rows.units)
            best[at] = np.maximum(best[at], value)
            in_name[at] |= rows.named
        return best, in_name, max(idfs, default=inverse_frequency(self._columns.units, 0))

    def _rows(self, term: str) -> _Rows:
        self._learn([term])
        return self._known[term]

    def _learn(self, terms: Iterable[str]) -> None:
        """Gathers the rows of terms that are not known yet, looking into each shard once for all of them."""
        new = [term for term in dict.fromkeys(terms) if term not in self._known]
        if not new:
            return
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        keys = np.array([term_key(term) for term in new], dtype=np.uint64)
        units: list[list[Array]] = [[] for _ in new]
        counts: list[list[Array]] = [[] for _ in new]
        for postings, base in zip(self._postings, self._bases, strict=False):
            for which, rows in postings.rows(keys):
                units[which].append(postings.units[rows].astype(np.int64) + base)
                counts[which].append(postings.counts[rows])
        self._known.update(zip(new, map(self._weighed, units, counts), strict=True))

    def _weighed(self, units: Sequence[Array], counts: Sequence[Array]) -> _Rows:
        if not units:
            nothing = np.zeros(0, dtype=np.int64)
            return _Rows(nothing, np.zeros(0), np.zeros(0, dtype=bool))
        unit, count = np.concatenate(units), np.concatenate(counts)
        field, frequency = fields_of(count)
        value = WEIGHTS[field] * frequency / self._norms[unit, field]
        first = np.flatnonzero(np.concatenate(([True], unit[1:] != unit[:-1])))
        named = np.bitwise_or.reduceat(np.uint8(1) << field.astype(np.uint8), first) & np.uint8(_NAMES)
        return _Rows(unit[first], np.add.reduceat(value, first), named != 0)


@lru_cache(maxsize=16_384)
def _whole_key(token: str) -> int:
    return term_key(whole_of(token))


def matched_words(matches: Matches, unit: int) -> Sequence[str]:
    """Words of the query that a unit holds (the first 64 are told)."""
    held = int(matches.held[unit])
    return [word for number, word in enumerate(matches.words) if held >> number & 1]
