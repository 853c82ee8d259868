"""``update approve``, ``request-changes`` and ``reject``."""

from __future__ import annotations

import pytest

from tests.unit.cli.updating import OTHER, OWNER, PROPOSER, RUNBOOK, Updates, updates
from tests.unit.memory.hostile import OVERRIDE
from tests.updates import FILES, changed

__all__ = ["updates"]


def test_an_owner_approves_and_the_approval_is_bound(updates: Updates) -> None:
    name = updates.proposed()
    shown = updates.json("show", name)
    expected = ("--expected-head", shown["update"]["headCommit"], "--expected-diff", shown["update"]["diffDigest"])
    found = updates.json("approve", name, *expected, "--comment", "Right.", actor=OWNER)
    assert (found["phase"], found["headCommit"]) == ("Approved", shown["update"]["headCommit"])
    [given] = updates.json("show", name)["reviews"]["given"]
    assert (given["actor"], given["decision"], given["comment"], given["binding"]) == (OWNER, "approve", "Right.", True)
    assert updates.json("approve", name, *expected, "--comment", "Right.", actor=OWNER)["phase"] == "Approved"
    assert len(updates.json("show", name)["reviews"]["given"]) == 1


def test_who_owns_nothing_approves_and_an_owner_is_still_waited_for(updates: Updates) -> None:
    name = updates.proposed()
    done = updates("approve", name, actor="Mara <mara@acme.example>")
    assert (done.exit_code, "phase         AwaitingApproval" in done.stdout) == (0, True)
    assert "waits for owner runbook:a" in done.stdout


@pytest.mark.parametrize("option", [("--expected-head", "0" * 40), ("--expected-diff", f"sha256:{'0' * 64}")])
@pytest.mark.parametrize("command", ["approve", "merge"])
def test_an_approval_of_something_else_is_stale(updates: Updates, option: tuple[str, str], command: str) -> None:
    name = updates.approved()
    assert updates.refused(command, name, *option, actor=OWNER) == (1, "MEMORY_UPDATE_STALE_APPROVAL")


def test_nobody_approves_their_own(updates: Updates) -> None:
    name = updates.proposed()
    assert updates.refused("approve", name, actor=PROPOSER) == (4, "POLICY_DENIED")
    assert updates.refused("approve", name, actor="zoe") == (4, "POLICY_DENIED")


def test_who_started_the_run_does_not_approve(updates: Updates) -> None:
    name = updates.proposed("--agent", "ci-agent", "--run", "adr-1", "--initiator", "Dana <dana@acme.example>")
    assert updates.refused("approve", name, actor=OWNER) == (4, "POLICY_DENIED")
    assert updates.json("approve", name, actor=OTHER)["phase"] == "Approved"


def test_text_that_speaks_to_agents_needs_to_be_acknowledged(updates: Updates) -> None:
    path = updates.file("odd.md", changed(FILES[RUNBOOK], new=f"{OVERRIDE}\n\nSecond line"))
    name = updates.json("propose", "--put", f"{RUNBOOK}=@{path}", "--rationale", "Odd.")["update"]
    assert updates.refused("approve", name, actor=OWNER) == (1, "MEMORY_UPDATE_NOT_APPROVED")
    found = updates.json("approve", name, "--acknowledge", "injection-suspected", actor=OWNER)
    assert found["phase"] == "Approved"
    assert updates("approve", name, "--acknowledge", "anything", actor=OWNER).exit_code == 2


def test_changes_are_asked_for_with_a_reason_and_nobody_merges_until_then(updates: Updates) -> None:
    name = updates.approved()
    assert updates("request-changes", name, actor=OTHER).exit_code == 2
    found = updates.json("request-changes", name, "--comment", "Say which queue.", actor=OTHER)
    assert found["phase"] == "ChangesRequested"
    assert updates.refused("merge", name) == (1, "MEMORY_UPDATE_NOT_APPROVED")
    assert updates.refused("approve", name, actor=OWNER) == (1, "MEMORY_UPDATE_NOT_APPROVED")
    assert "request-changes by Ravi <ravi@acme.example>: Say which queue." in updates("show", name).stdout


def test_what_is_rejected_ends_and_its_branch_goes(updates: Updates) -> None:
    name = updates.proposed()
    assert updates("reject", name, "--comment", "", actor=OWNER).exit_code == 2
    assert updates.json("reject", name, "--comment", "Wrong.", actor=OWNER)["phase"] == "Rejected"
    assert updates.branches() == []
    assert updates.json("reject", name, "--comment", "Wrong.", actor=OWNER)["phase"] == "Rejected"
    assert updates.refused("approve", name, actor=OWNER) == (1, "MEMORY_UPDATE_NOT_APPROVED")
    assert updates.json("show", name)["files"][0]["diff"]
    assert updates.proposed() != name


def test_a_comment_is_kept_without_its_secrets(updates: Updates) -> None:
    from tests.unit.memory.hostile import TOKEN

    name = updates.proposed()
    updates.json("request-changes", name, "--comment", f"Not {TOKEN}", actor=OWNER)
    assert TOKEN not in updates("show", name, "-o", "json").output
