from __future__ import annotations

from pathlib import Path

import pytest

from tests.repos import RepoBuilder
from tests.unit.server.brain import make_repository


@pytest.fixture(scope="package")
def repo(tmp_path_factory: pytest.TempPathFactory) -> RepoBuilder:
    return make_repository(tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="package")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One home for all servers here: the first builds the index."""
    return tmp_path_factory.mktemp("home")
