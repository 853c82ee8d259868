"""Imports that die at any point of their work, and imports that race: the next look gives what nobody disturbed."""

from __future__ import annotations

import multiprocessing
import signal
from pathlib import Path

import pytest

from krate_gitops.errors import KrateError
from krate_gitops.records.database import close_databases
from krate_gitops.settings import Settings
from krate_gitops.updates.imports.model import ImportPhase
from krate_gitops.updates.imports.review import look_at_import
from krate_gitops.updates.look import look_at_all
from krate_gitops.updates.model import Phase
from tests.integration.imports.test_lifecycle import ImportBoard
from tests.killed import calls_of, killed_after
from tests.updates import OWNER

STEPS = 14


def board_in(folder: Path) -> ImportBoard:
    folder.mkdir()
    home = folder / "home"
    home.mkdir()
    board = ImportBoard(folder, Settings(home=home))
    board.desk(OWNER).brain.read(board.tip() or "", lambda opened: None)  # its index is there, as it mostly is
    return board


def run_alone(board: ImportBoard) -> None:
    close_databases()
    board.run(retentionTier="curated-journal")


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> int:
    board = board_in(tmp_path_factory.mktemp("count") / "b")
    return calls_of(lambda: run_alone(board), since="run_import")


@pytest.mark.parametrize("step", range(STEPS))
def test_an_import_that_was_killed_is_finished_by_the_next_call(tmp_path: Path, calls: int, step: int) -> None:
    board = board_in(tmp_path / "b")
    died = killed_after(lambda: run_alone(board), calls * (step + 1) // (STEPS + 4), since="run_import")
    assert died == -signal.SIGKILL
    close_databases()
    held = board.run(retentionTier="curated-journal")
    assert held.phase is ImportPhase.AWAITING_REVIEW
    assert len(board.imports()) == 1
    assert [one.update.phase for one in board.all()] == [Phase.AWAITING_APPROVAL]
    assert board.branches() == [held.document.status.target_branch]
    held = board.land(board.review(held))
    assert held.phase is ImportPhase.MERGED
    assert len(board.chain()) == 2
    assert board.branches() == []


@pytest.mark.parametrize("step", range(4))
def test_a_merge_that_was_killed_is_seen_by_the_next_look(tmp_path: Path, step: int) -> None:
    board = board_in(tmp_path / "b")
    held = board.review(board.run())

    def land() -> None:
        close_databases()
        board.land(held)

    close_databases()
    counted = board_in(tmp_path / "c")
    other = counted.review(counted.run())

    def land_other() -> None:
        close_databases()
        counted.land(other)

    total = calls_of(land_other, since="merge_import")
    assert killed_after(land, total * (step + 1) // 5, since="merge_import") == -signal.SIGKILL
    close_databases()
    look_at_all(board.desk("krate", "Controller"))
    held = look_at_import(board.desk("krate", "Controller"), held.name)
    if held.phase is not ImportPhase.MERGED:
        held = board.land(held)
    assert held.phase is ImportPhase.MERGED
    assert held.document.status.memory_commit == board.tip()
    assert len(board.chain()) == 2


def test_two_who_import_the_same_at_once_get_one_import(tmp_path: Path) -> None:
    board = board_in(tmp_path / "b")
    fork = multiprocessing.get_context("fork")
    barrier = fork.Barrier(3)

    def one() -> None:
        close_databases()
        barrier.wait(30)
        try:
            board.run()
        except KrateError:
            board.run()

    processes = [fork.Process(target=one) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    close_databases()
    held = board.run()
    assert held.phase is ImportPhase.AWAITING_REVIEW
    still_open = [one for one in board.imports() if one.is_open]
    assert [one.name for one in still_open] == [held.name]
    assert board.branches() == [held.document.status.target_branch]
    assert board.land(board.review(held)).phase is ImportPhase.MERGED
