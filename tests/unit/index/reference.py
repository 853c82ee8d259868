"""Match strength the slow way: the formula of ranking version 1 and 2 word for word, in decimal arithmetic.

It shares the analysis of words with the program, and nothing else: no arrays, no postings, no floats.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import NamedTuple

from krate_gitops.brain.facts import ParsedFile
from krate_gitops.brain.fields import Segment
from krate_gitops.index.analysis import fold_text, tokens_of, whole_of, words_of
from krate_gitops.index.strength import SPOKEN

_WEIGHTS = [Decimal(weight) for weight in ("8", "6", "6", "4", "3", "1", "1")]
_B = [Decimal(b) for b in ("0.2", "0.3", "0.3", "0.2", "0.5", "0.5", "0.75")]
_K1 = Decimal("1.2")
_PRIORS = {"approved": Decimal("1.15"), "deprecated": Decimal("0.85"), "archived": Decimal("0.85")}
_HALF = Decimal("0.5")


class Unit(NamedTuple):
    """A record, or a file without records: its fields as texts, its names, its status (empty: a record without one)."""

    fields: list[list[str]]
    names: list[str]
    status: str


def units_of(parsed: Sequence[tuple[ParsedFile, list[Segment]]]) -> list[Unit]:
    """Units of files in path order; what may not be searched has no text."""
    units = []
    for file, segments in parsed:
        secret = any(record.sensitivity == "secret-metadata" for record in file.records)
        served = file.file_class.value in ("entrypoint", "graph", "markdown-record", "note", "readme") and not secret
        for number in range(max(1, len(file.records))):
            fields: list[list[str]] = [[] for _ in _WEIGHTS]
            for segment in segments if served else ():
                if segment.unit == number:
                    fields[segment.field].append(segment.text)
            names, status = [file.note.title or ""] if file.note else [], "note"
            if file.records:
                record = file.records[number]
                names, status = [record.id, record.title or "", *record.aliases], record.status or ""
            elif file.note and file.note.status:
                status = file.note.status
            units.append(Unit(fields, names if served else [], status))
    return units


class Reference:
    """Counts of every term in every field of every unit."""

    def __init__(self, units: list[Unit]) -> None:
        self._units = units
        self._counts: list[list[Counter[str]]] = []
        self._lengths: list[list[int]] = []
        for unit in units:
            counts, lengths = [], []
            for texts in unit.fields:
                count, length = _count(texts)
                counts.append(count)
                lengths.append(length)
            self._counts.append(counts)
            self._lengths.append(lengths)
        self._averages = [Decimal(sum(column)) / len(units) for column in zip(*self._lengths, strict=True)]

    def strengths(self, text: str, version: int) -> list[int]:
        """Strength of each unit."""
        with localcontext() as context:
            context.prec = 40
            words: dict[str, tuple[str, ...]] = {}
            for token in tokens_of(text):
                found = words_of(token)
                words.update({word.folded: (word.folded, word.stem) for word in found if len(word.folded) > 1})
                if len(found) > 1 and self._holding(whole_of(token)):
                    words[whole_of(token)] = (whole_of(token),)
            return [
                self._strength(number, sorted(words.items()), fold_text(text), version)
                for number in range(len(self._units))
            ]

    def _strength(self, number: int, words: list[tuple[str, tuple[str, ...]]], folded: str, version: int) -> int:
        all_spoken = all(word in SPOKEN for word, _ in words)
        base = mass = named = Decimal(0)
        asked = matched = 0
        for word, terms in words:
            best, in_name = Decimal(0), False
            held = [term for term in terms if self._holding(term)]
            weight = max((self._idf(term) for term in held), default=self._idf(word))
            for term in held:
                x = sum((self._share(number, field, term) for field in range(7)), Decimal(0))
                best = max(best, self._idf(term) * x * (_K1 + 1) / (_K1 + x))
                in_name = in_name or any(self._counts[number][field][term] for field in (0, 1, 2))
            if version == 2 and word in SPOKEN and not all_spoken:
                base += best / 10
                continue
            base += best
            mass += weight
            named += weight * in_name
            asked += 1
            matched += best > 0
        status = self._units[number].status
        prior = _PRIORS.get(status, Decimal(1)) if status or version == 1 else Decimal("1.15")
        coverage = Decimal(matched) / max(asked, 1)
        score = base * (_HALF + _HALF * coverage * coverage) * (1 + named / (mass or 1)) * prior
        strength = int((score * 1000).quantize(Decimal(1), ROUND_HALF_EVEN))
        whole = bool(folded) and any(folded in fold_text(name) for name in self._units[number].names)
        return strength + 20_000 * whole

    def _share(self, number: int, field: int, term: str) -> Decimal:
        frequency = self._counts[number][field][term]
        if not frequency:
            return Decimal(0)
        norm = 1 - _B[field] + _B[field] * self._lengths[number][field] / self._averages[field]
        return _WEIGHTS[field] * frequency / norm

    def _holding(self, term: str) -> int:
        return sum(any(count[term] for count in counts) for counts in self._counts)

    def _idf(self, term: str) -> Decimal:
        n = self._holding(term)
        with localcontext() as context:
            context.prec = 28
            ratio = 1 + (Decimal(len(self._units) - n) + _HALF) / (Decimal(n) + _HALF)
            return ratio.ln().quantize(Decimal("1e-10"))


def _count(texts: list[str]) -> tuple[Counter[str], int]:
    """Positions of each term, and the number of positions."""
    count: Counter[str] = Counter()
    length = 0
    for text in texts:
        for token in tokens_of(text):
            words = words_of(token)
            forms = [word.terms() for word in words]
            for terms in forms:
                count.update(terms)
            length += len(words)
            whole = whole_of(token)
            if len(words) > 1 and not any(whole in terms for terms in forms):
                count[whole] += 1
    return count, length
