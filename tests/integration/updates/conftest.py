"""Boards for tests of updates: copies of one that is seeded and indexed already."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from krate_gitops.records.database import close_databases
from krate_gitops.settings import Settings
from tests.updates import Board

MakeBoard = Callable[..., Board]


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a repository and a home that has its index."""
    folder = tmp_path_factory.mktemp("seeded")
    (folder / "home").mkdir()
    board = Board(folder, Settings(home=folder / "home"))
    desk = board.desk("seed")
    desk.brain.read(board.seed, lambda opened: opened.manifest.index_digest)
    close_databases()
    return folder


@pytest.fixture
def board(seeded: Path, tmp_path: Path) -> Iterator[Board]:
    """A board with records on SQLite."""
    shutil.copytree(seeded, tmp_path / "board")
    yield Board(tmp_path / "board", Settings(home=tmp_path / "board" / "home"))
    close_databases()


@pytest.fixture
def make_board(tmp_path: Path, home: Path) -> Iterator[MakeBoard]:
    """Boards of other files, roots and policies, each made anew."""

    def make(**how: Any) -> Board:
        return Board(tmp_path, how.pop("settings", Settings(home=home)), **how)

    yield make
    close_databases()
