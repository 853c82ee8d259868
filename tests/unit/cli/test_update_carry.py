"""``update merge``, ``validate``, ``refresh``, ``convert`` and ``revert``."""

from __future__ import annotations

import json

import pytest

from tests.unit.cli.updating import EDITED, OTHER, OWNER, RUNBOOK, Updates, checkout, updates
from tests.updates import FILES, changed

__all__ = ["checkout", "updates"]


def test_an_approved_update_becomes_one_commit(updates: Updates) -> None:
    name = updates.approved()
    found = updates.json("merge", name, actor=OTHER)
    assert (found["phase"], found["mergeCommit"]) == ("Merged", updates.repo.tip("main"))
    chain = updates.git("rev-list", "--first-parent", "main").split()
    assert chain == [found["mergeCommit"], updates.seed]
    message = updates.git("log", "-1", "--format=%B", "main")
    assert f"Krate-Update: {name}" in message
    assert f"Krate-Approved-By: {OWNER}" in message
    assert updates.branches() == []
    assert updates.json("merge", name, actor=OTHER)["mergeCommit"] == found["mergeCommit"]


def test_what_is_not_approved_is_not_merged(updates: Updates) -> None:
    name = updates.proposed()
    done = updates("merge", name)
    assert (done.exit_code, updates.repo.tip("main")) == (1, updates.seed)
    assert "error[MEMORY_UPDATE_NOT_APPROVED]" in done.stderr
    assert "owner runbook:a" in done.stderr


def test_a_target_that_moved_into_the_same_place_sends_it_back(updates: Updates) -> None:
    name = updates.approved()
    updates.repo.commit({RUNBOOK: changed(FILES[RUNBOOK], new="The present second line")})
    assert updates.refused("merge", name) == (1, "MEMORY_UPDATE_CONFLICT")
    assert updates.json("show", name)["update"]["phase"] == "AwaitingApproval"


def test_a_clean_checkout_gets_the_merged_files(checkout: Updates) -> None:
    name = checkout.approved()
    (checkout.repo.path / "mine.txt").write_text("mine")
    assert checkout.json("merge", name)["phase"] == "Merged"
    assert (checkout.repo.path / RUNBOOK).read_bytes() == EDITED
    assert checkout.git("status", "--porcelain") == "?? mine.txt\n"


def test_a_checkout_that_was_proposed_from_is_clean_after_the_merge(checkout: Updates) -> None:
    (checkout.repo.path / RUNBOOK).write_bytes(EDITED)
    (checkout.repo.path / "notes/new.md").write_text("# New\n")
    name = checkout.json("propose", "--worktree", "--rationale", "It was wrong.")["update"]
    checkout.json("approve", name, actor=OWNER)
    assert checkout.json("merge", name)["phase"] == "Merged"
    assert checkout.git("status", "--porcelain") == ""


def test_a_checkout_with_other_work_is_left_alone_and_the_approval_stays(checkout: Updates) -> None:
    name = checkout.approved()
    (checkout.repo.path / RUNBOOK).write_text("half way")
    done = checkout("merge", name)
    assert done.exit_code == 4
    assert "error[PUSH_REFUSED]" in done.stderr
    assert "runbooks/a.md" in done.stderr
    assert "git status" in done.stderr
    assert (checkout.repo.path / RUNBOOK).read_text() == "half way"
    assert checkout.repo.tip("main") == checkout.seed
    assert checkout.json("show", name)["update"]["phase"] == "Approved"
    checkout.repo.checkout()
    assert checkout.json("merge", name)["phase"] == "Merged"


def test_validate_judges_on_the_target_as_it_is_now(updates: Updates) -> None:
    name = updates.approved()
    assert updates.json("validate", name)["phase"] == "Approved"
    updates.repo.commit({RUNBOOK: changed(FILES[RUNBOOK], new="The present second line")})
    found = updates.json("validate", name, code=1)
    assert found["conflicts"][0]["path"] == RUNBOOK
    updates.json("reject", name, "--comment", "No.", actor=OWNER)
    assert updates.json("validate", name, code=1)["phase"] == "Rejected"


def test_refresh_finds_what_somebody_did_by_git(updates: Updates) -> None:
    name = updates.proposed()
    branch = updates.branches()[0]
    assert updates.json("refresh") == {"items": [{"update": name, "phase": "AwaitingApproval"}]}
    updates.git("update-ref", "-d", f"refs/heads/{branch}")
    assert updates.json("refresh", name, code=1)["phase"] == "Rejected"
    done = updates("refresh")
    assert (done.exit_code, done.stdout) == (0, "no open updates\n")


def test_a_merge_by_git_is_recorded(updates: Updates) -> None:
    name = updates.proposed()
    updates.git("update-ref", "refs/heads/main", updates.repo.tip(updates.branches()[0]) or "")
    found = updates.json("refresh", name)
    merged = next(one for one in found["conditions"] if one["type"] == "Merged")
    assert (found["phase"], merged["reason"]) == ("Merged", "OutOfBandMerge")


