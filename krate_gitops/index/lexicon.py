"""The terms of every token seen so far in this process, found again by array operations.

Brains repeat their words. What terms a token stands for is worked out once; from then on a token is found by its
bytes in a hash table that numpy reads for all tokens of a shard at once.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from krate_gitops.index.analysis import JOINERS, is_camel, stem, term_key, terms_of
from krate_gitops.index.tokens import NO_TOKEN, Ints, Tokens, Words

_MOST = 1_000_000
"""Tokens that are remembered."""
_SMALLEST_TABLE = 16
"""Logarithm of its slots."""
_ROOM = 4
"""Slots of the table for each token, at least."""
_MIX = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F))


class Occurrences(NamedTuple):
    """Numbers of the terms of some tokens, one token after the other; how many each has, and at how many positions."""

    terms: Ints
    sizes: Ints
    positions: npt.NDArray[np.uint32]


class Lexicon:
    """Terms of tokens. They are the same everywhere, so sharing a lexicon changes no result."""

    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self._tokens = _Numbers(self._learn)
        self._words: dict[str, tuple[int, ...]] = {}
        self._term_numbers: dict[int, int] = {}
        self._keys = array("Q")
        # The terms of token n are ``terms[starts[n] : starts[n + 1]]``. Token 0 is none.
        self._terms = array("I")
        self._starts = array("I", (0, 0))
        self._positions = array("I", (0,))
        self._low: Words = np.zeros(1, dtype=np.uint64)
        self._high: Words = np.zeros(1, dtype=np.uint64)
        self._table: npt.NDArray[np.int32] = np.zeros(1 << _SMALLEST_TABLE, dtype=np.int32)

    def keys(self, terms: Ints) -> Words:
        """Keys of terms by number."""
        return np.frombuffer(self._keys, dtype=np.uint64)[terms]

    def look_up(self, tokens: Tokens) -> Occurrences:
        """Terms of the tokens. Their numbers hold until the next look-up."""
        if len(self._tokens) > _MOST:
            self._clear()
        numbers = self._find(tokens)
        unknown = np.flatnonzero(numbers == 0)
        if len(unknown):
            spans = zip(tokens.starts[unknown].tolist(), tokens.ends[unknown].tolist(), strict=True)
            numbers[unknown] = [self._tokens[tokens.joined[start:end]] for start, end in spans]
            self._place(numbers[unknown], tokens.low[unknown], tokens.high[unknown])
        # The arrays can't grow while numpy looks at them, so no view of them is kept.
        bounds = np.frombuffer(self._starts, np.uint32)
        starts = bounds[numbers].astype(np.int64)
        sizes = bounds[numbers + 1] - starts
        rows = ranges(starts, sizes)
        terms = np.frombuffer(self._terms, np.uint32)[rows]
        return Occurrences(terms.astype(np.int64), sizes, np.frombuffer(self._positions, np.uint32)[numbers])

    # -- finding

    def _find(self, tokens: Tokens) -> Ints:
        """Numbers of the tokens, 0 for those that the table does not hold."""
        first, second = _slots(tokens.low, tokens.high, len(self._table))
        numbers = self._table[first].astype(np.int64)
        others = np.flatnonzero((self._low[numbers] != tokens.low) | (self._high[numbers] != tokens.high))
        again = self._table[second[others]].astype(np.int64)
        again[(self._low[again] != tokens.low[others]) | (self._high[again] != tokens.high[others])] = 0
        numbers[others] = again
        return numbers

    def _place(self, numbers: Ints, low: Words, high: Words) -> None:
        """Puts tokens into the table; one that finds no room stays in the dictionary alone."""
        before, after = len(self._low), len(self._positions)
        self._low = np.concatenate((self._low, np.zeros(after - before, dtype=np.uint64)))
        self._high = np.concatenate((self._high, np.zeros(after - before, dtype=np.uint64)))
        self._low[numbers], self._high[numbers] = low, high
        if after * _ROOM > len(self._table):
            self._table = np.zeros(len(self._table) * _ROOM, dtype=np.int32)
            before = 1
        waiting = before + np.flatnonzero(self._low[before:] != NO_TOKEN)
        for slots in _slots(self._low[before:], self._high[before:], len(self._table)):
            wanted = slots[waiting - before]
            waiting, wanted = waiting[self._table[wanted] == 0], wanted[self._table[wanted] == 0]
            self._table[wanted] = waiting
            waiting = waiting[self._table[wanted] != waiting]

    # -- learning

    def _learn(self, surface: bytes) -> int:
        """The number of a token that is new."""
        token = surface.decode(errors="replace")
        if not token.isascii():
            terms, positions = terms_of(token)
            self._terms.extend([self._term(term_key(term)) for term in terms])
        else:
            # Most compounds are made of words that were seen before.
            words = [token] if token.isalnum() else JOINERS.split(token)
            positions = len(words)
            for word in words:
                self._terms.extend(self._words.get(word) or self._word(word))
            if positions > 1:
                self._terms.append(self._term(term_key(token.lower())))
        self._starts.append(len(self._terms))
        self._positions.append(positions)
        return len(self._positions) - 1

    def _word(self, word: str) -> tuple[int, ...]:
        """Numbers of the terms of a new word in ASCII."""
        if word.isdigit():  # a number has no stem, and most stand in one record only
            return (self._term(term_key(word)),)
        folded = word.lower()
        if is_camel(word):
            known = tuple(self._term(term_key(term)) for term in terms_of(word)[0])
        elif word != folded:
            known = self._words.get(folded) or self._word(folded)
        else:
            root, number = stem(word), self._term(term_key(word))
            known = (number,) if root == word else (number, self._term(term_key(root)))
        self._words[word] = known
        return known

    def _term(self, key: int) -> int:
        number = self._term_numbers.get(key)
        if number is None:
            number = self._term_numbers[key] = len(self._keys)
            self._keys.append(key)
        return number


class _Numbers(dict[bytes, int]):
    """Numbers of tokens; one that is not there yet is learnt when it is asked for."""

    def __init__(self, learn: Callable[[bytes], int]) -> None:
        super().__init__()
        self._learn = learn

    def __missing__(self, token: bytes) -> int:
        number = self[token] = self._learn(token)
        return number


def _slots(low: Words, high: Words, size: int) -> tuple[Ints, Ints]:
    """The two places of each token in a table of a size that is a power of two."""
    mixed = low * _MIX[0]
    mixed ^= mixed >> np.uint64(29)
    mixed ^= high
    mixed *= _MIX[1]
    bits = size.bit_length() - 1
    first = (mixed >> np.uint64(64 - bits)).astype(np.int64)
    second = ((mixed >> np.uint64(64 - 2 * bits)) & np.uint64(size - 1)).astype(np.int64)
    return first, second


def ranges(starts: Ints, sizes: Ints) -> Ints:
    """The numbers start, start + 1, … of every range, one range after the other."""
    ends = np.cumsum(sizes)
    total = int(ends[-1]) if len(ends) else 0
    return np.arange(total) + np.repeat(starts - (ends - sizes), sizes)
