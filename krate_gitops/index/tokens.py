"""Tokens of many texts at once, in numpy: the same split as ``analysis.tokens_of``, without a Python object a token."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from krate_gitops.index.analysis import MAX_TOKEN_BYTES

_Array = npt.NDArray[np.int64]

_OTHER, _WORD, _JOINER = 0, 1, 2
_CLASSES = np.zeros(256, dtype=np.uint8)
_CLASSES[[*range(48, 58), *range(65, 91), *range(97, 123), *range(128, 256)]] = _WORD
_CLASSES[[ord(char) for char in "-_./:"]] = _JOINER
_MASKS = np.array([(1 << (8 * size)) - 1 for size in range(8)] + [2**64 - 1], dtype=np.uint64)
_PADDING = bytes(16)
_MIX = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F))


class Tokens(NamedTuple):
    """``surfaces[which[i]]`` is the i-th token, standing in text ``text[i]``; ``skipped`` were too long."""

    surfaces: list[bytes]
    which: _Array
    text: _Array
    skipped: int


def tokenise(texts: list[bytes]) -> Tokens:
    """Tokens of UTF-8 texts; distinct ones are listed once."""
    joined = b"\n".join(texts) + _PADDING
    buffer = np.frombuffer(joined, dtype=np.uint8)
    classes = _CLASSES[buffer]
    inside = classes == _WORD
    bridge = np.zeros_like(inside)
    bridge[1:-1] = (classes[1:-1] == _JOINER) & inside[:-2] & inside[2:]
    inside |= bridge
    changes = np.flatnonzero(inside[1:] != inside[:-1]) + 1
    if inside[0]:
        changes = np.concatenate((np.zeros(1, dtype=changes.dtype), changes))
    starts, ends = changes[0::2], changes[1::2]
    sizes = ends - starts
    skipped = 0
    if len(sizes) and int(sizes.max()) > MAX_TOKEN_BYTES:
        keep = sizes <= MAX_TOKEN_BYTES
        skipped = int(len(keep) - keep.sum())
        starts, ends, sizes = starts[keep], ends[keep], sizes[keep]
    surfaces, which = _distinct(joined, buffer, starts, ends, sizes)
    lengths = np.fromiter((len(text) + 1 for text in texts), dtype=np.int64, count=len(texts))
    text = np.searchsorted(np.cumsum(lengths), starts, side="right")
    return Tokens(surfaces, which, text, skipped)


def _distinct(
    joined: bytes, buffer: npt.NDArray[np.uint8], starts: _Array, ends: _Array, sizes: _Array
) -> tuple[list[bytes], _Array]:
    """Distinct tokens and, for each token, which of them it is.

    Tokens of up to 16 bytes are compared as two numbers, longer ones in a dictionary.
    """
    windows = np.lib.stride_tricks.sliding_window_view(buffer, 8)
    low = windows[starts].view(np.uint64).ravel() & _MASKS[np.minimum(sizes, 8)]
    high = np.zeros_like(low)
    long = np.flatnonzero(sizes > 8)
    high[long] = windows[starts[long] + 8].view(np.uint64).ravel() & _MASKS[np.minimum(sizes[long] - 8, 8)]
    longer = np.flatnonzero(sizes > 16)
    numbers: dict[bytes, int] = {}
    for at in longer.tolist():
        # A first byte of 1 never starts a token, so these keys meet no short token.
        token = joined[starts[at] : ends[at]]
        low[at], high[at] = 1, numbers.setdefault(token, len(numbers))
    mixed = low * _MIX[0]
    mixed ^= mixed >> np.uint64(29)
    mixed = (mixed ^ high) * _MIX[1]
    order = np.argsort(mixed)
    low_sorted, high_sorted = low[order], high[order]
    same = (low_sorted[1:] == low_sorted[:-1]) & (high_sorted[1:] == high_sorted[:-1])
    if bool(np.any((mixed[order][1:] == mixed[order][:-1]) & ~same)):  # two tokens of one mixed value: sort exactly
        order = np.lexsort((high, low))
        low_sorted, high_sorted = low[order], high[order]
        same = (low_sorted[1:] == low_sorted[:-1]) & (high_sorted[1:] == high_sorted[:-1])
    first = np.concatenate((np.ones(min(1, len(order)), dtype=bool), ~same))
    which = np.empty(len(order), dtype=np.int64)
    which[order] = np.cumsum(first) - 1
    leaders = order[first]
    spans = zip(starts[leaders].tolist(), ends[leaders].tolist(), strict=True)
    return [joined[start:end] for start, end in spans], which
