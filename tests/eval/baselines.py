"""What the ranking must beat: SQLite's FTS5 with BM25, and a plain substring scan."""

from __future__ import annotations

import heapq
import re
import sqlite3
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate

from tests.eval.units import Hit, Unit

FIELD_WEIGHTS = (8.0, 6.0, 6.0, 4.0, 3.0, 1.0)
"""Weights of the fields of ``Unit``, in their order."""

_WORD = re.compile(r"\w+")


def words_of(text: str) -> list[str]:
    """Distinct words of a query, folded, in order."""
    return list(dict.fromkeys(_WORD.findall(text.casefold())))


class Fts5:
    """FTS5 over the unit's fields: every query word quoted and joined by OR, ranked by BM25, ties by id."""

    def __init__(self, units: Sequence[Unit], weights: Sequence[float] | None = FIELD_WEIGHTS) -> None:
        self.name = "FTS5" if weights else "FTS5 flat"
        self._database = sqlite3.connect(":memory:")
        columns = ", ".join(Unit._fields)
        self._database.execute(
            f"CREATE VIRTUAL TABLE units USING fts5(key UNINDEXED, {columns}, tokenize = 'porter unicode61')"
        )
        marks = ", ".join("?" * (len(Unit._fields) + 1))
        self._database.executemany(f"INSERT INTO units VALUES ({marks})", ((unit.id, *unit) for unit in units))
        rank = ", ".join(str(weight) for weight in (0.0, *(weights or (1.0,) * len(Unit._fields))))
        self._select = (
            f"SELECT key, -bm25(units, {rank}) AS score FROM units WHERE units MATCH ? ORDER BY score DESC, key LIMIT ?"
        )

    def hits(self, text: str, limit: int) -> list[Hit]:
        words = words_of(text)
        if not words:
            return []
        # Quoted, a word is a string of FTS5's own grammar: no operator, column filter or prefix mark can stand in it.
        match = " OR ".join(f'"{word}"' for word in words)
        rows = self._database.execute(self._select, (match, limit * 2)).fetchall()
        best: dict[str, float] = {}
        for key, score in rows:
            best.setdefault(key, score)
        return [Hit(key, score) for key, score in best.items()][:limit]

    def close(self) -> None:
        self._database.close()


class Substring:
    """A case-insensitive scan: units that hold the whole query first, then by the number of its words they hold."""

    name = "substring"

    def __init__(self, units: Sequence[Unit]) -> None:
        ordered = sorted(units, key=lambda unit: unit.id)
        self._ids = [unit.id for unit in ordered]
        self._texts = ["\n".join(unit).casefold() + "\0" for unit in ordered]
        self._ends = list(accumulate(len(text) for text in self._texts))
        self._text = "".join(self._texts)
        self._holders = lru_cache(maxsize=4096)(self._find)

    def hits(self, text: str, limit: int) -> list[Hit]:
        whole = text.casefold().strip()
        words = words_of(text)
        counts: dict[int, int] = {}
        for word in words:
            for number in self._holders(word):
                counts[number] = counts.get(number, 0) + 1
        # What holds the whole text holds each of its words.
        for number in [number for number, count in counts.items() if count == len(words)]:
            if whole in self._texts[number]:
                counts[number] += len(whole)
        best = heapq.nsmallest(limit * 2, counts.items(), key=lambda item: (-item[1], item[0]))
        found: dict[str, float] = {}
        for number, count in best:
            found.setdefault(self._ids[number], float(count))
        return [Hit(key, score) for key, score in found.items()][:limit]

    def _find(self, part: str) -> list[int]:
        """Numbers of the units that hold a text. One search over all of them, skipping to the next unit at each hit."""
        numbers, at = [], self._text.find(part)
        while at >= 0:
            number = bisect_right(self._ends, at)
            numbers.append(number)
            at = self._text.find(part, self._ends[number])
        return numbers
