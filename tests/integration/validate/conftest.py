"""Brains for tests of validation."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.validate.brains import Brain, sound_files


@pytest.fixture
def brain(tmp_path: Path) -> Brain:
    """A brain with one commit that nothing is wrong with."""
    made = Brain(tmp_path)
    made.commit(sound_files())
    return made
