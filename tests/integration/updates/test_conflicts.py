"""What is proposed meets what changed since: edits, deletions, renamings, retirements and creations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import pytest

from krate_gitops.digest import sha256_digest
from krate_gitops.updates.carry import Carried, Versions, carry
from krate_gitops.updates.model import Action, ChangeItem, Phase
from krate_gitops.updates.request import ProposedChange
from tests.repos import Content
from tests.updates import FILES, Board, changed, conditions, create, delete, edit, false, rename, runbook, update

A, B = "runbooks/a.md", "runbooks/draft.md"
NEW = "runbooks/new.md"


def theirs(old: str, new: str) -> bytes:
    return changed(FILES[A], old, new, at="2026-05-29T09:00:00Z")


RETIRED = str(FILES[A]).replace("status: approved", "status: deprecated")

CLEAN: dict[str, tuple[ProposedChange, Mapping[str, Content], Callable[[Board], bool]]] = {
    "two places of a body": (
        edit(),
        {A: theirs("Third line", "Their third line")},
        lambda board: {"Another second line of a.", "Their third line of a."} <= set(board.text(A).splitlines()),
    ),
    "a field and the body": (
        edit(),
        {A: theirs("summary: Kept.", "summary: Theirs.")},
        lambda board: "summary: Theirs." in board.text(A) and "Another second line" in board.text(A),
    ),
    "two fields": (
        edit("a", "title: Replay a", "title: Replaying a"),
        {A: theirs("summary: Kept.", "summary: Theirs.")},
        lambda board: "summary: Theirs." in board.text(A) and "title: Replaying a" in board.text(A),
    ),
    "the same edit twice and another": (
        update(A, changed(FILES[A]).replace(b"Third line", b"A newer third line")),
        {A: theirs("Second line", "Another second line")},
        lambda board: "A newer third line" in board.text(A),
    ),
    "a renaming and an edit": (
        rename(B, "runbooks/deep/draft.md"),
        {B: changed(FILES[B], new="Their second line", at="2026-05-29T09:00:00Z")},
        lambda board: "Their second line" in board.text("runbooks/deep/draft.md") and B not in board.paths(),
    ),
    "a renaming with an edit and an edit": (
        rename(B, "runbooks/deep/draft.md", content=changed(FILES[B])),
        {B: changed(FILES[B], "Third line", "Their third line", at="2026-05-29T09:00:00Z")},
        lambda board: {"Another second line of draft.", "Their third line of draft."}
        <= set(board.text("runbooks/deep/draft.md").splitlines()),
    ),
    "another file": (edit(), {"runbooks/c.md": None}, lambda board: "runbooks/c.md" not in board.paths()),
    "the creation of the same": (
        update(NEW, runbook("new"), Action.UPSERT), {"runbooks/b.md": runbook("b", summary="x")},
        lambda board: board.text(NEW) == runbook("new"),
    ),
}  # fmt: skip

CONFLICTS: dict[str, tuple[ProposedChange, Mapping[str, Content], str]] = {
    "one line": (edit(), {A: theirs("Second line", "Their second line")}, "ConflictWithCurrent"),
    "one field": (
        edit("a", "title: Replay a", "title: Mine"),
        {A: theirs("title: Replay a", "title: Theirs")},
        "ConflictWithCurrent",
    ),
    "an edit of what is deleted": (edit(), {A: None}, "DeletedSince"),
    "a deletion of what is edited": (
        delete(B), {B: changed(FILES[B], new="Theirs", at="2026-05-29T09:00:00Z")}, "ChangedSince"
    ),
    "a renaming of what is deleted": (rename(B, "runbooks/deep/draft.md"), {B: None}, "DeletedSince"),
    "a renaming with an edit of what is deleted": (
        rename(B, "runbooks/deep/draft.md", content=changed(FILES[B])), {B: None}, "DeletedSince"
    ),
    "an edit of what is retired": (edit(), {A: RETIRED}, "RetiredSince"),
    "an edit of what is renamed": (edit(), {A: None, "runbooks/deep/a.md": FILES[A]}, "DeletedSince"),
    "a creation of what is created": (
        create(NEW, runbook("new")), {NEW: runbook("new", summary="Other.")}, "CreatedSince"
    ),
    "a renaming to what is created": (
        rename(B, "runbooks/deep/draft.md"), {"runbooks/deep/draft.md": runbook("x")}, "AlreadyExists"
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", CLEAN)
def test_what_does_not_meet_is_merged(board: Board, what: str) -> None:
    change, outside, holds = CLEAN[what]
    held = board.propose(change)
    assert false(held) == {}, held.update.status.conditions
    board.outside(outside)
    held = board.look(held)
    assert "PatchApplies" not in false(held), held.update.status.conflicts
    if held.update.phase is Phase.AWAITING_APPROVAL:
        held = board.merge(board.say(held))
        assert holds(board)
    else:
        # Deleting a record that others need is wrong for another reason.
        assert what == "another file"


@pytest.mark.parametrize("what", CONFLICTS)
def test_what_meets_is_for_people(board: Board, what: str) -> None:
    change, outside, reason = CONFLICTS[what]
    held = board.propose(change)
    assert false(held) == {}, held.update.status.conditions
    head = held.update.status.head_commit
    board.outside(outside)
    held = board.look(held)
    assert held.update.phase is Phase.CHANGES_REQUESTED
    expected = "ConflictWithCurrent" if reason.endswith("Since") else reason
    assert conditions(held)["PatchApplies"] == ("False", expected)
    conflict = held.update.status.conflicts[0]
    assert conflict.reason == reason
    # The reviewers keep what they saw, and are told of the conflict.
    assert held.update.status.head_commit == head
    assert held.update.status.pull_request_ref is not None
    assert "can't be merged onto the target" in board.forge.read(held.update.status.pull_request_ref).body


def test_the_three_texts_of_a_conflict_are_shown(board: Board) -> None:
    held = board.propose(edit())
    board.outside({A: theirs("Second line", "Their second line")})
    (conflict,) = board.look(held).update.status.conflicts
    assert conflict.observed == "Second line of a."
    assert conflict.current == "Their second line of a."
    assert conflict.proposed == "Another second line of a."
    assert conflict.place.startswith("body:")


def test_a_conflict_is_solved_by_a_revision_on_what_is_there(board: Board) -> None:
    held = board.propose(edit())
    board.outside({A: theirs("Second line", "Their second line")})
    held = board.look(held)
    board.repo.merge(
        str(board.tip()),
        {A: theirs("Second line", "Both second lines")},
        branch=held.update.spec.branch_name,
        at=board.clock,
    )
    held = board.look(held)
    assert (false(held), held.update.phase) == ({}, Phase.AWAITING_APPROVAL)
    board.merge(board.say(held))
    assert "Both second lines" in board.text(A)


def test_a_pinned_run_is_carried_onto_the_present(board: Board) -> None:
    pinned = board.seed
    board.outside({A: theirs("Third line", "Their third line")})
    held = board.propose(edit(), observed_commit=pinned)
    assert held.update.phase is Phase.AWAITING_APPROVAL
    assert held.update.spec.base_commit == board.tip()
    board.merge(board.say(held))
    assert {"Another second line of a.", "Their third line of a."} <= set(board.text(A).splitlines())


def test_a_pinned_run_that_meets_the_present_is_not_shown_but_told(board: Board) -> None:
    board.outside({A: RETIRED})
    held = board.propose(edit(), observed_commit=board.seed)
    assert conditions(held)["PatchApplies"] == ("False", "ConflictWithCurrent")
    assert held.update.status.conflicts[0].reason == "RetiredSince"
    assert held.update.phase is Phase.CHANGES_REQUESTED
    assert board.branches() == []


def test_what_does_not_fit_on_the_base_it_names_is_told(board: Board) -> None:
    tip = board.outside({A: theirs("Third line", "Their third line")})
    text = changed(theirs("Third line", "Their third line").decode(), "Their third line", "My third line")
    held = board.propose(update(A, text), base_commit=board.seed, observed_commit=tip)
    assert conditions(held)["PatchApplies"] == ("False", "ConflictWithCurrent")
    assert held.update.phase is Phase.CHANGES_REQUESTED


# By itself


def carried(item: ChangeItem, contents: Mapping[str, bytes], **at: Mapping[str, bytes]) -> Carried:
    def read(commit: str, path: str) -> bytes | None:
        return at[commit].get(path)

    return carry(read, [item], contents, Versions(observed="observed", base="base", onto="onto"))


SEEN = {"notes/a.md": b"# T\n\none\n"}
OLD, MINE = b"# T\n\none\n", b"# T\n\ntwo\n"


def item(action: Action, **how: Any) -> ChangeItem:
    return msgspec.structs.replace(ChangeItem(path="notes/a.md", action=action), **how)


@pytest.mark.parametrize(
    ("change", "before", "base", "onto", "reason"),
    [
        (item(Action.CREATE, content_digest="m"), {}, {}, {}, ""),
        (item(Action.CREATE, content_digest="m"), {}, {"notes/a.md": OLD}, {"notes/a.md": OLD}, "AlreadyExists"),
        (item(Action.UPSERT, content_digest="m"), {}, {}, {}, ""),
        (item(Action.UPSERT, content_digest="m"), {"notes/a.md": OLD}, {"notes/a.md": OLD}, {"notes/a.md": OLD}, ""),
        (item(Action.UPDATE, content_digest="m"), {}, {}, {}, "NotFound"),
        (item(Action.DELETE), {}, {}, {}, "NotFound"),
        (item(Action.RENAME, new_path="b"), {}, {}, {}, "NotFound"),
        (item(Action.UPDATE, content_digest="m", base_digest="x"), SEEN, SEEN, {}, "BaseDigestMismatch"),
        (item(Action.UPDATE, content_digest="m", base_digest=sha256_digest(OLD)), SEEN, SEEN, SEEN, ""),
        # Gone since it was seen: at the base already, or only at the tip.
        (item(Action.UPDATE, content_digest="m"), {"notes/a.md": OLD}, {}, {}, "DeletedSince"),
        (item(Action.UPDATE, content_digest="m"), {"notes/a.md": OLD}, {"notes/a.md": OLD}, {}, "DeletedSince"),
        (item(Action.RENAME, new_path="b"), {"notes/a.md": OLD}, {"notes/a.md": OLD}, {}, "DeletedSince"),
        (item(Action.RENAME, new_path="b"), {"notes/a.md": OLD}, {"notes/a.md": OLD}, {"notes/a.md": OLD, "b": OLD},
         "AlreadyExists"),
        # Two who delete the same agree.
        (item(Action.DELETE), {"notes/a.md": OLD}, {"notes/a.md": OLD}, {}, ""),
    ],
)  # fmt: skip
def test_an_action_is_what_it_says_or_a_conflict(
    change: ChangeItem, before: Mapping[str, bytes], base: Mapping[str, bytes], onto: Mapping[str, bytes], reason: str
) -> None:
    found = carried(change, {"m": MINE}, observed=before, base=base, onto=onto)
    assert [one.reason for one in found.conflicts] == ([reason] if reason else [])


def test_only_what_differs_is_changed() -> None:
    same = carried(item(Action.UPSERT, content_digest="m"), {"m": OLD}, observed={}, base={}, onto={"notes/a.md": OLD})
    assert same.changed == {}
    moved = carried(
        item(Action.RENAME, new_path="b"),
        {},
        observed={"notes/a.md": OLD},
        base={"notes/a.md": OLD},
        onto={"notes/a.md": OLD},
    )
    assert moved.changed == {"notes/a.md": None, "b": OLD}