def test_a_stored_patch_waits_until_it_is_converted(updates: Updates) -> None:
    name = updates.proposed("--kind", "patch-artifact")
    assert (updates.branches(), updates.json("show", name)["update"]["phase"]) == ([], "AwaitingApproval")
    assert "convert" in updates.json("show", name)["actions"]
    assert updates.json("approve", name, actor=OWNER)["phase"] == "AwaitingApproval"
    assert updates.refused("merge", name) == (1, "MEMORY_UPDATE_NOT_APPROVED")
    found = updates.json("convert", name)
    assert (found["phase"], found["pullRequestRef"]) == ("AwaitingApproval", "local/brain/1")
    assert updates.branches() == [found["branch"]]
    assert updates.json("convert", name)["headCommit"] == found["headCommit"]
    assert updates.refused("convert", name, "--to", "review-branch") == (2, "INVALID_REQUEST")
    updates.json("approve", name, actor=OWNER)
    assert updates.json("merge", name)["phase"] == "Merged"


def test_a_patch_becomes_a_branch_and_one_that_ended_stays(updates: Updates) -> None:
    name = updates.proposed("--kind", "patch-artifact")
    found = updates.json("convert", name, "--to", "review-branch")
    assert (found["pullRequestRef"], len(updates.branches())) == (None, 1)
    updates.json("reject", name, "--comment", "No.", actor=OWNER)
    other = updates.proposed("--kind", "patch-artifact")
    updates.json("reject", other, "--comment", "No.", actor=OWNER)
    assert updates.refused("convert", other) == (1, "MEMORY_UPDATE_NOT_APPROVED")


# Taking back


@pytest.mark.parametrize("by", ["update", "commit"])
def test_a_merged_update_is_taken_back_by_another(updates: Updates, by: str) -> None:
    name = updates.approved()
    commit = updates.json("merge", name)["mergeCommit"]
    found = updates.json("revert", name[:12] if by == "update" else commit, "--reason", "It paid twice.")
    assert (found["takesBack"], found["branch"]) == (commit, f"krate/memory-revert/{found['update']}")
    shown = updates.json("show", found["update"])
    assert (shown["update"]["updateKind"], shown["update"]["rationale"]) == ("revert", "It paid twice.")
    assert {one["ref"] for one in shown["update"]["evidence"]} == {commit, name}
    again = updates.json("revert", name, "--reason", "It paid twice.")
    assert (again["update"], again["new"]) == (found["update"], False)
    updates.json("approve", found["update"], actor=OWNER)
    updates.json("merge", found["update"])
    assert updates.git("show", f"main:{RUNBOOK}") == FILES[RUNBOOK]
    assert updates.refused("revert", name, "--reason", "x") == (2, "INVALID_REQUEST")  # nothing is left


def test_known_bad_history_is_marked_first_and_closed_by_the_merge(updates: Updates) -> None:
    def ranges() -> list[tuple[str, str | None, list[str]]]:
        done = updates._run("--home", updates.home, "snapshot", "known-bad", "-o", "json")
        found = json.loads(done.stdout)["items"]
        return [(one["from"], one.get("to"), one["paths"]) for one in found]

    name = updates.approved()
    commit = updates.json("merge", name)["mergeCommit"]
    found = updates.json("revert", name, "--reason", "It paid twice.", "--mark-known-bad")
    assert found["knownBad"]["range"]["from"] == commit
    assert ranges() == [(commit, None, [RUNBOOK])]
    updates.json("approve", found["update"], actor=OWNER)
    merged = updates.json("merge", found["update"])
    assert ranges() == [(commit, merged["mergeCommit"], [RUNBOOK])]


def test_what_was_edited_since_is_merged_or_a_conflict(updates: Updates) -> None:
    name = updates.approved()
    updates.json("merge", name)
    present = updates.git("show", f"main:{RUNBOOK}")
    updates.repo.commit({RUNBOOK: present.replace("Another second line", "One more second line")})
    found = updates.json("revert", name, "--reason", "It paid twice.", code=1)
    assert (found["phase"], found["conflicts"][0]["path"]) == ("ChangesRequested", RUNBOOK)


def test_what_can_not_be_taken_back_is_said(updates: Updates) -> None:
    name = updates.proposed()
    assert updates.refused("revert", name, "--reason", "x") == (1, "MEMORY_UPDATE_NOT_APPROVED")
    assert updates.refused("revert", updates.seed, "--reason", "x") == (2, "INVALID_REQUEST")
    assert updates.refused("revert", "nowhere", "--reason", "x") == (3, "MEMORY_REF_NOT_FOUND")
    assert updates.refused("revert", "import-000000000000", "--reason", "x") == (1, "MEMORY_UPDATE_NOT_APPROVED")
    assert updates.refused("revert", updates.branches()[0], "--reason", "x") == (4, "MEMORY_REF_NOT_APPROVED")
    assert updates("revert", name).exit_code == 2
    head = updates.json("show", name)["update"]["headCommit"]
    assert updates.refused("revert", head, "--reason", "x", "--mark-known-bad") == (4, "MEMORY_REF_NOT_APPROVED")
