"""The first-parent chain of a tip: which commits are approved, and from when on each took effect.

The effective time of a commit is its committer time, but never earlier than its parent's: so the order stays monotone
where clocks were skewed, and a time is found by bisection. A chain is a function of its tip, hence cached under the
tip's id and extended when the tip moves on.
"""

from __future__ import annotations

import bisect
import contextlib
import hashlib
import itertools
import os
import struct
import sys
import tempfile
from array import array
from pathlib import Path

import msgspec

from krate_gitops.errors import UnavailableError
from krate_gitops.git.command import run_git
from krate_gitops.git.history import plain_time
from krate_gitops.git.local import ID_LENGTHS, Repository

_MAGIC = b"krate first-parent chain 1\n"
_HEAD = struct.Struct("<BQ")


class FirstParentChain(msgspec.Struct, frozen=True):
    """Commits from the root (position 0) to the tip. ``oids`` are raw and of ``width`` bytes; ``times`` in seconds."""

    width: int
    oids: bytes
    times: array[int]

    def __len__(self) -> int:
        return len(self.times)

    def oid(self, position: int) -> str:
        return self.oids[position * self.width : (position + 1) * self.width].hex()

    def position(self, oid: str) -> int | None:
        """Where a commit lies on the chain; ``None`` when it isn't on it."""
        raw = bytes.fromhex(oid)
        at = self.oids.find(raw)
        while at % self.width and at >= 0:
            at = self.oids.find(raw, at + 1)
        return at // self.width if at >= 0 and len(raw) == self.width else None

    def at_or_before(self, time: int) -> int | None:
        """Position of the newest commit in effect at ``time`` (seconds); of several, the descendant of the others."""
        after = bisect.bisect_right(self.times, time)
        return after - 1 if after else None


def load_chain(repository: Repository, tip: str, *, home: Path | None = None) -> FirstParentChain:
    """The chain that ends with ``tip``; cached under ``home`` where one is given and can be written.

    Raises ``UnavailableError(MEMORY_REPOSITORY_UNAVAILABLE)`` for a repository whose history is incomplete.
    """
    require_complete_history(repository)
    if home is None:
        return _read(repository, tip)
    cache = _Cache(home / "history", repository)
    chain = cache.load(tip)
    if chain is None:
        chain = _extend(repository, cache.latest(), tip) or _read(repository, tip)
        cache.store(chain)
    return chain


def require_complete_history(repository: Repository) -> None:
    """Refuses shallow and grafted clones: what they call history is not what was approved."""
    if repository.is_shallow:
        raise UnavailableError(
            "MEMORY_REPOSITORY_UNAVAILABLE",
            f"{repository.name} is a shallow clone; refs can only be resolved with complete history",
            hint="run `git fetch --unshallow`, or clone without --depth (in CI: fetch-depth: 0)",
        )
    if repository.is_grafted:
        raise UnavailableError(
            "MEMORY_REPOSITORY_UNAVAILABLE",
            f"{repository.name} overrides parents of commits in info/grafts; refs can't be resolved with it",
            hint="remove the file info/grafts from the repository",
        )


def _read(repository: Repository, tip: str) -> FirstParentChain:
    words = run_git(repository.git_dir, ["rev-list", "--first-parent", "--timestamp", tip]).split()
    return _chain(ID_LENGTHS[repository.object_format] // 2, words[1::2], words[0::2])


def _extend(repository: Repository, known: FirstParentChain | None, tip: str) -> FirstParentChain | None:
    """The chain of ``tip`` from one that it continues; ``None`` when it doesn't."""
    if known is None or known.width != ID_LENGTHS[repository.object_format] // 2:
        return None
    old_tip = known.oid(len(known) - 1)
    if _is_absent(repository, old_tip):
        return None
    arguments = ["rev-list", "--first-parent", "--timestamp", "--parents", tip, f"^{old_tip}"]
    lines = [line.split() for line in run_git(repository.git_dir, arguments).splitlines()]
    # Without a common line the walk stops where the old history was met by another way than first parents.
    if not lines or lines[-1][2:3] != [old_tip.encode()]:
        return None
    fresh = _chain(known.width, [line[1] for line in lines], [line[0] for line in lines], since=known.times[-1])
    return FirstParentChain(known.width, known.oids + fresh.oids, known.times + fresh.times)


def _is_absent(repository: Repository, oid: str) -> bool:
    # `cat-file -e` takes a full id only as an id, and says 1 (or 128 for what isn't there) without a word on stdout.
    return bool(run_git(repository.git_dir, ["cat-file", "--batch-check"], stdin=oid.encode()).endswith(b"missing\n"))


def _chain(width: int, oids: list[bytes], times: list[bytes], *, since: int = 0) -> FirstParentChain:
    """A chain from git's order, newest first."""
    raw = bytes.fromhex(b"".join(reversed(oids)).decode())
    effective = itertools.accumulate((plain_time(int(time)) for time in reversed(times)), max, initial=since)
    return FirstParentChain(width, raw, array("q", itertools.islice(effective, 1, None)))


class _Cache:
    """Files named by tip, and for each repository the tip seen last. Losing or distrusting one costs only time."""

    def __init__(self, folder: Path, repository: Repository) -> None:
        self._folder = folder
        key = hashlib.sha256(os.fsencode(repository.common_dir)).hexdigest()[:16]
        self._latest = folder / f"{key}.latest"

    def load(self, tip: str) -> FirstParentChain | None:
        """The stored chain; ``None`` when it is absent, torn or not this tip's."""
        try:
            stored = (self._folder / f"{tip}.chain").read_bytes()
        except OSError:
            return None
        body = memoryview(stored)[len(_MAGIC) + 32 :]
        if not stored.startswith(_MAGIC + hashlib.sha256(body).digest()):
            return None
        width, count = _HEAD.unpack_from(body)
        split = _HEAD.size + width * count
        times = array("q", body[split:].tobytes())
        chain = FirstParentChain(width, body[_HEAD.size : split].tobytes(), _little_endian(times))
        return chain if len(chain) == count and count and chain.oid(count - 1) == tip else None

    def latest(self) -> FirstParentChain | None:
        tip = self._latest_tip()
        return self.load(tip) if tip else None

    def store(self, chain: FirstParentChain) -> None:
        tip, before = chain.oid(len(chain) - 1), self._latest_tip()
        times = _little_endian(array("q", chain.times)).tobytes()
        body = _HEAD.pack(chain.width, len(chain)) + chain.oids + times
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            self._write(self._folder / f"{tip}.chain", _MAGIC + hashlib.sha256(body).digest() + body)
            self._write(self._latest, tip.encode())
            if before and before != tip:
                (self._folder / f"{before}.chain").unlink(missing_ok=True)

    def _latest_tip(self) -> str | None:
        try:
            tip = self._latest.read_text("ascii")
        except (OSError, UnicodeDecodeError):
            return None
        return tip if len(tip) in ID_LENGTHS.values() and not tip.strip("0123456789abcdef") else None

    def _write(self, path: Path, content: bytes) -> None:
        handle, name = tempfile.mkstemp(dir=self._folder, prefix=".writing-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            os.replace(name, path)
        except OSError:
            os.unlink(name)
            raise


def _little_endian(times: array[int]) -> array[int]:
    if sys.byteorder == "big":
        times.byteswap()
    return times
