"""The columns of a whole commit in one file, mapped and not read.

Judging a small change needs a few rows of everything else, found by their keys. Reading every shard for that would cost
what the brain holds; mapping one file costs nothing. A catalog is written whenever a commit is judged whole, and serves
the commits after it, which keep most of its shards. It is derived and may be deleted at any time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from pathlib import Path

import msgspec
import numpy as np

from krate_gitops.brain.links import COLUMNS, Array, Links, concatenate
from krate_gitops.brain.rules.collisions import Spellings
from krate_gitops.index.shard import DamagedError, Outline

_MAGIC = b"krate-catalog-1\n"
_ALIGN = 8
_DIGEST_BYTES = 32
_BLOCK = 1 << 15
_WEIGHTS = np.arange(1, _BLOCK + 1, dtype=np.uint64)
_WORD = 1 << 64
_NAMES = (*(name for name, _ in COLUMNS), "fold", "exact")
_TYPES = (*(kind for _, kind in COLUMNS), np.uint64, np.uint64)


class _Head(msgspec.Struct, array_like=True):
    keys: list[str]
    records: list[int]
    """First record of each shard, and their number at the end; ``refs`` and ``spellings`` likewise."""
    refs: list[int]
    spellings: list[int]
    names: list[str]
    lengths: list[int]
    sums: list[int]
    """Of the body; see ``_sums``."""


class Catalog:
    """A mapped catalog. ``parts`` are the columns of its shards that are still wanted."""

    def __init__(self, path: Path) -> None:
        try:
            data = np.memmap(path, dtype=np.uint8, mode="r")
        except (OSError, ValueError) as error:
            raise DamagedError(str(error)) from None
        try:
            if bytes(data[: len(_MAGIC)]) != _MAGIC:
                raise DamagedError("not a catalog")
            start = len(_MAGIC) + 8
            size = int(data[len(_MAGIC) : start].view(np.uint64)[0])
            sealed = bytes(data[start : start + size])
            body = data[start + _padded(size) :]
            head = msgspec.msgpack.decode(sealed[_DIGEST_BYTES:], type=_Head)
            if hashlib.sha256(sealed[_DIGEST_BYTES:]).digest() != sealed[:_DIGEST_BYTES] or _sums(body) != head.sums:
                raise DamagedError("the bytes are not those that were written")
        except (ValueError, IndexError, msgspec.DecodeError) as error:
            raise DamagedError(str(error)) from None
        self.keys = head.keys
        self._head = head
        self._arrays: dict[str, Array] = {}
        at = 0
        for name, kind, length in zip(_NAMES, _TYPES, head.lengths, strict=True):
            width = length * np.dtype(kind).itemsize
            self._arrays[name] = body[at : at + width].view(kind)
            at += _padded(width)

    def rest(self, wanted: Collection[str]) -> tuple[Links, Array, Array, Spellings]:
        """All columns, and which records, references and spellings are of the wanted shards."""
        alive = np.array([key in wanted for key in self.keys], dtype=bool)
        links = Links(**{name: self._arrays[name] for name, _ in COLUMNS}, names=self._head.names)
        records = np.repeat(alive, np.diff(self._head.records))
        refs = np.repeat(alive, np.diff(self._head.refs))
        kept = np.repeat(alive, np.diff(self._head.spellings))
        spellings = Spellings(self._arrays["fold"][kept], self._arrays["exact"][kept])
        return links, records, refs, spellings


def catalog_bytes(keys: Sequence[str], outlines: Sequence[Outline]) -> bytes:
    """The file of a catalog over these shards."""
    links, records, refs = concatenate([outline.links for outline in outlines])
    sizes = [len(outline.spellings.fold) for outline in outlines]
    columns = {name: getattr(links, name) for name, _ in COLUMNS}
    none = np.zeros(0, dtype=np.uint64)  # a commit may hold no shard at all
    columns["fold"] = np.concatenate([none, *(outline.spellings.fold for outline in outlines)])
    columns["exact"] = np.concatenate([none, *(outline.spellings.exact for outline in outlines)])
    parts = []
    for name in _NAMES:
        data = columns[name].tobytes()
        parts.append(data + bytes(_padded(len(data)) - len(data)))
    body = b"".join(parts)
    head = _Head(
        list(keys),
        records.tolist(),
        refs.tolist(),
        np.cumsum([0, *sizes]).tolist(),
        links.names,
        [len(columns[name]) for name in _NAMES],
        _sums(np.frombuffer(body, dtype=np.uint8)),
    )
    encoded = msgspec.msgpack.encode(head)
    encoded = hashlib.sha256(encoded).digest() + encoded
    padding = bytes(_padded(len(encoded)) - len(encoded))
    return _MAGIC + len(encoded).to_bytes(8, "little") + encoded + padding + body


def _sums(body: Array) -> list[int]:
    """Plain and weighted sum of the body as 64-bit words, quick to make over megabytes.

    A flipped bit, a torn end and exchanged words each change one of them.
    """
    plain = weighted = 0
    words = body.view(np.uint64)
    for start in range(0, len(words), _BLOCK):
        # Weights for a whole body would be as large as the body, and new memory costs more than this sum.
        block = words[start : start + _BLOCK]
        total = int(block.sum(dtype=np.uint64))
        plain += total
        weighted += int(np.dot(block, _WEIGHTS[: len(block)])) + total * start
    return [plain % _WORD, weighted % _WORD]


def _padded(size: int) -> int:
    return -(-size // _ALIGN) * _ALIGN
