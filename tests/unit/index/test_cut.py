"""The cut table: where a commit's sorted paths are cut into shards."""

from __future__ import annotations

import math
import random
from hashlib import sha256
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krate_gitops.digest import json_digest
from krate_gitops.index.analysis import VERSION as ANALYSIS
from krate_gitops.index.cut import CUTS, cuts, is_cut
from krate_gitops.index.formats import INDEXER_VERSION


def _paths(seed: int, count: int) -> list[str]:
    source = random.Random(seed)
    return sorted({f"graph/{source.randrange(10**9):09}/{source.choice('abcdef')}.yaml" for _ in range(count)})


def _sizes(paths: list[str]) -> list[int]:
    return [end - first for first, end in cuts(paths)]


def test_the_table_holds_whole_numbers_that_grow() -> None:
    assert len(CUTS) == 512
    assert all(type(threshold) is int and 0 <= threshold <= 2**32 for threshold in CUTS)
    assert all(one <= two for one, two in pairwise(CUTS))


def test_the_table_is_this_one() -> None:
    """Part of the indexer's version: an index built with another table is another index."""
    assert (CUTS[0], CUTS[1], CUTS[255], CUTS[511]) == (0, 10, 45_072_225, 348_595_065)
    digest = sha256(",".join(map(str, CUTS)).encode()).hexdigest()
    assert digest == "8bd2b2e09ee3df2743b9bb6cfaafaaaf8abe68a3e3da071b3deadfc6da8b57f6"


def test_the_hazard_is_that_of_weibull() -> None:
    scale = 256 / math.gamma(1.25)
    for run, threshold in enumerate(CUTS):
        hazard = 1 - math.exp(-(((run + 1) / scale) ** 4 - (run / scale) ** 4))
        assert threshold / 2**32 == pytest.approx(hazard, rel=0.01, abs=1e-8)


@pytest.mark.parametrize("seed", range(3))
def test_shards_hold_about_256_documents_and_are_even(seed: int) -> None:
    sizes = _sizes(_paths(seed, 30_000))[:-1]
    mean = sum(sizes) / len(sizes)
    assert 235 < mean < 277
    assert max(sizes) <= 512
    reindexed = sum(size * size for size in sizes) / sum(sizes)  # documents an edit builds again, on average
    assert reindexed < 1.15 * mean


@given(st.lists(st.text("abcdeé/", min_size=1, max_size=6), unique=True, max_size=40).map(sorted))
def test_shards_cover_the_paths_in_order(paths: list[str]) -> None:
    ranges = list(cuts(paths))
    assert [at for first, end in ranges for at in range(first, end)] == list(range(len(paths)))
    assert all(first < end for first, end in ranges)


def test_cutting_goes_on_from_any_shard() -> None:
    paths = _paths(7, 3_000)
    ranges = list(cuts(paths))
    for number, (first, _) in enumerate(ranges):
        assert list(cuts(paths, first)) == ranges[number:]


@pytest.mark.parametrize("seed", range(5))
def test_a_new_or_a_lost_path_moves_few_cuts(seed: int) -> None:
    paths = _paths(seed, 6_000)
    ends = {paths[end - 1] for _, end in cuts(paths)}
    moved = []
    for at in range(0, len(paths), 97):
        without = paths[:at] + paths[at + 1 :]
        moved.append(len(ends ^ {without[end - 1] for _, end in cuts(without)}))
    assert sum(moved) / len(moved) < 12


def test_no_run_is_longer_than_the_table() -> None:
    assert is_cut("anything", 511)
    assert all(size <= 512 for size in _sizes([f"{number:08}" for number in range(5_000)]))


def test_a_hostile_choice_of_paths_is_bounded_by_the_table() -> None:
    """Names chosen so that no hash ever cuts still make shards of 512."""
    uncut = sorted(
        p
        for p in (f"{n:07}" for n in range(4_000))
        if int.from_bytes(sha256(p.encode()).digest()[:4], "big") >= CUTS[-2]
    )
    assert max(_sizes(uncut)) == 512


def test_another_table_or_analysis_is_another_indexer() -> None:
    """Digests name the indexer: who changes what they are made from gives it another version, and mends this."""
    made_from = (json_digest([str(threshold) for threshold in CUTS]), ANALYSIS)
    assert {INDEXER_VERSION: made_from} == {
        "2.0.0": ("sha256:4eecb978cc46239da5a46e07ae5ef63aeee3ad14f1b96529647967df13186c37", "krate-text-1")
    }
