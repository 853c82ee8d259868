"""A target that takes no push of ours: its forge merges, held to what was approved."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from krate_gitops.errors import DeniedError
from krate_gitops.git.local import find_repository
from krate_gitops.git.lookup import read_refs
from krate_gitops.git.merging import merge_commit
from krate_gitops.updates.desk import Desk
from krate_gitops.updates.forges.local import LocalForge
from krate_gitops.updates.land import merge
from krate_gitops.updates.ledger import Held
from krate_gitops.updates.model import Phase
from krate_gitops.updates.repository_policy import LOCAL
from tests.updates import OWNER, Board, conditions, edit

_MAIN = "refs/heads/main"


class _Button(LocalForge):
    """A forge whose button goes past the protection. ``first`` moves the target before, as somebody else's merge."""

    first = ""
    heads: tuple[str, ...] = ()

    def merge(self, ref: str, *, expected_head: str, message: str, expected_target: str | None = None) -> str:
        repository = find_repository(Path(self._spec))
        self.heads = (*self.heads, expected_head)
        tip = self.first or read_refs(repository, [_MAIN])[_MAIN]
        made = merge_commit(
            repository, tip, expected_head, message=message, author="Forge <forge@acme.example>", time=datetime.now(UTC)
        )
        assert made is not None
        subprocess.run(["git", "-C", self._spec, "update-ref", _MAIN, made], check=True)
        return made


@pytest.fixture
def board(make_board: Callable[..., Board], tmp_path: Path) -> Board:
    board = make_board()
    held = subprocess.run(
        ["git", "-C", board.spec, "worktree", "add", "-q", str(tmp_path / "held"), "main"],
        capture_output=True,
        check=False,
    )
    assert held.returncode == 0, held.stderr
    # Work that isn't committed keeps every push of ours out of the branch.
    (tmp_path / "held" / "runbooks" / "a.md").write_text("half a thought")
    return board


def _at(board: Board, forge: LocalForge, *, commit_indexes: bool = False) -> Desk:
    policy = msgspec.structs.replace(LOCAL, commit_indexes=commit_indexes)
    return msgspec.structs.replace(board.desk(OWNER), forge=forge, policy=policy)


def _button(board: Board) -> _Button:
    return _Button(
        board.database,
        organization=board.settings.organization,
        memory_repository="brain",
        spec=board.spec,
        settings=board.settings,
    )


def test_the_forge_merges_what_no_push_may(board: Board) -> None:
    held = board.approved(edit())
    forge = _button(board)
    merged = merge(_at(board, forge), held.name).update
    assert (merged.phase, merged.status.merge_commit) == (Phase.MERGED, board.tip())
    assert forge.heads == (held.update.status.head_commit,)
    assert _merged(Held(held.stored, merged)) == ("True", "Merged")
    assert "Another second line" in board.text("runbooks/a.md")
    assert ("Krate-Update", held.name) in board.trailers(board.tip() or "")


def test_a_forge_that_merges_onto_something_else_is_told_of(board: Board) -> None:
    held = board.approved(edit())
    forge = _button(board)
    forge.first = board.outside({"notes/other.md": "# Other\n"}, branch="other", parents=[board.seed])
    merged = merge(_at(board, forge), held.name)
    assert (merged.update.phase, _merged(merged)) == (Phase.MERGED, ("True", "OutOfBandMerge"))


def test_a_forge_is_not_asked_where_its_merge_would_be_another_one(board: Board) -> None:
    held = board.approved(edit())
    forge = _button(board)
    with pytest.raises(DeniedError) as refused:
        merge(_at(board, forge, commit_indexes=True), held.name)
    assert (refused.value.code, forge.heads) == ("PUSH_REFUSED", ())
    assert board.find(held).update.phase is Phase.APPROVED


def _merged(held: Held) -> tuple[str, str]:
    return conditions(held)["Merged"]
