"""The same story on each database, with a repository on this machine and one behind an address."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from krate_gitops.errors import DeniedError, KrateError, UsageError
from krate_gitops.records.audit_verify import verify
from krate_gitops.settings import Settings
from krate_gitops.updates.forges.port import PullState
from krate_gitops.updates.model import Phase, Verdict
from tests.integration.git.servers import git_backend, serve
from tests.repos import git
from tests.updates import FILES, MEMBER, STRANGER, Board, changed, conditions, edit


@pytest.fixture
def far(tmp_path: Path, home: Path) -> Iterator[Board]:
    """A board whose repository is reached over HTTP."""
    with serve(git_backend(tmp_path)) as url:
        settings = Settings(home=home, deadline_seconds=60)
        board = Board(tmp_path, settings, spec=f"{url}/brain.git")
        git(board.repo.git_dir, "config", "http.receivepack", "true")
        yield board


def test_the_whole_way_on_each_database(tmp_path: Path, database_settings: Settings) -> None:
    board = Board(tmp_path, database_settings)
    first, second = board.propose(edit("a")), board.propose(edit("b"), run="adr-2")
    first = board.say(first, who=STRANGER)
    assert first.update.phase is Phase.AWAITING_APPROVAL
    first = board.merge(board.say(first))
    second = board.look(second)
    assert second.update.phase is Phase.AWAITING_APPROVAL
    assert board.say(second, Verdict.REJECT).update.phase is Phase.REJECTED
    third = board.propose(
        edit("c", "Second line", "A \x00 odd \U0001f600 line"), rationale="\x00 odd \U0001f600", run="adr-3"
    )
    assert board.find(third) == third
    assert board.look_at_all()
    assert [one.update.phase for one in board.all()][1:] == [Phase.REJECTED, Phase.MERGED]
    with board.database.reading() as connection:
        assert verify(connection, "local").ok


def test_two_reviewers_and_two_mergers_at_once_on_each_database(tmp_path: Path, database_settings: Settings) -> None:
    board = Board(tmp_path, database_settings)
    held = board.propose(edit())
    failures: list[KrateError] = []

    def at_once(*actions: object) -> None:
        def run(action: object) -> None:
            try:
                action()  # type: ignore[operator]
            except KrateError as error:
                failures.append(error)

        threads = [threading.Thread(target=run, args=(action,)) for action in actions]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    at_once(lambda: board.say(held), lambda: board.say(held, who=MEMBER))
    held = board.find(held)
    assert held.update.phase is Phase.APPROVED
    assert len(held.update.status.decisions) == 2 - len(failures)
    at_once(lambda: board.merge(held), lambda: board.merge(held, who="bo"))
    held = board.look(held)
    assert held.update.phase is Phase.MERGED
    assert board.chain() == [held.update.status.merge_commit, board.seed]
    assert {error.code for error in failures} <= {"MEMORY_UPDATE_STALE_APPROVAL"}


def test_the_whole_way_over_http(far: Board) -> None:
    held = far.propose(edit())
    assert far.tip(held.update.spec.branch_name) == held.update.status.head_commit
    far.outside({"notes/n.md": "# A note\n\nChanged.\n"})
    far.outside(
        {"runbooks/a.md": changed(FILES["runbooks/a.md"], "First line", "Pushed")}, branch=held.update.spec.branch_name
    )
    held = far.look(held)
    assert (held.update.phase, held.update.status.revision) == (Phase.AWAITING_APPROVAL, 2)
    held = far.merge(far.say(held))
    assert far.tip() == held.update.status.merge_commit
    assert len(far.chain()) == 3
    assert far.branches() == []
    assert "Pushed of a" in far.text("runbooks/a.md")
    other = far.say(far.propose(edit("b"), run="adr-2"), Verdict.REJECT)
    assert far.forge.read(str(other.update.status.pull_request_ref)).state is PullState.CLOSED
    assert far.branches() == []


def test_a_branch_that_a_server_protects_keeps_the_approvals(far: Board) -> None:
    held = far.approved()
    hook = far.repo.git_dir / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nwhile read old new ref; do test $ref != refs/heads/main || exit 1; done\n")
    hook.chmod(0o755)
    with pytest.raises(DeniedError) as caught:
        far.merge(held)
    assert caught.value.code == "PUSH_REFUSED"
    assert far.find(held).update.phase is Phase.APPROVED
    hook.unlink()
    assert far.merge(held).update.phase is Phase.MERGED


def test_a_server_that_is_gone_leaves_the_update_as_it_is(tmp_path: Path, home: Path) -> None:
    with serve(git_backend(tmp_path)) as url:
        board = Board(tmp_path, Settings(home=home, deadline_seconds=60), spec=f"{url}/brain.git")
        git(board.repo.git_dir, "config", "http.receivepack", "true")
        held = board.approved()
    from krate_gitops.updates.ledger import Ledger
    from krate_gitops.updates.repository_policy import LOCAL

    assert LOCAL is board.policy
    with pytest.raises(KrateError) as caught:
        board.merge(held)
    assert caught.value.exit_code == 3
    with serve(git_backend(tmp_path)) as url:
        again = Board(tmp_path, board.settings, spec=f"{url}/brain.git")
        assert conditions(Ledger(again.desk(STRANGER)).find(held.name))["Approved"] == ("True", "Approved")
        assert again.merge(held).update.phase is Phase.MERGED


def test_a_bundle_is_read_from_and_proposed_to_by_nobody(board: Board, tmp_path: Path) -> None:
    bundle = tmp_path / "brain.bundle"
    subprocess.run(["git", "-C", board.spec, "bundle", "create", "-q", str(bundle), "main"], check=True)
    board.spec = str(bundle)
    with pytest.raises(UsageError, match="a bundle can't be written to"):
        board.propose(edit())
    assert board.all() == []
