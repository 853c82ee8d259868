"""Own postings: for each term, in which unit and field it stands and how often, as flat arrays.

They are scored exhaustively for a whole commit, so the order of results is exact and hangs on no engine's rounding.
Rows are sorted by (term key, unit, field); a term's rows of all shards are simply concatenated.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from krate_gitops.brain.fields import FIELD_COUNT, Segment
from krate_gitops.index.analysis import term_key, terms_of
from krate_gitops.index.tokens import tokenise

MAX_FREQUENCY = 8191
_FIELD_SHIFT = 13

_Keys = npt.NDArray[np.uint64]
_Ints = npt.NDArray[np.int64]


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
    skipped: int = 0

    def rows(self, key: int) -> slice | None:
        """Rows of a term, or None."""
        at = int(np.searchsorted(self.terms, np.uint64(key)))
        if at == len(self.terms) or int(self.terms[at]) != key:
            return None
        return slice(int(self.offsets[at]), int(self.offsets[at + 1]))


class _Lexicon:
    """Terms of each token seen so far in this process; the same everywhere, so sharing it changes nothing."""

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}
        self._terms: list[tuple[int, ...]] = []
        self._positions: list[int] = []
        self._keys: dict[str, int] = {}

    def look_up(self, surfaces: Sequence[bytes]) -> tuple[_Ints, list[tuple[int, ...]]]:
        """Positions of each token, and the keys of its terms."""
        if len(self._numbers) > 1_000_000:
            self.__init__()  # type: ignore[misc]
        numbers = [self._numbers.get(surface, -1) for surface in surfaces]
        for at, number in enumerate(numbers):
            if number < 0:
                numbers[at] = self._add(surfaces[at])
        positions = np.fromiter((self._positions[n] for n in numbers), dtype=np.int64, count=len(numbers))
        return positions, [self._terms[number] for number in numbers]

    def _add(self, surface: bytes) -> int:
        terms, positions = terms_of(surface.decode(errors="replace"))
        keys = []
        for term in terms:
            key = self._keys.get(term)
            if key is None:
                key = self._keys[term] = term_key(term)
            keys.append(key)
        number = self._numbers[surface] = len(self._terms)
        self._terms.append(tuple(keys))
        self._positions.append(positions)
        return number


_lexicon = _Lexicon()


def build_postings(segments: Sequence[Segment], units: int) -> Postings:
    """Postings of the segments of ``units`` units (numbered over the whole shard)."""
    tokens = tokenise([segment.text.encode() for segment in segments])
    places = np.fromiter(
        (segment.unit * FIELD_COUNT + segment.field for segment in segments), dtype=np.int64, count=len(segments)
    )
    positions, terms = _lexicon.look_up(tokens.surfaces)
    token_places = places[tokens.text]
    lengths = np.bincount(token_places, weights=positions[tokens.which], minlength=units * FIELD_COUNT)
    sizes = np.fromiter((len(keys) for keys in terms), dtype=np.int64, count=len(terms))
    flat = np.fromiter((key for keys in terms for key in keys), dtype=np.uint64, count=int(sizes.sum()))
    distinct, numbers = np.unique(flat, return_inverse=True)
    rows = _expand(numbers.astype(np.int64), sizes, tokens.which, token_places)
    number, unit, counts = _count(rows, max(units, 1))
    return Postings(
        terms=distinct,
        offsets=np.searchsorted(number, np.arange(len(distinct) + 1)).astype(np.uint32),
        units=unit.astype(np.uint32),
        counts=counts,
        lengths=lengths.astype(np.uint32).reshape(units, FIELD_COUNT),
        skipped=tokens.skipped,
    )


def _expand(numbers: _Ints, sizes: _Ints, which: _Ints, places: _Ints) -> tuple[_Ints, _Ints]:
    """One row for each term of each token: (term number, place)."""
    starts = np.cumsum(sizes) - sizes
    repeat = sizes[which]
    ends = np.cumsum(repeat)
    within = np.arange(int(ends[-1]) if len(ends) else 0) - np.repeat(ends - repeat, repeat)
    return numbers[np.repeat(starts[which], repeat) + within], np.repeat(places, repeat)


def _count(rows: tuple[_Ints, _Ints], units: int) -> tuple[_Ints, _Ints, npt.NDArray[np.uint16]]:
    """Sorted distinct (term number, unit) with ``field << 13 | frequency``."""
    width = units * FIELD_COUNT
    keys = rows[0] * width + rows[1]
    keys.sort()
    first = np.flatnonzero(np.concatenate((np.ones(min(1, len(keys)), dtype=bool), keys[1:] != keys[:-1])))
    frequency = np.minimum(np.diff(np.append(first, len(keys))), MAX_FREQUENCY)
    number, place = np.divmod(keys[first], width)
    unit, field = np.divmod(place, FIELD_COUNT)
    return number, unit, ((field << _FIELD_SHIFT) | frequency).astype(np.uint16)


def fields_of(counts: npt.NDArray[np.uint16]) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint16]]:
    """Field and frequency of rows."""
    return counts >> np.uint16(_FIELD_SHIFT), counts & np.uint16(MAX_FREQUENCY)
