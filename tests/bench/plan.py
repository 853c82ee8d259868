"""How much a run measures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from tests.bench.corpora import Corpora, Corpus

Say = Callable[[str], None]


class Sizes(msgspec.Struct, frozen=True):
    """Sizes of the brains in records, and counts of repetitions."""

    small: int
    large: int
    repetitions: int
    large_repetitions: int
    words: int
    fresh_processes: int
    commits: int
    instants: int
    snapshots: int
    objects: int
    events: int


FULL = Sizes(
    small=20_000, large=100_000, repetitions=5, large_repetitions=3, words=200, fresh_processes=7, commits=50_000,
    instants=100, snapshots=100_000, objects=1_000, events=100_000,
)  # fmt: skip
QUICK = Sizes(
    small=1_000, large=3_000, repetitions=2, large_repetitions=2, words=15, fresh_processes=2, commits=2_000,
    instants=10, snapshots=2_000, objects=100, events=20_000,
)  # fmt: skip


class Plan(msgspec.Struct, frozen=True):
    """A run: its sizes, a folder to work in, and who is told how it goes. ``corpora`` is None without the data."""

    sizes: Sizes
    scratch: Path
    corpora: Corpora | None
    say: Say

    def small(self) -> Corpus:
        assert self.corpora is not None
        return self._made(self.sizes.small)

    def large(self) -> Corpus:
        return self._made(self.sizes.large)

    def _made(self, records: int) -> Corpus:
        assert self.corpora is not None
        self.say(f"generated brain of {records:,} records")
        return self.corpora.generated(records)


NO_DATA = (
    "the real brain and the generator are not here; set `KRATE_SHARED` to the folder that holds `data/` and `tools/`"
)
