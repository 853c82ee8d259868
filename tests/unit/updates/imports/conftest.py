"""A workspace with a finished run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.updates.imports.sources import EVENTS, Workspace


@pytest.fixture
def empty(tmp_path: Path) -> Workspace:
    """A run's folder with nothing in it."""
    return Workspace(tmp_path)


@pytest.fixture
def workspace(empty: Workspace) -> Workspace:
    """A run with a record and six events, of which one effect failed."""
    return empty.record().journal(EVENTS)
