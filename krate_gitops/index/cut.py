"""Where a commit's sorted documents are cut into shards: a pure function of the paths.

After the r-th document of a run there is a cut when the first four bytes of the path's SHA-256 are below ``CUTS[r]``,
and always at the end of the table. The hazard grows with the run length (Weibull, K = 4, mean about 256), so shards are
of even size, an edit touches one shard, and an added path rarely moves more than one cut. Integers only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256

_SCALE = 282
"""Mean 256 divided by the gamma function at 1 + 1/4, rounded."""
_BITS = 64
_LONGEST = 512


def _hazard(run: int) -> int:
    """2^32 times the probability of a cut after document ``run`` of a run so far: 1 - exp(-d), by its series."""
    d = (((run + 1) ** 4 - run**4) << _BITS) // _SCALE**4
    square = d * d >> _BITS
    cube = square * d >> _BITS
    return max(0, min(d - square // 2 + cube // 6, 1 << _BITS)) >> (_BITS - 32)


CUTS = tuple(_hazard(run) for run in range(_LONGEST))


def cuts(paths: Sequence[str], start: int = 0) -> Iterator[tuple[int, int]]:
    """Ranges ``(first, end)`` of shards over sorted paths, from ``start``, which must be the first of a shard."""
    run = 0
    for at in range(start, len(paths)):
        if is_cut(paths[at], run):
            yield start, at + 1
            start, run = at + 1, 0
        else:
            run += 1
    if start < len(paths):
        yield start, len(paths)


def is_cut(path: str, run: int) -> bool:
    """Whether a shard ends after ``path``, the document number ``run`` (from 0) of its run."""
    if run >= _LONGEST - 1:
        return True
    return int.from_bytes(sha256(path.encode()).digest()[:4], "big") < CUTS[run]
