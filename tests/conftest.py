"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Folder with real brains and the generator; tests that need it skip where it is absent."""
    folder = Path(os.environ.get("KRATE_SHARED", Path(__file__).parents[2] / "shared"))
    if not (folder / "data" / "atlas-brain.bundle").exists():
        pytest.skip("no shared test data beside the checkout (set KRATE_SHARED)")
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty home for mirrors and the index store."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder
