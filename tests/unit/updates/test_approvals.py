"""Which decisions hold, and what merges without anybody's."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from krate_gitops.brain.rules.generated import block_digest
from krate_gitops.updates.approvals import approvers, binding_decisions, is_binding, only_generated
from krate_gitops.updates.model import (
    AgentMemoryUpdate,
    Decision,
    Metadata,
    Proposer,
    UpdateSpec,
    UpdateStatus,
    Verdict,
)

ENTRY = "babysitter/MEMORY.md"
NOW = {"head_commit": "h1", "diff_digest": "d1", "validation_report_digest": "r1"}


def decision(actor: str, verdict: Verdict = Verdict.APPROVE, **about: Any) -> Decision:
    return Decision(actor=actor, decision=verdict, at="2026-06-01T00:00:00Z", **(NOW | about))


def update(*decisions: Decision) -> AgentMemoryUpdate:
    spec = UpdateSpec(
        organization_ref="acme", memory_repository="brain", proposer=Proposer("User", "x"), changes=(),
        target_branch="main", base_commit="b", branch_name="k",
    )  # fmt: skip
    status = UpdateStatus(decisions=decisions, **NOW)
    return AgentMemoryUpdate(metadata=Metadata(name="amu-1", namespace="n"), spec=spec, status=status)


def test_an_approval_holds_for_what_it_was_given_for() -> None:
    assert is_binding(decision("a"), update())
    assert approvers(update(decision("a"), decision("b"))) == ("a", "b")


@pytest.mark.parametrize(
    "difference",
    [
        {"head_commit": "h2"},
        {"diff_digest": "d2"},
        {"validation_report_digest": "r2"},
        {"head_commit": None},
        {"validation_report_digest": None},
    ],
)
def test_any_difference_voids_it(difference: dict[str, Any]) -> None:
    assert not is_binding(decision("a", **difference), update())
    assert approvers(update(decision("a", **difference))) == ()


def test_the_last_word_of_a_reviewer_counts() -> None:
    objected = update(decision("a"), decision("b"), decision("a", Verdict.REQUEST_CHANGES))
    assert approvers(objected) == ("b",)
    assert approvers(update(decision("a", Verdict.REQUEST_CHANGES), decision("a"))) == ("a",)


def test_an_approval_of_something_older_does_not_hide_a_newer_word() -> None:
    assert approvers(update(decision("a"), decision("a", head_commit="h0"))) == ("a",)


def test_an_objection_outlives_a_new_judgement_of_the_same_and_no_new_revision() -> None:
    objection = decision("a", Verdict.REQUEST_CHANGES, validation_report_digest="r0")
    assert binding_decisions(update(objection)) == (objection,)
    assert binding_decisions(update(msgspec.structs.replace(objection, head_commit="h0"))) == ()
    assert binding_decisions(update(msgspec.structs.replace(objection, diff_digest="d0"))) == ()
    later = decision("a")
    assert binding_decisions(update(objection, later)) == (later,)


# Generated blocks


def block(name: str, body: str, digest: str | None = None) -> str:
    start = f"<!-- krate:generated name={name} digest={digest or block_digest(body)} -->"
    return f"{start}\n{body}<!-- krate:end name={name} -->\n"


def merges(before: str | None, after: str | None, *allowed: str, path: str = ENTRY, **others: bytes) -> bool:
    old = {path: None if before is None else before.encode()}
    new = {path: None if after is None else after.encode(), **others}
    return only_generated(old, new, allowed)


HEAD, TAIL = "# Memory\n\n- By hand.\n\n", "\nThe end.\n"
OLD = HEAD + block("runs", "- one\n") + TAIL


def test_a_listed_block_merges_by_itself() -> None:
    assert merges(OLD, HEAD + block("runs", "- one\n- two\n") + TAIL, "runs")
    assert merges(OLD, HEAD + block("runs", "") + TAIL, "other", "runs")


@pytest.mark.parametrize(
    "after",
    [
        HEAD.replace("By hand", "By agent") + block("runs", "- two\n") + TAIL,
        HEAD + block("runs", "- two\n") + TAIL + "more\n",
        HEAD + block("runs", "- two\n") + TAIL.lstrip("\n"),
        HEAD + block("runs", "- two\n", f"sha256:{'0' * 64}") + TAIL,
        HEAD + block("walks", "- two\n") + TAIL,
        HEAD + TAIL,
        HEAD + block("runs", "- two\n") + block("more", "- x\n") + TAIL,
        HEAD + block("runs", "- two\n") + block("runs", "- three\n") + TAIL,
        HEAD + block("runs", "- two\n").replace("\n", "\r\n") + TAIL,
        HEAD + block("runs", "- two\n<!-- krate:end name=runs -->\n- smuggled\n") + TAIL,
        HEAD + " " + block("runs", "- two\n") + TAIL,
        HEAD + block("runs", "- two\n").replace("krate:end name=runs", "krate:end name=walks") + TAIL,
    ],
)  # fmt: skip
def test_whatever_else_changes_needs_people(after: str) -> None:
    assert not merges(OLD, after, "runs")


def test_a_block_that_nobody_listed_needs_people() -> None:
    new = HEAD + block("runs", "- two\n") + TAIL
    assert not merges(OLD, new)
    assert not merges(OLD, new, "walks")


def test_of_blocks_with_one_name_none_hides_behind_another() -> None:
    both = block("runs", "- a\n") + block("walks", "- b\n") + block("walks", "- c\n")
    assert not merges(both, both.replace(block("walks", "- b\n"), block("walks", "- evil\n")), "runs")
    assert not merges(
        both, both.replace(block("walks", "- b\n"), block("walks", "- x\n", f"sha256:{'0' * 64}")), "walks"
    )


def test_only_the_entrypoint_and_nothing_beside_it() -> None:
    new = HEAD + block("runs", "- two\n") + TAIL
    assert not merges(OLD, new, "runs", path="notes/n.md")
    assert not merges(OLD, new, "runs", **{"notes/n.md": b"x"})
    assert not merges(None, new, "runs")
    assert not merges(OLD, None, "runs")
