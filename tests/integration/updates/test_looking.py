"""What happened elsewhere, as the next look finds it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from krate_gitops.errors import KrateError, UnavailableError
from krate_gitops.records.events import event_of
from krate_gitops.records.notifications import list_notifications
from krate_gitops.updates.forges.port import PullState
from krate_gitops.updates.ledger import Held
from krate_gitops.updates.look import clean_branches
from krate_gitops.updates.model import Action, Phase, Verdict
from krate_gitops.updates.repository_policy import LOCAL
from tests.repos import EXECUTABLE, SYMLINK, git
from tests.updates import AGENT, FILES, STRANGER, Board, changed, conditions, create, edit, runbook

SECRET = "ghp_" + "R8sK2mQ7vT4xZ1nB6wY3cD9fG5hJ0pL8aE2u"


def pushed(board: Board, held: Held, files: dict[str, Any], **how: Any) -> str:
    return board.outside(files, branch=held.update.spec.branch_name, **how)


def out_of_band(board: Board, held: Held) -> None:
    """It is told of a merge around the review: in the record, in the log, and to whom it concerns."""
    assert held.update.phase is Phase.MERGED
    assert conditions(held)["Merged"] == ("True", "OutOfBandMerge")
    entry = board.audit("MemoryUpdateMerged")[-1]
    assert (entry.details["reason"], entry.details["severity"]) == ("OutOfBandMerge", "critical")
    event = event_of(entry)
    assert event is not None
    assert event.severity == "critical"
    assert board.audit("MemoryUpdateValidated")[-1].memory.resolved_commit == held.update.status.merge_commit
    with board.database.reading() as connection:
        told = list_notifications(connection, "local").items
    assert {one.recipient for one in told} >= {"team:core", f"agent:{AGENT}"}
    assert {one.facts["severity"] for one in told} == {"critical"}
    assert {one.facts["commit"] for one in told} == {held.update.status.merge_commit}


def alerts(board: Board) -> int:
    with board.database.reading() as connection:
        return len(list_notifications(connection, "local").items)


# Pushes of reviewers


def test_what_a_reviewer_pushes_becomes_a_revision(board: Board) -> None:
    held = board.approved()
    text = changed(FILES["runbooks/a.md"], "First line", "A reviewer's first line")
    head = pushed(board, held, {"runbooks/a.md": text, "runbooks/new.md": runbook("new")})
    held = board.look(held)
    status = held.update.status
    assert (status.phase, status.revision, status.head_commit) == (Phase.AWAITING_APPROVAL, 2, head)
    assert {(one.path, one.action) for one in held.update.spec.changes} == {
        ("runbooks/a.md", Action.UPSERT), ("runbooks/new.md", Action.UPSERT)
    }  # fmt: skip
    assert board.tip(held.update.spec.branch_name) == head
    assert status.pull_request_ref is not None
    assert board.forge.read(status.pull_request_ref).head == head
    assert board.look(held) == held
    held = board.merge(board.say(held))
    assert board.data("runbooks/a.md") == text
    assert board.text("runbooks/new.md") == runbook("new")
    assert len(board.chain()) == 2


def test_a_file_that_a_reviewer_takes_away_stays_as_it_was(board: Board) -> None:
    held = board.propose(edit("a"), edit("b"))
    pushed(board, held, {"runbooks/b.md": FILES["runbooks/b.md"]})
    held = board.look(held)
    assert [one.path for one in held.update.spec.changes] == ["runbooks/a.md"]


def test_a_target_that_is_merged_into_the_branch_is_no_change_of_it(board: Board) -> None:
    held = board.approved()
    other = board.outside({"notes/n.md": "# A note\n\nChanged.\n", "runbooks/c.md": changed(FILES["runbooks/c.md"])})
    board.repo.merge(other, branch=held.update.spec.branch_name, at=board.clock)
    held = board.look(held)
    assert [one.path for one in held.update.spec.changes] == ["runbooks/a.md"]
    held = board.merge(board.say(held))
    commit = str(held.update.status.merge_commit)
    assert git(board.repo.git_dir, "diff", "--name-only", f"{commit}^1", commit).decode().split() == ["runbooks/a.md"]
    assert board.chain() == [commit, other, board.seed]


@pytest.mark.parametrize(
    ("files", "root"),
    [
        ({"runbooks/a.md": (SYMLINK, "b.md")}, ""),
        ({"runbooks/big.md": "x" * 70_000}, ""),
        ({f"notes/{number}.md": "x" for number in range(51)}, ""),
        ({"runbooks/a.md": FILES["runbooks/a.md"]}, ""),  # nothing is left
    ],
)
def test_what_can_be_no_update_ends_it(board: Board, files: dict[str, Any], root: str) -> None:
    held = board.propose(edit())
    pushed(board, held, files)
    held = board.look(held)
    assert (held.update.phase, conditions(held)["Merged"]) == (Phase.REJECTED, ("False", "BranchTampered"))
    assert board.branches() == []
    assert board.tip() == board.seed


def test_files_outside_the_memory_root_end_it(make_board: Any) -> None:
    board = make_board(root=".company-brain")
    held = board.propose(edit("b"))
    board.repo.commit({"src/main.py": "evil()\n"}, branch=held.update.spec.branch_name, at=board.clock)
    assert conditions(board.look(held))["Merged"] == ("False", "BranchTampered")
    assert board.branches() == []


def test_a_branch_that_was_rewritten_ends_it(board: Board) -> None:
    held = board.approved()
    pushed(board, held, {"runbooks/a.md": changed(FILES["runbooks/a.md"], new="Forced")}, parents=[board.seed])
    held = board.look(held)
    assert conditions(held)["Merged"] == ("False", "BranchTampered")
    assert board.branches() == []


def test_a_pushed_secret_closes_the_request(board: Board) -> None:
    held = board.approved()
    ref = held.update.status.pull_request_ref
    assert ref is not None
    pushed(board, held, {"runbooks/a.md": changed(FILES["runbooks/a.md"], "First line", f"Use {SECRET}")})
    held = board.look(held)
    assert held.update.phase is Phase.CHANGES_REQUESTED
    assert conditions(held)["SecretsClean"] == ("False", "KB060")
    assert board.branches() == []
    assert board.forge.read(ref).state is PullState.CLOSED
    assert SECRET not in held.stored.body


def test_a_push_that_changes_modes_alone_is_judged_too(board: Board) -> None:
    held = board.propose(edit())
    pushed(board, held, {"runbooks/a.md": (EXECUTABLE, edit().content or b"")})
    held = board.look(held)
    assert held.update.phase is Phase.AWAITING_APPROVAL


def test_a_revision_does_not_run_over_a_push_that_nobody_looked_at(board: Board) -> None:
    held = board.propose(edit())
    pushed(board, held, {"runbooks/a.md": changed(FILES["runbooks/a.md"], "First line", "Pushed first line")})
    with pytest.raises(KrateError) as caught:
        board.revise(held, edit("a", "Third line", "A newer third line"))
    assert caught.value.code == "PUSH_CONFLICT"
    assert board.find(held) == held
    held = board.revise(board.look(held), edit("a", "Third line", "A newer third line"))
    assert (held.update.phase, held.update.status.revision) == (Phase.AWAITING_APPROVAL, 3)


# The target moves


def test_a_target_that_moves_has_the_update_judged_again_and_its_approvals_hold(board: Board) -> None:
    held = board.approved()
    tip = board.outside({"notes/n.md": "# A note\n\nChanged.\n"})
    found = board.look(held)
    assert found.update.status.validated_commit == tip
    assert found.update.phase is Phase.APPROVED
    assert found.update.status.head_commit == held.update.status.head_commit
    assert board.look(found) == found


def test_a_target_that_moves_in_the_same_file_voids_them(board: Board) -> None:
    held = board.approved()
    board.outside({"runbooks/a.md": changed(FILES["runbooks/a.md"], "Third line", "Outside")})
    assert board.look(held).update.phase is Phase.AWAITING_APPROVAL


def test_the_banner_names_what_the_run_saw(board: Board) -> None:
    from tests.updates import RUN

    pinned = board.seed
    board.outside({"runbooks/a.md": changed(FILES["runbooks/a.md"], "Third line", "Outside")})
    from sqlalchemy import insert

    from krate_gitops.records.tables import snapshots

    columns = {column.name: column for column in snapshots.columns}
    row: dict[str, Any] = {}
    for name, column in columns.items():
        if column.primary_key or column.nullable:
            continue
        row[name] = 0 if column.type.python_type is int else False if column.type.python_type is bool else "x"
    row |= {
        "organization": "local", "name": "ams-1", "dispatch_run": RUN, "memory_repository": "brain",
        "resolved_commit": pinned,
    }  # fmt: skip
    with board.database.writing() as connection:
        connection.execute(insert(snapshots), row)
    held = board.propose(edit())
    spec = held.update.spec
    assert (spec.observed_commit, spec.base_commit) == (pinned, board.tip())
    assert held.update.phase is Phase.AWAITING_APPROVAL
    assert held.update.status.pull_request_ref is not None
    body = board.forge.read(held.update.status.pull_request_ref).body
    assert f"**Pinned:** made from memory at {pinned[:12]}, 12 days old; the touched files were changed 1 times" in body
    # What was proposed and what came since are both there.
    assert "Outside" in board.text("runbooks/a.md", spec.branch_name)
    assert "Another second line" in board.text("runbooks/a.md", spec.branch_name)


# Merged, closed or deleted by others


def merged_at_forge(board: Board, held: Held, files: dict[str, Any] | None = None, message: str = "Merge") -> str:
    return board.repo.merge(str(held.update.status.head_commit), files, at=board.clock, message=message)


def test_a_merge_at_the_forge_of_what_was_approved_is_recorded_as_any(board: Board) -> None:
    held = board.approved()
    commit = merged_at_forge(board, held)
    held = board.look(held)
    assert (held.update.phase, held.update.status.merge_commit) == (Phase.MERGED, commit)
    assert conditions(held)["Merged"] == ("True", "Merged")
    assert (board.branches(), alerts(board)) == ([], 0)
    assert board.audit("MemoryUpdateMerged")[-1].details.get("severity") is None
    assert board.look(held) == held


def test_a_fast_forward_of_the_one_commit_that_was_approved_is_as_good(board: Board) -> None:
    held = board.approved()
    head = str(held.update.status.head_commit)
    board.repo.branch("main", head)
    later = board.outside({"notes/n.md": "# A note\n\nChanged.\n"})
    held = board.look(held)
    assert (held.update.status.merge_commit, conditions(held)["Merged"]) == (head, ("True", "Merged"))
    assert board.chain() == [later, head, board.seed]


def test_a_fast_forward_of_several_commits_is_not(board: Board) -> None:
    held = board.revise(board.propose(edit()), edit("a", "Third line", "A newer third line"))
    held = board.say(held)
    board.repo.branch("main", str(held.update.status.head_commit))
    out_of_band(board, board.look(held))


def test_a_merge_that_nobody_approved_is_told_of(board: Board) -> None:
    held = board.propose(edit())
    commit = merged_at_forge(board, held)
    held = board.look(held)
    assert held.update.status.merge_commit == commit
    out_of_band(board, held)
    told = alerts(board)
    assert board.look(held) == held
    assert alerts(board) == told
    # History stays as it is.
    assert board.chain() == [commit, board.seed]


def test_a_merge_that_smuggles_something_in_is_told_of(board: Board) -> None:
    held = board.approved()
    merged_at_forge(board, held, {"runbooks/b.md": changed(FILES["runbooks/b.md"])})
    out_of_band(board, board.look(held))


def test_a_commit_that_only_says_to_be_the_merge_is_told_of(board: Board) -> None:
    held = board.approved()
    name = held.name
    commit = board.outside({"notes/n.md": "# A note\n\nForged.\n"}, message=f"x\n\nKrate-Update: {name}")
    held = board.merge(held)
    assert held.update.status.merge_commit == commit
    out_of_band(board, held)


def test_a_request_that_was_closed_ends_the_update(board: Board) -> None:
    held = board.approved()
    board.forge.close(str(held.update.status.pull_request_ref))
    held = board.look(held)
    assert (held.update.phase, conditions(held)["Merged"]) == (Phase.REJECTED, ("False", "ClosedAtForge"))
    assert board.branches() == []


def test_a_branch_that_was_deleted_ends_the_update(board: Board) -> None:
    from krate_gitops.updates.model import UpdateKind

    held, plain = board.approved(), board.propose(edit("b"), update_kind=UpdateKind.REVIEW_BRANCH)
    for one, reason in ((held, "ClosedAtForge"), (plain, "BranchDeleted")):
        board.delete_branch(one.update.spec.branch_name)
        found = board.look(one)
        assert (found.update.phase, conditions(found)["Merged"]) == (Phase.REJECTED, ("False", reason))


def test_judging_again_opens_nothing_that_was_closed_and_finds_what_was_merged(board: Board) -> None:
    from krate_gitops.updates.propose import revalidate

    closed, merged = board.approved(edit("a")), board.approved(edit("b"), run="adr-2")
    desk = board.desk("ana")
    board.forge.close(str(closed.update.status.pull_request_ref))
    found = revalidate(desk, closed)
    assert (found.update.phase, conditions(found)["Merged"]) == (Phase.REJECTED, ("False", "ClosedAtForge"))
    commit = merged_at_forge(board, merged)
    with pytest.raises(KrateError):
        revalidate(desk, merged)
    found = board.look(merged)
    assert (found.update.phase, found.update.status.merge_commit) == (Phase.MERGED, commit)
    assert (conditions(found)["Merged"], alerts(board)) == (("True", "Merged"), 0)


# Time


def test_what_nobody_touches_for_thirty_days_expires(board: Board) -> None:
    held, approved = board.propose(edit("a")), board.approved(edit("b"), run="adr-2")
    board.later(days=30)
    assert board.look(held).update.phase is Phase.AWAITING_APPROVAL
    board.later(seconds=1)
    for one in board.look_at_all():
        assert (one.update.phase, conditions(one)["Merged"]) == (Phase.EXPIRED, ("False", "Expired"))
        assert board.forge.read(str(one.update.status.pull_request_ref)).state is PullState.CLOSED
    assert board.branches() == []
    assert {board.find(one).update.phase for one in (held, approved)} == {Phase.EXPIRED}


def test_a_target_that_moves_every_day_keeps_nothing_alive(board: Board) -> None:
    held = board.propose(edit())
    for day in range(4):
        board.later(days=8)
        board.outside({"notes/n.md": f"# A note\n\nDay {day}.\n"})
        held = board.look(held)
    assert held.update.phase is Phase.EXPIRED


@pytest.mark.parametrize("touch", ["decision", "revision"])
def test_a_word_or_a_revision_keeps_it_alive(board: Board, touch: str) -> None:
    held = board.propose(edit())
    board.later(days=20)
    if touch == "decision":
        held = board.say(held, who=STRANGER)
    else:
        held = board.revise(held, edit("a", "Third line", "A newer third line"))
    board.later(days=20)
    assert board.look(held).update.phase is Phase.AWAITING_APPROVAL
    board.later(days=11)
    assert board.look(held).update.phase is Phase.EXPIRED


# Everything at once


def test_one_that_can_not_be_looked_at_keeps_no_other_waiting(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = board.propose(edit("a")), board.propose(edit("b"))
    board.later(days=31)
    from krate_gitops.updates import look as looking

    ended = looking.end_update

    def fails_once(desk: Any, held: Held, *arguments: Any, **how: Any) -> Held:
        if held.name == first.name:
            raise UnavailableError("FORGE_UNAVAILABLE", "gone")
        return ended(desk, held, *arguments, **how)

    with monkeypatch.context() as patched:
        patched.setattr(looking, "end_update", fails_once)
        with pytest.raises(UnavailableError):
            board.look_at_all()
    assert board.find(second).update.phase is Phase.EXPIRED
    assert board.find(first).update.phase is Phase.AWAITING_APPROVAL
    board.look_at_all()
    assert board.find(first).update.phase is Phase.EXPIRED


def test_a_branch_left_by_what_has_ended_is_removed_and_others_stay(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended, going_on = board.propose(edit("a")), board.propose(edit("b"))
    with monkeypatch.context() as patched:
        patched.setattr("krate_gitops.updates.end.close_request", lambda *_: None)
        board.say(ended, Verdict.REJECT)
    board.outside({}, branch="krate/somebody-elses", parents=[board.seed])
    assert ended.update.spec.branch_name in board.branches()
    assert clean_branches(board.desk("krate", "Controller")) == [ended.update.spec.branch_name]
    assert sorted(board.branches()) == sorted([going_on.update.spec.branch_name, "krate/somebody-elses"])


def test_looking_twice_at_everything_changes_nothing(board: Board) -> None:
    board.approved(edit("a"))
    board.propose(edit("b"), run="adr-2")
    board.propose(create("runbooks/x.md", "no frontmatter\n"), run="adr-3")
    first = board.look_at_all()
    log = len(board.audit())
    assert board.look_at_all() == first
    assert len(board.audit()) == log


def test_events_are_made_of_the_log(board: Board) -> None:
    board.policy = msgspec.structs.replace(LOCAL, name="company-brain")
    held = board.merge(board.say(board.propose(edit())))
    board.say(board.propose(edit("b"), run="adr-2"), Verdict.REJECT, comment="No.")
    events = [event for record in board.audit() if (event := event_of(record)) is not None]
    kinds = [one.type for one in events]
    assert kinds == [
        "agent.memory.update.proposed",
        "agent.memory.update.approved",
        "agent.memory.update.merged",
        "agent.memory.update.proposed",
        "agent.memory.update.rejected",
    ]
    proposed, approved, merged, _, rejected = (one.data for one in events)
    assert proposed.keys() >= {"update", "sourceRun", "paths", "diffDigest", "validationResult"}
    assert approved.keys() >= {"update", "actor", "reason"}
    assert merged.keys() >= {"update", "actor", "reason", "resultingCommit"}
    assert merged["resultingCommit"] == held.update.status.merge_commit
    assert rejected.keys() >= {"update", "actor", "reason"}
    assert {one.memory_repository for one in events} == {"company-brain"}
