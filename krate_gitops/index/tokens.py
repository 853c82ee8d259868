"""Tokens of many texts at once, in numpy: the same split as ``analysis.tokens_of``, without a Python object a token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from krate_gitops.index.analysis import MAX_TOKEN_BYTES

Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]

_WORD, _JOINER = 1, 2
_CLASSES = bytes(
    _WORD if code > 127 or chr(code).isalnum() else _JOINER if chr(code) in "-_./:" else 0 for code in range(256)
)
_BEFORE, _AFTER = b"\n", bytes(16)
_MASKS = np.array([(1 << (8 * size)) - 1 for size in range(8)] + [2**64 - 1], dtype=np.uint64)
SHORT = 16
"""Bytes of a token that ``low`` and ``high`` hold."""
NO_TOKEN = np.uint64(2**64 - 1)
"""``low`` of a token that is not short. No text begins like this: no byte of UTF-8 is 255."""


class Tokens(NamedTuple):
    """Token i is ``joined[starts[i] : ends[i]]``; its first bytes are ``low[i]`` and ``high[i]``, where it is short."""

    joined: bytes
    starts: Ints
    ends: Ints
    low: Words
    high: Words
    counts: Ints
    """Tokens of each text."""


def tokenise(texts: Sequence[bytes]) -> Tokens:
    """Tokens of UTF-8 texts, one text after the other."""
    joined = b"".join((_BEFORE, b"\n".join(texts), _AFTER))
    starts, ends = _bounds(joined)
    sizes = ends - starts
    if len(sizes) and int(sizes.max()) > MAX_TOKEN_BYTES:
        keep = sizes <= MAX_TOKEN_BYTES
        starts, ends, sizes = starts[keep], ends[keep], sizes[keep]
    low, high = _first_bytes(joined, starts, sizes)
    lengths = np.fromiter((len(text) + 1 for text in texts), dtype=np.int64, count=len(texts))
    so_far = np.searchsorted(starts, np.cumsum(lengths) + len(_BEFORE))
    return Tokens(joined, starts, ends, low, high, np.diff(so_far, prepend=0))


def _bounds(joined: bytes) -> tuple[Ints, Ints]:
    """Where tokens start and end: runs of word characters, and joiners between two of these."""
    classes = np.frombuffer(joined.translate(_CLASSES), dtype=np.uint8)
    inside = classes == _WORD
    bridge = (classes[1:-1] == _JOINER) & inside[:-2] & inside[2:]
    inside[1:-1] |= bridge
    changes = np.flatnonzero(inside[1:] != inside[:-1]) + 1
    return np.ascontiguousarray(changes[0::2]), np.ascontiguousarray(changes[1::2])


def _first_bytes(joined: bytes, starts: Ints, sizes: Ints) -> tuple[Words, Words]:
    """Each token of up to ``SHORT`` bytes as two numbers."""
    # One number begins at every byte, so that a gather needs no shifts.
    windows: Words = np.ndarray((len(joined) - 7,), dtype="<u8", buffer=joined, strides=(1,))
    low = windows[starts]
    low &= _MASKS[np.minimum(sizes, 8)]
    high = np.zeros_like(low)
    longer = np.flatnonzero(sizes > 8)
    high[longer] = windows[starts[longer] + 8] & _MASKS[np.minimum(sizes[longer] - 8, 8)]
    low[sizes > SHORT] = NO_TOKEN
    return low, high
