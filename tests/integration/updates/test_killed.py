"""Whoever is killed at any step of an update, the same again leads to what would have been without."""

from __future__ import annotations

import contextlib
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from krate_gitops.errors import KrateError
from krate_gitops.records.audit_verify import verify
from krate_gitops.records.database import close_databases
from krate_gitops.settings import Settings
from krate_gitops.updates.ledger import Held
from krate_gitops.updates.model import Phase, Verdict
from tests.repos import git
from tests.update_steps import killed_at, points_of
from tests.updates import Board, create, edit, runbook

CHANGES = (edit("a"), create("runbooks/new.md", runbook("new")))
NEWER = (edit("a", "Third line", "A newer third line"),)


@contextlib.contextmanager
def copied(source: Path, to: Path) -> Iterator[Board]:
    shutil.copytree(source, to)
    yield Board(to, Settings(home=to / "home"))
    close_databases()


class Way:
    """What is prepared, what is then done, and dies; both are done with a board of their own."""

    def __init__(self, prepare: Callable[[Board], Any], act: Callable[[Board], Any]) -> None:
        self.prepare = prepare
        self.act = act


def only(board: Board) -> Held:
    """The newest update."""
    return board.all()[0]


WAYS = {
    "propose": Way(lambda board: None, lambda board: board.propose(*CHANGES)),
    "replace": Way(lambda board: board.propose(*CHANGES), lambda board: board.propose(*NEWER)),
    "revise": Way(lambda board: board.propose(*CHANGES), lambda board: board.revise(only(board), *NEWER)),
    "approve": Way(lambda board: board.propose(*CHANGES), lambda board: board.say(only(board))),
    "reject": Way(lambda board: board.propose(*CHANGES), lambda board: board.say(only(board), Verdict.REJECT)),
    "merge": Way(lambda board: board.approved(*CHANGES), lambda board: board.merge(only(board))),
    "look at a push": Way(
        lambda board: board.outside(
            {"runbooks/b.md": runbook("b", body="Pushed.\n", updatedAt="2026-05-30T09:00:00Z")},
            branch=board.approved(*CHANGES).update.spec.branch_name,
        ),
        lambda board: board.look_at_all(),
    ),
    "look at a merge": Way(
        lambda board: board.repo.merge(str(board.approved(*CHANGES).update.status.head_commit), at=board.clock),
        lambda board: board.look_at_all(),
    ),
}


def outcome(board: Board) -> dict[str, Any]:
    """All that is left, but for how often it was tried."""
    updates = {
        one.name: (
            one.update.phase,
            one.update.spec,
            one.update.status.head_commit,
            one.update.status.merge_commit,
            one.update.status.decisions,
            one.update.status.conditions,
            one.update.status.validation_report_digest,
            one.update.status.superseded_by,
        )
        for one in board.all()
    }
    refs = git(board.repo.git_dir, "for-each-ref", "--format=%(refname) %(objectname)").decode().splitlines()
    pulls = {
        one.name: (pull.state, pull.head, pull.title)
        for one in board.all()
        if one.update.status.pull_request_ref
        for pull in [board.forge.read(one.update.status.pull_request_ref)]
    }
    return {"updates": updates, "refs": refs, "pulls": pulls}


def done_again(board: Board, way: Way, what: str) -> None:
    """What whoever was interrupted does: the same again. What has happened already may be refused now."""
    if what == "revise" and only(board).update.status.revision > 1:
        board.look_at_all()
        return
    with contextlib.suppress(KrateError):
        way.act(board)


def check(folder: Path, seeded: Path, what: str, chosen: Callable[[int], list[int]]) -> None:
    way = WAYS[what]
    with copied(seeded, folder / "prepared") as board:
        way.prepare(board)
    with copied(folder / "prepared", folder / "whole") as board:
        way.act(board)
        board.look_at_all()
        expected = outcome(board)
    with copied(folder / "prepared", folder / "counted") as board:
        points = points_of(lambda: way.act(board))
    assert points > 1
    for point in chosen(points):
        with copied(folder / "prepared", folder / f"at-{point}") as board:
            assert killed_at(lambda board=board: way.act(board), point) == -signal.SIGKILL, point
            done_again(board, way, what)
            board.look_at_all()
            assert outcome(board) == expected, point
            with board.database.reading() as connection:
                assert verify(connection, "local").ok
        shutil.rmtree(folder / f"at-{point}")


@pytest.mark.parametrize("what", ["propose", "merge", "reject"])
def test_killed_at_some_step_it_ends_as_it_would_have(tmp_path: Path, seeded: Path, what: str) -> None:
    check(tmp_path, seeded, what, lambda points: sorted({1, points // 2, points - 2, points - 1}))


@pytest.mark.slow
@pytest.mark.parametrize("what", WAYS)
def test_killed_at_any_step_it_ends_as_it_would_have(tmp_path: Path, seeded: Path, what: str) -> None:
    check(tmp_path, seeded, what, lambda points: list(range(points)))


def test_what_was_begun_is_finished_by_whoever_looks_and_is_the_same_commit(tmp_path: Path, seeded: Path) -> None:
    with copied(seeded, tmp_path / "whole") as board:
        head = board.propose(*CHANGES).update.status.head_commit
    with copied(seeded, tmp_path / "board") as board:
        points = points_of(lambda: board.propose(*CHANGES))
    with copied(seeded, tmp_path / "again") as board:
        assert killed_at(lambda: board.propose(*CHANGES), points - 8) == -signal.SIGKILL
        assert only(board).update.phase is Phase.VALIDATING
        # Somebody looks an hour later, after the target moved.
        board.later(hours=1)
        board.outside({"notes/n.md": "# A note\n\nChanged.\n"})
        (held,) = board.look_at_all()
        assert (held.update.phase, held.update.status.head_commit) == (Phase.AWAITING_APPROVAL, head)
