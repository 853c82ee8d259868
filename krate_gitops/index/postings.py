"""Own postings: for each term, in which unit and field it stands and how often, as flat arrays.

They are scored exhaustively for a whole commit, so the order of results is exact and hangs on no engine's rounding.
Rows are sorted by (term key, unit, field); a term's rows of all shards are simply concatenated.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from krate_gitops.brain.fields import FIELD_COUNT, Segment
from krate_gitops.index.analysis import JOINERS, stem, term_key, terms_of
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

    def rows(self, keys: npt.NDArray[np.uint64]) -> Iterator[tuple[int, slice]]:
        """Rows of each term that stands here, with its position among ``keys``."""
        if not len(self.terms):
            return
        at = self.terms.searchsorted(keys)
        for which in (self.terms.take(at, mode="clip") == keys).nonzero()[0].tolist():
            term = int(at[which])
            yield which, slice(int(self.offsets[term]), int(self.offsets[term + 1]))


class _Lexicon:
    """Terms of each token seen so far in this process; the same everywhere, so sharing it changes nothing.

    Tokens are numbered; the keys of token n are ``keys[starts[n] : starts[n] + sizes[n]]``.
    """

    _MOST = 2_000_000

    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self._numbers: dict[bytes, int] = {}
        self._plain: dict[str, tuple[int, ...]] = {}
        self._keys = array("Q")
        self._sizes = array("I")
        self._positions = array("I")
        self._columns: tuple[_Keys, _Ints, _Ints, _Ints] | None = None

    def look_up(self, surfaces: Sequence[bytes]) -> tuple[_Ints, _Ints, _Keys]:
        """Positions of each token, number of terms of each token, and the keys of all terms."""
        numbers = list(map(self._numbers.get, surfaces))
        if None in numbers:
            if len(self._numbers) > self._MOST:
                self._clear()
                numbers = [None] * len(surfaces)
            numbers = [self._add(surfaces[at]) if number is None else number for at, number in enumerate(numbers)]
            self._columns = None
        if self._columns is None:
            sizes = np.array(self._sizes, dtype=np.int64)
            starts = np.cumsum(sizes) - sizes
            self._columns = (np.array(self._keys), starts, sizes, np.array(self._positions, dtype=np.int64))
        keys, starts, sizes, positions = self._columns
        rows = np.array(numbers, dtype=np.int64)
        return positions[rows], sizes[rows], keys[_ranges(starts[rows], sizes[rows])]

    def _add(self, surface: bytes) -> int:
        token = surface.decode(errors="replace")
        keys: list[int]
        if token.isascii() and token == token.lower():
            # Nearly every token; the general way leads to the same terms.
            words = JOINERS.split(token)
            positions = len(words)
            keys = [key for word in words for key in self._word(word)]
            if positions > 1:
                keys.append(term_key(token))
        else:
            terms, positions = terms_of(token)
            keys = [term_key(term) for term in terms]
        number = self._numbers[surface] = len(self._sizes)
        self._keys.extend(keys)
        self._sizes.append(len(keys))
        self._positions.append(positions)
        return number

    def _word(self, word: str) -> tuple[int, ...]:
        """Keys of a plain word: itself and its stem."""
        known = self._plain.get(word)
        if known is None:
            if word.isdigit():  # numbers have no stem, and most stand in one record only
                return (term_key(word),)
            root = stem(word)
            known = (term_key(word),) if root == word else (term_key(word), term_key(root))
            self._plain[word] = known
        return known


def _ranges(starts: _Ints, sizes: _Ints) -> _Ints:
    """The numbers start, start + 1, … of every range, one range after the other."""
    ends = np.cumsum(sizes)
    total = int(ends[-1]) if len(ends) else 0
    return np.arange(total) + np.repeat(starts - (ends - sizes), sizes)


_lexicon = _Lexicon()


def build_postings(segments: Sequence[Segment], units: int) -> Postings:
    """Postings of the segments of ``units`` units (numbered over the whole shard)."""
    tokens = tokenise([segment.text.encode() for segment in segments])
    places = np.fromiter(
        (segment.unit * FIELD_COUNT + segment.field for segment in segments), dtype=np.int64, count=len(segments)
    )
    positions, sizes, flat = _lexicon.look_up(tokens.surfaces)
    token_places = places[tokens.text]
    lengths = np.bincount(token_places, weights=positions[tokens.which], minlength=units * FIELD_COUNT)
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
    return numbers[_ranges(starts[which], repeat)], np.repeat(places, repeat)


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
