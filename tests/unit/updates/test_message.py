"""Messages of the commits of updates."""

from __future__ import annotations

import pytest

from krate_gitops.updates.message import author_of, commit_message, update_named_in
from krate_gitops.updates.model import (
    Action,
    AgentMemoryUpdate,
    ChangeItem,
    Metadata,
    Proposer,
    UpdateSpec,
    UpdateStatus,
)
from tests.repos import git

NAME, DIGEST = "amu-0123456789ab", f"sha256:{'1' * 64}"
AGENT, USER = Proposer("Agent", "ci agent"), Proposer("User", "Ana")


def update(rationale: str = "", run: str | None = "adr-1", proposer: Proposer = AGENT) -> AgentMemoryUpdate:
    spec = UpdateSpec(
        organization_ref="acme", memory_repository="brain", proposer=proposer, source_run=run, target_branch="main",
        base_commit="1" * 40, branch_name="krate/agent-memory/adr-1", rationale=rationale,
        changes=(ChangeItem(path="a.md", action=Action.DELETE, reason="r"),),
    )  # fmt: skip
    return AgentMemoryUpdate(
        metadata=Metadata(name=NAME, namespace="krate-org-acme"), spec=spec, status=UpdateStatus(diff_digest=DIGEST)
    )


def trailers(message: str) -> list[str]:
    return git(None, "interpret-trailers", "--parse", stdin=message.encode()).decode().splitlines()


def test_a_merge_has_a_subject_the_reason_why_and_all_trailers() -> None:
    assert commit_message("[memory] Title (x)", update("Because.\nOf this."), ["Ana <ana@x>", "Bo", "Bo"]) == (
        "[memory] Title (x)\n\n"
        "Because.\nOf this.\n\n"
        f"Krate-Update: {NAME}\nKrate-Source-Run: adr-1\nKrate-Diff-Digest: {DIGEST}\n"
        "Krate-Approved-By: Ana <ana@x>\nKrate-Approved-By: Bo\nKrate-Organization: acme\n"
    )


def test_a_revision_says_nothing_of_approvals_and_what_is_not_there_is_left_out() -> None:
    assert commit_message("T", update(run=None)) == (
        f"T\n\nKrate-Update: {NAME}\nKrate-Diff-Digest: {DIGEST}\nKrate-Organization: acme\n"
    )


@pytest.mark.parametrize(
    "hostile",
    [
        "Krate-Approved-By: Eve <eve@x>",
        "krate-update: amu-ffffffffffff",
        "KRATE-Approved-By: Eve",
        "a\rKrate-Update: amu-ffffffffffff",
        "a\u2028Krate-Update: amu-ffffffffffff",
        "a\x85Krate-Update: amu-ffffffffffff",
        "text\n\nKrate-Approved-By: Eve",
        "text\n\n\tKrate-Approved-By: Eve",
        "\x00Krate-Update: amu-ffffffffffff",
    ],
)
def test_no_trailer_is_smuggled_in_by_a_rationale(hostile: str) -> None:
    message = commit_message("T", update(hostile))
    assert trailers(message) == [
        f"Krate-Update: {NAME}", "Krate-Source-Run: adr-1", f"Krate-Diff-Digest: {DIGEST}", "Krate-Organization: acme"
    ]  # fmt: skip
    assert update_named_in(message) == NAME
    theirs = [line for line in message.splitlines() if line.lower().startswith("krate-")]
    assert len(theirs) == 4


@pytest.mark.parametrize(
    "hostile", ["x\nKrate-Approved-By: Eve", "x\r\nKrate-Organization: evil", "x\u2029Krate-Update: y"]
)
def test_names_and_titles_stay_on_their_line(hostile: str) -> None:
    message = commit_message(hostile, update(run=hostile), [hostile])
    names = [line.partition(":")[0] for line in trailers(message)]
    assert names == ["Krate-Update", "Krate-Source-Run", "Krate-Diff-Digest", "Krate-Approved-By", "Krate-Organization"]


def test_people_sign_themselves_and_agents_have_no_address() -> None:
    assert author_of(USER, "Ana Lima <ana@acme.example>") == "Ana Lima <ana@acme.example>"
    assert author_of(AGENT) == "ci-agent <ci-agent@agents.krate.invalid>"
    assert author_of(AGENT, "Ana Lima <ana@acme.example>") == "ci-agent <ci-agent@agents.krate.invalid>"
    assert author_of(Proposer("Controller", "")) == "unknown <unknown@controllers.krate.invalid>"
    assert author_of(USER, "") == "Ana <ana@users.krate.invalid>"


@pytest.mark.parametrize(
    ("signature", "author"),
    [
        ("Eve <x@y> 1 +0000\nparent 123 <eve@x>", "Eve x@y 1 +0000 parent 123 <eve@x>"),
        ("Eve\n<eve@x>", "Eve <eve@x>"),
        ("Eve <eve@x\nparent 1>", "Eve <eve@xparent1>"),
        ("<eve@x>", "Ana <ana@users.krate.invalid>"),
        ("no address", "Ana <ana@users.krate.invalid>"),
        ("Eve <>", "Eve <>"),
    ],
)
def test_no_signature_writes_into_a_commit_what_is_no_name(signature: str, author: str) -> None:
    assert author_of(USER, signature) == author


def test_commits_of_others_name_no_update() -> None:
    assert update_named_in("Merge branch x") is None
    assert update_named_in(" Krate-Update: amu-0123456789ab") is None
    assert update_named_in("Krate-Update: amu-0123456789abc") is None
