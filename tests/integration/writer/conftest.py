"""Fixtures of the tests that write config."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from krate_gitops.records.database import close_databases
from krate_gitops.settings import Settings
from tests.config_writing import Writer


@pytest.fixture
def writer(tmp_path: Path, home: Path) -> Iterator[Writer]:
    yield Writer(tmp_path, Settings(home=home, deadline_seconds=60))
    close_databases()
