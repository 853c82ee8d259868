"""One commit for each update on the target, whatever else happens there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from krate_gitops.errors import DeniedError, KrateError, UnavailableError
from krate_gitops.git.push import Pushed
from krate_gitops.index.validate import validate
from krate_gitops.records.audit_record import Stage
from krate_gitops.updates import finish, land
from krate_gitops.updates.desk import EVERYTHING, MERGE
from krate_gitops.updates.forges.port import ForgeReview, PullState, ReviewState
from krate_gitops.updates.model import Phase
from krate_gitops.updates.repository_policy import LOCAL
from tests.integration.updates.conftest import MakeBoard
from tests.repos import git
from tests.updates import FILES, OWNER, Board, by_user, changed, conditions, create, edit, runbook, update


def code_of(action: Callable[[], object], error: type[KrateError] = KrateError) -> str:
    with pytest.raises(error) as caught:
        action()
    return caught.value.code


def test_a_merge_is_one_commit_with_its_trailers(board: Board) -> None:
    held = board.approved(edit(), rationale="It was wrong.\nKrate-Approved-By: Eve")
    ref, head = held.update.status.pull_request_ref, held.update.status.head_commit
    board.later(hours=1)
    log = len(board.audit())
    held = board.merge(held)
    commit = held.update.status.merge_commit
    assert commit is not None
    assert held.update.phase is Phase.MERGED
    assert (conditions(held)["Merged"], conditions(held)["Ready"]) == (("True", "Merged"), ("True", "Merged"))
    assert board.chain() == [commit, board.seed]
    parents = git(board.repo.git_dir, "log", "-1", "--format=%P", commit).decode().split()
    assert parents == [board.seed, head]
    assert git(board.repo.git_dir, "diff", "--name-only", board.seed, commit).decode().split() == ["runbooks/a.md"]
    assert board.data("runbooks/a.md") == edit().content
    assert board.trailers(commit) == [
        ("Krate-Update", held.name),
        ("Krate-Source-Run", held.update.spec.source_run),
        ("Krate-Diff-Digest", held.update.status.diff_digest),
        ("Krate-Approved-By", "dana <dana@acme.example>"),
        ("Krate-Organization", "local"),
    ]
    assert board.message(commit).startswith("[memory] Correct the order (runbook:a)\n\nIt was wrong.\n")
    told = git(board.repo.git_dir, "log", "-1", "--format=%an <%ae>|%cn|%cI", commit).decode().strip()
    assert told == "ci-agent <ci-agent@agents.krate.invalid>|krate-gitops|2026-06-01T13:00:00+00:00"
    # Its branch is gone, its request says merged, and what is there is indexed.
    assert board.branches() == []
    assert ref is not None
    assert board.forge.read(ref).state is PullState.MERGED
    assert [(one.type, one.stage, one.memory.resolved_commit) for one in board.audit()[log:]] == [
        ("MemoryUpdateMerged", Stage.INTENT, commit),
        ("MemoryUpdateMerged", Stage.OUTCOME, commit),
    ]
    # Again changes nothing.
    assert board.merge(held) == held
    assert board.chain() == [commit, board.seed]


@pytest.mark.parametrize(
    ("how", "error", "code"),
    [
        ({"permissions": EVERYTHING - {MERGE}}, DeniedError, "POLICY_DENIED"),
        ({"kind": "Agent"}, DeniedError, "POLICY_DENIED"),
        ({"policy": msgspec.structs.replace(LOCAL, access_mode="ReadOnly")}, KrateError, "MEMORY_WRITES_DISABLED"),
        ({"expected_head": "1" * 40}, KrateError, "MEMORY_UPDATE_STALE_APPROVAL"),
        ({"expected_diff": "sha256:1"}, KrateError, "MEMORY_UPDATE_STALE_APPROVAL"),
    ],
)
def test_who_may_not_merge_moves_nothing(board: Board, how: dict[str, Any], error: type[KrateError], code: str) -> None:
    held = board.approved()
    assert code_of(lambda: board.merge(held, **how), error) == code
    assert board.find(held) == held
    assert board.tip() == board.seed


def test_what_nobody_approved_is_not_merged(board: Board) -> None:
    held = board.propose(edit())
    with pytest.raises(KrateError) as caught:
        board.merge(held)
    assert caught.value.code == "MEMORY_UPDATE_NOT_APPROVED"
    assert "owner runbook:a" in caught.value.message
    assert board.tip() == board.seed


# The target moves


def test_a_target_that_moved_elsewhere_has_no_effect(board: Board) -> None:
    held = board.approved()
    other = board.outside({"notes/n.md": "# A note\n\nChanged.\n"})
    held = board.merge(held)
    assert board.chain() == [held.update.status.merge_commit, other, board.seed]
    assert board.text("notes/n.md") == "# A note\n\nChanged.\n"
    assert board.data("runbooks/a.md") == edit().content


def test_a_target_that_moved_in_the_same_file_goes_back_to_the_reviewers(board: Board) -> None:
    held = board.approved()
    board.outside({"runbooks/a.md": changed(FILES["runbooks/a.md"], "Third line", "A third line from outside")})
    with pytest.raises(KrateError) as caught:
        board.merge(held)
    assert caught.value.code == "MEMORY_UPDATE_NOT_APPROVED"
    assert board.find(held).update.phase is Phase.AWAITING_APPROVAL
    held = board.merge(board.say(held))
    text = board.text("runbooks/a.md")
    assert "Another second line" in text
    assert "A third line from outside" in text


def test_a_target_that_moved_in_the_same_place_is_a_conflict(board: Board) -> None:
    held = board.approved()
    board.outside({"runbooks/a.md": changed(FILES["runbooks/a.md"], new="Their second line")})
    with pytest.raises(KrateError) as caught:
        board.merge(held)
    assert caught.value.code == "MEMORY_UPDATE_CONFLICT"
    held = board.find(held)
    assert held.update.phase is Phase.AWAITING_APPROVAL
    assert conditions(held)["PatchApplies"] == ("False", "ConflictWithCurrent")
    assert held.update.status.conflicts[0].current is not None
    # Nobody merges or approves it as it is, and the next look asks for a revision.
    assert code_of(lambda: board.merge(held)) == "MEMORY_UPDATE_NOT_APPROVED"
    assert board.look(held).update.phase is Phase.CHANGES_REQUESTED


def test_what_became_wrong_on_the_new_target_is_not_merged(board: Board) -> None:
    held = board.approved(create("runbooks/x.md", runbook("x", related={"depends_on": ["runbook:b"]})))
    board.outside({"runbooks/b.md": None})
    with pytest.raises(KrateError) as caught:
        board.merge(held)
    assert caught.value.code == "MEMORY_UPDATE_VALIDATION_FAILED"
    assert "KB038" in caught.value.message


def test_a_target_that_is_never_quiet_ends_in_contention(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    held = board.approved()
    pushed: list[str] = []

    def slower(*arguments: Any, **how: Any) -> Pushed:
        pushed.append(board.outside({"notes/n.md": f"# A note\n\n{len(pushed)}.\n"}))
        return land_push(*arguments, **how)

    land_push = land.push_branch
    monkeypatch.setattr(land, "push_branch", slower)
    monkeypatch.setattr(land.time, "sleep", lambda _: None)
    assert code_of(lambda: board.merge(held)) == "MEMORY_MERGE_CONTENTION"
    held = board.find(held)
    assert (held.update.phase, held.update.status.error) == (Phase.FAILED, "MEMORY_MERGE_CONTENTION")
    assert conditions(held)["Merged"] == ("False", "MergeContention")
    assert len(pushed) == 5
    assert board.chain() == [*pushed[::-1], board.seed]
    assert board.branches() == []


def test_a_race_that_was_lost_is_run_again(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    held = board.approved()
    pushed: list[str] = []

    def slower(*arguments: Any, **how: Any) -> Pushed:
        if len(pushed) < 2:
            pushed.append(board.outside({"notes/n.md": f"# A note\n\n{len(pushed)}.\n"}))
        return land_push(*arguments, **how)

    land_push = land.push_branch
    monkeypatch.setattr(land, "push_branch", slower)
    monkeypatch.setattr(land.time, "sleep", lambda _: None)
    held = board.merge(held)
    assert board.chain() == [held.update.status.merge_commit, *pushed[::-1], board.seed]


def test_of_two_who_merge_at_once_one_commit_comes(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    held = board.approved()
    others: list[Any] = []

    def while_pushing(*arguments: Any, **how: Any) -> Pushed:
        if not others:
            others.append(None)
            others[0] = board.merge(held, who="bo")
        return land_push(*arguments, **how)

    land_push = land.push_branch
    monkeypatch.setattr(land, "push_branch", while_pushing)
    monkeypatch.setattr(land.time, "sleep", lambda _: None)
    found = board.merge(held)
    assert found == others[0]
    assert others[0].update.phase is Phase.MERGED
    assert board.chain() == [others[0].update.status.merge_commit, board.seed]
    assert board.find(held) == others[0]


def test_a_slower_one_whose_commit_came_first_is_found_by_the_other(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = board.approved()

    def dies_after(*arguments: Any, **how: Any) -> Pushed:
        land_push(*arguments, **how)
        raise UnavailableError("SERVICE_UNAVAILABLE", "gone")

    land_push = land.push_branch
    with monkeypatch.context() as patched:
        patched.setattr(land, "push_branch", dies_after)
        with pytest.raises(UnavailableError):
            board.merge(held)
    commit = board.tip()
    assert board.find(held).update.phase is Phase.MERGING
    # Another one began meanwhile and has its own commit on record.
    stuck = board.find(held)
    from krate_gitops.updates.ledger import Ledger, with_status

    Ledger(board.desk("bo")).step(stuck, with_status(stuck.update, merge_commit="1" * 40))
    board.outside({"notes/n.md": "# A note\n\nChanged.\n"})
    found = board.merge(held, who="bo")
    assert (found.update.status.merge_commit, conditions(found)["Merged"]) == (commit, ("True", "Merged"))
    assert len(board.chain()) == 3


def test_a_branch_that_moved_since_is_not_merged_over(board: Board) -> None:
    held = board.approved()
    branch = held.update.spec.branch_name
    board.outside({"runbooks/a.md": changed(FILES["runbooks/a.md"], "First line", "Pushed")}, branch=branch)
    assert code_of(lambda: board.merge(held)) == "MEMORY_UPDATE_STALE_APPROVAL"
    assert board.find(held).update.phase is Phase.AWAITING_APPROVAL
    assert board.tip() == board.seed
    # Looking takes over what was pushed, and it is reviewed like any other revision.
    held = board.look(held)
    assert (held.update.phase, held.update.status.revision) == (Phase.AWAITING_APPROVAL, 2)
    held = board.merge(board.say(held))
    assert "Pushed of a" in board.text("runbooks/a.md")


def test_a_branch_that_was_taken_away_is_not_merged(board: Board) -> None:
    held = board.approved()
    board.delete_branch(held.update.spec.branch_name)
    assert code_of(lambda: board.merge(held)) == "MEMORY_UPDATE_STALE_APPROVAL"
    assert board.look(held).update.phase is Phase.REJECTED


def test_what_was_said_at_the_forge_meanwhile_counts(board: Board) -> None:
    held, closed = board.approved(edit("a")), board.approved(edit("b"), run="adr-2")
    review = ForgeReview(
        actor="zoe",
        state=ReviewState.CHANGES_REQUESTED,
        commit=held.update.status.head_commit,
        at="2026-06-01T12:30:00Z",
    )
    board.forge.review(str(held.update.status.pull_request_ref), review)
    assert code_of(lambda: board.merge(held)) == "MEMORY_UPDATE_NOT_APPROVED"
    assert board.find(held).update.phase is Phase.CHANGES_REQUESTED
    board.forge.close(str(closed.update.status.pull_request_ref))
    assert code_of(lambda: board.merge(closed)) == "MEMORY_UPDATE_STALE_APPROVAL"
    assert board.tip() == board.seed


# The target takes no push, or is broken


def test_a_protected_target_keeps_the_approvals(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    held = board.approved()

    def refuses(repository: Any, spec: str, branch: str, *_: Any, **__: Any) -> Pushed:
        raise DeniedError("PUSH_REFUSED", f"{branch} is protected")

    with monkeypatch.context() as patched:
        patched.setattr(land, "push_branch", refuses)
        patched.setattr("krate_gitops.updates.forges.local.push_branch", refuses)
        assert code_of(lambda: board.merge(held), DeniedError) == "PUSH_REFUSED"
    found = board.find(held)
    assert found.update.phase is Phase.APPROVED
    assert found.update.status.merge_commit is None
    assert board.tip() == board.seed
    assert board.merge(held).update.phase is Phase.MERGED


def test_an_invalid_target_takes_only_what_repairs_it(board: Board) -> None:
    broken = str(FILES["ontology/node-kinds.yaml"]).replace("idPrefix: decision", "idPrefix: service")
    board.outside({"ontology/node-kinds.yaml": broken})
    desk = board.desk("x")
    assert desk.brain.read(str(board.tip()), lambda opened: str(opened.manifest.result)) == "invalid"
    held = board.propose(edit())
    if held.update.phase is Phase.AWAITING_APPROVAL:
        held = board.say(held)
    if held.update.phase is Phase.APPROVED:
        assert code_of(lambda: board.merge(held)) == "MEMORY_WRITES_DISABLED"
    assert board.find(held).update.phase is not Phase.MERGED
    bump = str(FILES["ontology/edge-kinds.yaml"]).replace("1.0.0", "2.0.0")
    good = str(FILES["ontology/node-kinds.yaml"]).replace("1.0.0", "2.0.0")
    repair = board.submit(
        by_user(update("ontology/node-kinds.yaml", good), update("ontology/edge-kinds.yaml", bump), name="ana")
    )
    assert repair.update.phase is Phase.AWAITING_APPROVAL, repair.update.status.conditions
    assert board.merge(board.say(repair)).update.phase is Phase.MERGED
    assert desk.again().brain.read(str(board.tip()), lambda opened: str(opened.manifest.result)) != "invalid"


def test_an_index_that_can_not_be_built_leaves_the_commit_and_says_so(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = board.approved()
    monkeypatch.setattr(finish, "result_at", lambda *_: None)
    held = board.merge(held)
    assert held.update.phase is Phase.MERGED
    assert conditions(held)["Ready"] == ("False", "IndexBuildFailed")
    assert board.tip() == held.update.status.merge_commit


# Derived files


@pytest.mark.parametrize("root", ["", ".company-brain"])
def test_derived_files_are_part_of_the_same_commit(make_board: MakeBoard, root: str) -> None:
    files: dict[str, Any] = {**FILES, "README.md": "# Brain\n"}
    board = make_board(files=files, root=root, policy=msgspec.structs.replace(LOCAL, commit_indexes=True))
    held = board.merge(board.approved(edit("b")))
    commit = str(held.update.status.merge_commit)
    assert board.chain() == [commit, board.seed]
    prefix = f"{root}/" if root else ""
    written = {path.removeprefix(prefix) for path in board.paths() if path.startswith(f"{prefix}indexes/")}
    assert written
    brain = board.desk("x").brain
    report = validate(brain.builder, brain.target(commit)).report
    assert not {"KB070", "KB071", "KB072"} & {one.code for one in report.diagnostics}
    # And the next one writes them anew.
    held = board.merge(board.approved(edit("c"), run="adr-2"))
    brain = board.desk("x").brain
    report = validate(brain.builder, brain.target(str(held.update.status.merge_commit))).report
    assert not {"KB070", "KB071", "KB072"} & {one.code for one in report.diagnostics}
    assert len(board.chain()) == 3


def test_a_merge_with_derived_files_that_was_cut_short_is_found_again(
    make_board: MakeBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = make_board(policy=msgspec.structs.replace(LOCAL, commit_indexes=True))
    held = board.approved(edit("b"))

    def dies_after(*arguments: Any, **how: Any) -> Pushed:
        land_push(*arguments, **how)
        raise UnavailableError("SERVICE_UNAVAILABLE", "gone")

    land_push = land.push_branch
    with monkeypatch.context() as patched:
        patched.setattr(land, "push_branch", dies_after)
        with pytest.raises(UnavailableError):
            board.merge(held)
    (held,) = board.look_at_all()
    assert (held.update.phase, conditions(held)["Merged"]) == (Phase.MERGED, ("True", "Merged"))
    assert len(board.chain()) == 2


# Other places


def test_a_brain_below_a_folder_is_changed_there_and_nowhere_else(make_board: MakeBoard) -> None:
    board = make_board(root=".company-brain")
    board.repo.commit({"src/main.py": "print()\n"}, at=board.clock)
    held = board.merge(board.approved(edit("b")))
    commit = str(held.update.status.merge_commit)
    changed_paths = git(board.repo.git_dir, "diff", "--name-only", f"{commit}^", commit).decode().split()
    assert changed_paths == [".company-brain/runbooks/b.md"]


def test_an_ontology_from_outside_judges_too(make_board: MakeBoard, tmp_path: Any) -> None:
    folder = tmp_path / "ontology"
    folder.mkdir()
    for name in ("node-kinds.yaml", "edge-kinds.yaml"):
        (folder / name).write_text(str(FILES[f"ontology/{name}"]))
    files = {path: text for path, text in FILES.items() if not path.startswith("ontology/")}
    board = make_board(files=files, ontology_dir=folder)
    held = board.merge(board.approved(edit("b")))
    assert held.update.phase is Phase.MERGED
    bad = create("runbooks/x.md", runbook("x", related={"depends_on": ["service:none"]}))
    assert board.propose(bad, run="adr-2").update.phase is Phase.CHANGES_REQUESTED


def test_approvals_are_of_people_and_name_each_once(board: Board) -> None:
    held = board.say(board.say(board.propose(edit()), who="zoe"), who=OWNER)
    board.merge(board.say(held, who="zoe"))
    names = [value for name, value in board.trailers("main") if name == "Krate-Approved-By"]
    assert names == ["zoe <zoe@acme.example>", "dana <dana@acme.example>"]
