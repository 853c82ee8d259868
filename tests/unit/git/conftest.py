"""Fixtures of the git tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from krate_gitops.settings import Settings
from tests.repos import RepoBuilder


@pytest.fixture
def repo(tmp_path: Path) -> RepoBuilder:
    return RepoBuilder(tmp_path / "brain")


@pytest.fixture
def settings(home: Path) -> Settings:
    return Settings(home=home, deadline_seconds=30)
