"""Own postings: for each term, in which unit and field it stands and how often, as flat arrays.

They are scored exhaustively for a whole commit, so the order of results is exact and hangs on no engine's rounding.
Rows are sorted by (term key, unit, field); a term's rows of all shards are simply concatenated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from krate_gitops.brain.fields import FIELD_COUNT, Segment
from krate_gitops.index.lexicon import Lexicon, ranges
from krate_gitops.index.tokens import Ints, tokenise

MAX_FREQUENCY = 8191
_FIELD_SHIFT = 13
_FIELD_BITS = 3
_FIELD_MASK = (1 << _FIELD_BITS) - 1


class Postings(msgspec.Struct, frozen=True):
    """Arrays of one shard.

    ``terms``: sorted term keys (T). ``offsets``: first row of each term (T+1). ``units``: unit of a row.
    ``counts``: ``field << 13 | frequency``. ``lengths``: word positions of each field of each unit (U x 7).
    """

    terms: npt.NDArray[np.uint64]
    offsets: npt.NDArray[np.uint32]
    units: npt.NDArray[np.uint32]
    counts: npt.NDArray[np.uint16]
    lengths: npt.NDArray[np.uint32]

    def rows(self, keys: npt.NDArray[np.uint64]) -> Iterator[tuple[int, slice]]:
        """Rows of each term that stands here, with its position among ``keys``."""
        if not len(self.terms):
            return
        at = self.terms.searchsorted(keys)
        for which in (self.terms.take(at, mode="clip") == keys).nonzero()[0].tolist():
            term = int(at[which])
            yield which, slice(int(self.offsets[term]), int(self.offsets[term + 1]))


_lexicon = Lexicon()


def build_postings(segments: Sequence[Segment], units: int) -> Postings:
    """Postings of the segments of ``units`` units (numbered over the whole shard)."""
    tokens = tokenise([segment.text.encode() for segment in segments])
    found = _lexicon.look_up(tokens)
    places = np.array([segment.unit << _FIELD_BITS | segment.field for segment in segments], dtype=np.int64)
    lengths = np.zeros(units << _FIELD_BITS, dtype=np.uint32)
    np.add.at(lengths, places, _sums(found.positions, tokens.counts).astype(np.uint32))
    terms, place, frequency = _count(found.terms, np.repeat(places, _sums(found.sizes, tokens.counts)), units)
    starts = _starts_of_runs(terms)
    keys = _lexicon.keys(terms[starts])
    order = np.argsort(keys)
    sizes = np.diff(starts, append=len(terms))[order]
    rows = ranges(starts[order], sizes)
    counts = (place & _FIELD_MASK) << _FIELD_SHIFT | frequency
    return Postings(
        terms=keys[order],
        offsets=np.concatenate(([0], np.cumsum(sizes))).astype(np.uint32),
        units=(place >> _FIELD_BITS)[rows].astype(np.uint32),
        counts=counts[rows].astype(np.uint16),
        lengths=lengths.reshape(units, 1 << _FIELD_BITS)[:, :FIELD_COUNT],
    )


def _sums(values: npt.NDArray[Any], counts: Ints) -> Ints:
    """Sum of each run of values, the runs being as long as ``counts`` says."""
    so_far = np.concatenate(([0], np.cumsum(values, dtype=np.int64)))
    return np.diff(so_far[np.cumsum(counts)], prepend=0)


def _count(terms: Ints, places: Ints, units: int) -> tuple[Ints, Ints, Ints]:
    """Sorted distinct (term, place), and how often each occurs."""
    bits = (units << _FIELD_BITS).bit_length()
    rows = terms << bits | places
    rows.sort()
    starts = _starts_of_runs(rows)
    frequency = np.minimum(np.diff(starts, append=len(rows)), MAX_FREQUENCY)
    distinct = rows[starts]
    return distinct >> bits, distinct & (1 << bits) - 1, frequency


def _starts_of_runs(values: Ints) -> Ints:
    """Where each run of equal values begins."""
    if not len(values):
        return np.zeros(0, dtype=np.int64)
    return np.concatenate(([0], np.flatnonzero(values[1:] != values[:-1]) + 1))


def fields_of(counts: npt.NDArray[np.uint16]) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint16]]:
    """Field and frequency of rows."""
    return counts >> np.uint16(_FIELD_SHIFT), counts & np.uint16(MAX_FREQUENCY)
