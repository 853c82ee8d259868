"""Small shards for every test here, so that a small brain has several."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from krate_gitops.index import cut
from krate_gitops.index.build import Builder
from tests.integration.index.brains import Brain, answers, make_brain
from tests.property.histories import CUTS


@pytest.fixture(autouse=True, scope="package")
def small_shards() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cut, "CUTS", CUTS)
        patch.setattr(cut, "_LONGEST", len(CUTS))
        yield


@pytest.fixture(scope="package")
def brain(tmp_path_factory: pytest.TempPathFactory, small_shards: None) -> Brain:
    return make_brain(tmp_path_factory.mktemp("faults"))


@pytest.fixture(scope="package")
def pristine(brain: Brain, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that holds the index of the first commit, to be copied."""
    home = tmp_path_factory.mktemp("first")
    answers(Builder(home, jobs=1), brain.first)
    return home


@pytest.fixture(scope="package")
def expected(brain: Brain, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """What a store without faults answers, for both commits."""
    home = tmp_path_factory.mktemp("pristine")
    return [answers(Builder(home, jobs=1), target) for target in (brain.first, brain.second)]
