"""The import of a long journal costs little more than reading it, in memory that doesn't grow."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest

from tests.journals import SHAPES, imported, measured, write
from tests.proportion import assert_in_proportion

_TRIES = 4
_MEMORY = {"array": 10_000, "folder": 4_000}
_EVENTS = {"array": 60_000, "folder": 8_000}
"""Enough that what is done once, such as making the automata of the scans, doesn't count."""


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("tier", ["summary-only", "curated-journal"])
def test_an_import_takes_at_most_three_times_the_reading(tmp_path: Path, shape: str, tier: str) -> None:
    run = write(tmp_path, _EVENTS[shape], shape)
    imported(run, tier)  # automata are made once for all
    best = min(one.mine / one.floor for one in (measured(run, tier) for _ in range(_TRIES)))
    assert best < 3


def test_the_time_grows_with_the_journal(tmp_path: Path) -> None:
    runs = {count: write(tmp_path, count, "array") for count in (3_000, 24_000)}
    assert_in_proportion(lambda count: imported(runs[count], "curated-journal"), 3_000)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_memory_does_not_grow_with_the_journal(tmp_path: Path, shape: str) -> None:
    def peak(count: int) -> int:
        run = write(tmp_path, count, shape)
        tracemalloc.start()
        try:
            imported(run, "curated-journal")
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(100)  # what is made once
    small, large = peak(_MEMORY[shape]), peak(4 * _MEMORY[shape])
    # Names of files are listed a folder at a time.
    assert large - small < (2 << 20 if shape == "array" else 4 * _MEMORY[shape] * 200)


def test_every_event_counts(tmp_path: Path) -> None:
    made = [imported(write(tmp_path, 3_000, shape), "curated-journal") for shape in SHAPES]
    assert [one.facts.event_count for one in made] == [3_000, 3_000]
    assert sum("/journal/" in path for path in made[0].files) == 200
    assert set(made[0].files) == set(made[1].files)
