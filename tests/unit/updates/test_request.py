"""What a proposal may be, before any commit is looked at."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from krate_gitops.digest import sha256_digest
from krate_gitops.errors import UsageError
from krate_gitops.updates.model import Action, Evidence, Proposer
from krate_gitops.updates.request import (
    MAX_CONTENT_BYTES,
    MAX_TOTAL_BYTES,
    Proposal,
    ProposedChange,
    check_proposal,
    parse_changes,
    path_fault,
)
from tests.updates import by_agent, by_user, create, delete, rename, update

TEXT = "text"


def refusal(proposal: Proposal, **limits: Any) -> str:
    with pytest.raises(UsageError) as caught:
        check_proposal(proposal, **limits)
    assert caught.value.code == "INVALID_REQUEST"
    assert caught.value.exit_code == 2
    return caught.value.message


def many(count: int, size: int = 1) -> tuple[ProposedChange, ...]:
    return tuple(create(f"notes/{number}.md", b"x" * size) for number in range(count))


def test_all_that_may_be_passes() -> None:
    largest = (*many(15, MAX_CONTENT_BYTES), create("notes/last.md", b"x" * MAX_CONTENT_BYTES))
    check_proposal(by_agent(*largest, rationale="r" * 4000))
    check_proposal(by_user(*many(50)))
    check_proposal(by_user(create("a.md", "", reason="r" * 500)))
    check_proposal(by_user(update("a.md", TEXT), delete("b.md"), rename("c.md", "d.md")))
    check_proposal(Proposal(changes=(delete("a"),), proposer=Proposer("Controller", "imports"), source_run="import-1"))


@pytest.mark.parametrize(
    ("proposal", "said"),
    [
        (by_user(), "1 to 50 files, this one 0"),
        (by_user(*many(51)), "1 to 50 files, this one 51"),
        (by_agent(update("a.md", TEXT), run=None), "names its source run"),
        (by_agent(update("a.md", TEXT), rationale=" \n"), "says why"),
        (by_agent(update("a.md", TEXT), rationale="r" * 4001), "at most 4000 characters"),
        (Proposal(changes=(delete("a"),), proposer=Proposer("Robot", "x")), "Agent, a User or a Controller"),
        (by_user(delete("a"), evidence=(Evidence("issue", "1"),) * 51), "at most 50 pieces"),
        (by_user(delete("a"), evidence=(Evidence("issue", "1" * 1001),)), "at most 1000 characters"),
        (by_user(delete("a"), evidence=(Evidence("issue", "1", "hunter2"),)), "no sha256 digest"),
        (by_user(delete("")), "names its path"),
        (by_user(delete("a" * 1001)), "at most 1000 characters"),
        (by_user(rename("a", "b" * 1001)), "at most 1000 characters"),
        (by_user(ProposedChange(path="a", action=Action.CREATE, reason="r")), "create of a needs the new content"),
        (by_user(ProposedChange(path="a", action=Action.UPDATE, reason="r")), "update of a needs the new content"),
        (by_user(ProposedChange(path="a", action=Action.UPSERT, reason="r")), "upsert of a needs the new content"),
        (by_user(delete("a", content=b"x")), "is deleted, so it has no content"),
        (by_user(ProposedChange(path="a", action=Action.RENAME, reason="r")), "newPath goes with rename"),
        (by_user(update("a", TEXT, new_path="b")), "newPath goes with rename"),
        (by_user(create("a", b"x" * (MAX_CONTENT_BYTES + 1))), f"at most {MAX_CONTENT_BYTES} bytes, a has 65537"),
        (by_user(*many(17, MAX_CONTENT_BYTES)), f"at most {MAX_TOTAL_BYTES} bytes together, these are 1114112"),
        (by_user(delete("a", reason=" ")), "has no reason"),
        (by_user(delete("a", reason="r" * 501)), "at most 500 characters"),
        (by_user(delete("a"), update("a", TEXT)), "a is changed twice"),
        (by_user(rename("a", "b"), create("b", TEXT)), "b is changed twice"),
        (by_user(rename("a", "a")), "a is changed twice"),
        (by_agent(delete("a"), run=""), "source run"),
        (by_agent(delete("a"), run="r" * 254), "source run"),
        (by_agent(delete("a"), run="adr-1\nx"), "source run"),
        (by_agent(delete("a"), run="adr-\x00"), "source run"),
        (by_agent(delete("a"), name="x" * 254), "name of the proposer"),
        (by_agent(delete("a"), name="x\ny"), "name of the proposer"),
        (by_agent(delete("a"), name=""), "name of the proposer"),
        (by_agent(delete("a"), rationale="half a pair \ud800"), "UTF-8"),
        (by_user(delete("a", reason="half a pair \ud800")), "UTF-8"),
        (by_user(delete("a"), evidence=(Evidence("issue", "\ud800"),)), "UTF-8"),
        (by_user(delete("a\ud800")), "UTF-8"),
        (by_user(delete("a", base_digest="md5:1")), "baseDigest"),
    ],
)  # fmt: skip
def test_what_no_update_may_be_is_refused(proposal: Proposal, said: str) -> None:
    assert said in refusal(proposal)


def test_limits_of_files_and_bytes_can_be_other_ones_for_those_who_may() -> None:
    check_proposal(by_user(*many(51)), most=60)
    check_proposal(by_user(create("a", b"x" * 100_000)), content_limit=100_000)
    check_proposal(by_user(create("a", b"x" * 2_000_000)), content_limit=2_000_000)
    assert "1 to 2 files" in refusal(by_user(*many(3)), most=2)


def test_change_items_are_read_with_every_field() -> None:
    digest = sha256_digest(b"text")
    items = [
        {"path": "a.md", "action": "create", "content": TEXT, "contentDigest": digest, "reason": "r"},
        {"path": "b.md", "action": "update", "contentRef": "artifact-1", "baseDigest": digest, "reason": "r"},
        {"path": "c.md", "action": "rename", "newPath": "d.md", "reason": "r"},
        {"path": "e.md", "action": "delete", "baseDigest": digest, "reason": "r"},
        {"path": "f.md", "action": "upsert", "content": "", "reason": "r"},
    ]
    found = parse_changes(items, {"artifact-1": b"stored"})
    assert [one.action for one in found] == [
        Action.CREATE, Action.UPDATE, Action.RENAME, Action.DELETE, Action.UPSERT
    ]  # fmt: skip
    assert [one.content for one in found] == [b"text", b"stored", None, None, b""]
    assert (found[1].base_digest, found[2].new_path, found[0].reason) == (digest, "d.md", "r")


@pytest.mark.parametrize(
    ("word", "action"), [("add", Action.CREATE), ("replace", Action.UPDATE), ("remove", Action.DELETE)]
)
@pytest.mark.parametrize("field", ["op", "action"])
def test_older_words_for_actions_are_understood(word: str, action: Action, field: str) -> None:
    assert parse_changes([{"path": "a", field: word, "reason": "r"}])[0].action is action


@pytest.mark.parametrize(
    ("items", "said"),
    [
        ({"path": "a"}, "changes is a list"),
        ("text", "changes is a list"),
        (["text"], "changes[0] is no map"),
        ([{"path": "a", "action": "delete", "mode": "0755"}], "changes[0] has the unknown field mode"),
        ([{"path": 1, "action": "delete"}], "changes[0].path is no text"),
        ([{"path": "a", "action": "delete", "reason": ["r"]}], "changes[0].reason is no text"),
        ([{"path": "a"}], "changes[0].action is one of create, update"),
        ([{"path": "a", "action": "overwrite"}], "changes[0].action is one of"),
        ([{"path": "a", "action": "create", "content": "x", "contentRef": "y"}], "both content and contentRef"),
        ([{"path": "a", "action": "create", "contentRef": "y"}], "contentRef is not known"),
        ([{"path": "a", "action": "create", "content": "x", "contentDigest": "sha256:1"}], "not that of the content"),
        ([{"path": "a", "action": "create", "contentDigest": "sha256:1"}], "not that of the content"),
        ([{"path": "a", "action": "delete", "op": "add"}], "both action and op"),
    ],
)  # fmt: skip
def test_items_that_are_none_are_refused(items: Any, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_changes(items)
    assert (caught.value.code, said in caught.value.message) == ("INVALID_REQUEST", True)


def test_what_is_refused_is_shown_without_what_a_terminal_obeys() -> None:
    hostile = "a\x1b[31m\u202e.md"
    assert "\x1b" not in refusal(by_user(ProposedChange(path=hostile, action=Action.CREATE, reason="r")))
    with pytest.raises(UsageError) as caught:
        parse_changes([{"path": "a", "action": "delete", hostile: "x"}])
    assert "\x1b" not in caught.value.message


@pytest.mark.parametrize(
    "path", ["", "/etc/passwd", "../a", "a/../b", "a//b", "./a", "a\\b", "a\0b", "a /b", "a.", "a/"]
)
def test_paths_that_mean_another_place_have_a_fault(path: str) -> None:
    assert path_fault(path)


def test_a_path_below_the_root_has_none() -> None:
    assert path_fault("runbooks/payments/a.md") == ""


def test_a_proposal_and_its_parts_never_change() -> None:
    change = delete("a")
    with pytest.raises(AttributeError):
        change.path = "b"  # type: ignore[misc]
    assert msgspec.structs.replace(change, path="b").path == "b"
