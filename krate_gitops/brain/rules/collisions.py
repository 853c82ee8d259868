"""Paths that a file system could take for one: they differ only in case or in Unicode form.

Every spelling, of a file and of each folder above it, has two 64-bit keys: of the spelling and of what it folds to.
Two spellings with one fold collide. Keys are plain columns, so a part of a brain keeps its own and a whole commit is
compared by sorting; paths are only looked at when something collides.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Iterator
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from krate_gitops.brain.model import Finding, Related
from krate_gitops.brain.rules.place import Placed
from krate_gitops.printable import printable

Keys = npt.NDArray[np.uint64]


class Spellings(NamedTuple):
    """Keys of the distinct spellings of some paths and their folders; row by row the fold and the spelling."""

    fold: Keys
    exact: Keys


def fold(path: str) -> str:
    """What a path becomes on a file system that ignores case and Unicode form."""
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", path).casefold())


def spellings(paths: Iterable[str]) -> Spellings:
    """Keys of the paths and of every folder above them."""
    seen: set[str] = set()
    exact: list[int] = []
    folded: list[int] = []
    for path in paths:
        for name in _upwards(path):
            if name in seen:
                # Whoever saw this folder saw those above it.
                break
            seen.add(name)
            other = fold(name)
            key = _key(name)
            exact.append(key)
            folded.append(key if other == name else _key(other))
    return Spellings(np.array(folded, dtype=np.uint64), np.array(exact, dtype=np.uint64))


def colliding(parts: Collection[Spellings]) -> frozenset[int]:
    """Fold keys with more than one spelling among all parts."""
    if not parts:
        return frozenset()
    fold_keys = np.concatenate([part.fold for part in parts])
    exact_keys = np.concatenate([part.exact for part in parts])
    order = np.lexsort((exact_keys, fold_keys))
    fold_keys, exact_keys = fold_keys[order], exact_keys[order]
    clash = (fold_keys[1:] == fold_keys[:-1]) & (exact_keys[1:] != exact_keys[:-1])
    return frozenset(fold_keys[1:][clash].tolist())


def check_collisions(paths: Collection[str], folds: Collection[int] | None = None) -> list[Placed]:
    """KB014 for each spelling that collides, at the first path that has it.

    ``folds`` are the keys that ``colliding`` found, when the caller has them; ``paths`` must then hold all paths with
    such a spelling, and may hold others.
    """
    if folds is None:
        folds = colliding([spellings(paths)])
    if not folds:
        return []
    groups: dict[str, dict[str, str]] = {}
    for path in sorted(paths):
        for name in _upwards(path):
            folded = fold(name)
            if _key(folded) in folds:
                groups.setdefault(folded, {}).setdefault(name, path)
    return [finding for folded in sorted(groups) for finding in _of_group(groups[folded])]


def _of_group(first_paths: dict[str, str]) -> Iterator[Placed]:
    """Findings of spellings that fold to one, from each spelling's first path."""
    # Below two spellings of a folder everything collides again; the folder says enough.
    if len({name.rpartition("/")[2] for name in first_paths}) < 2:
        return
    visible = {name: _visible(name) + ("/" if path != name else "") for name, path in first_paths.items()}
    for name in sorted(first_paths):
        others = [other for other in sorted(first_paths) if other != name]
        message = f"{visible[name]} collides with {', '.join(visible[other] for other in others[:3])}"
        related = tuple(Related(first_paths[other]) for other in others)
        yield first_paths[name], Finding("KB014", message, offset=0, related=related)


def _visible(name: str) -> str:
    """A spelling in which forms that look alike can be told apart."""
    return printable(name) if unicodedata.is_normalized("NFC", name) else ascii(name)[1:-1]


def _upwards(path: str) -> Iterator[str]:
    """The path, the folder above it, and so on."""
    while path:
        yield path
        path = path.rpartition("/")[0]


def _key(name: str) -> int:
    return int.from_bytes(blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
