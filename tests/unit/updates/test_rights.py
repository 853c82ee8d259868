"""Which paths a proposer may change."""

from __future__ import annotations

import itertools

import pytest

from krate_gitops.brain.model import FileClass
from krate_gitops.updates.model import Action, Proposer, UpdateKind
from krate_gitops.updates.rights import Area, Right, area_of, right_to

AGENT, USER, CONTROLLER = (Proposer(kind, "somebody") for kind in ("Agent", "User", "Controller"))
WRITES = (Action.CREATE, Action.UPDATE, Action.UPSERT, Action.DELETE, Action.RENAME)

CONTENT = (
    "graph/services/a.yaml", "runbooks/payments/a.md", "notes/investigations/a.md", "pages/customers/a.md",
    "decisions/a.md", "babysitter/MEMORY.md", "babysitter/retrospectives/r1.md", "babysitter/process-notes/p.md",
    "README.md",
)  # fmt: skip
RUN_MEMORY = ("babysitter/runs/r1/run.yaml", "babysitter/runs/r1/journal/000001.yaml", "babysitter/sessions/2026/a.md")
DERIVED = ("indexes/graph.json", "indexes/sub/x")
OUTSIDE = (
    ".github/workflows/ci.yml",
    "src/main.py",
    "Makefile",
    "babysitter/other.bin",
    "x.md",
    "notes/.gitkeep",
    "notes/a.png",
)


def test_every_path_has_an_area() -> None:
    assert {area_of(path) for path in CONTENT} == {Area.CONTENT}
    assert {area_of(path) for path in RUN_MEMORY} == {Area.RUN_MEMORY}
    assert {area_of(path) for path in DERIVED} == {Area.DERIVED}
    assert {area_of(path) for path in OUTSIDE} == {Area.OUTSIDE}
    assert area_of("ontology/node-kinds.yaml") is Area.ONTOLOGY


@pytest.mark.parametrize("path", CONTENT)
def test_records_notes_and_pages_are_everybodys(path: str) -> None:
    for proposer, action in itertools.product((AGENT, USER, CONTROLLER), WRITES):
        assert right_to(path, action, proposer=proposer) == Right(True)


def test_the_ontology_is_changed_by_people_who_may_and_looked_at_by_a_memory_owner() -> None:
    path = "ontology/node-kinds.yaml"
    for action in WRITES:
        assert not right_to(path, action, proposer=AGENT).allowed
        assert right_to(path, action, proposer=USER) == Right(True, memory_owner=True)
        refused = right_to(path, action, proposer=USER, may_change_ontology=False)
        assert (refused.allowed, refused.reason) == (False, "this needs memory.ontology.manage")
        assert not right_to(path, action, proposer=AGENT, kind=UpdateKind.TRUSTED_MAINTENANCE, trusted=["x"]).allowed


@pytest.mark.parametrize("path", RUN_MEMORY)
def test_run_memory_comes_by_import_and_is_taken_back_by_people(path: str) -> None:
    for action in WRITES:
        assert not right_to(path, action, proposer=AGENT).allowed
        assert right_to(path, action, proposer=CONTROLLER, is_import=True) == Right(True)
    for action in (Action.DELETE, Action.UPDATE):
        assert right_to(path, action, proposer=USER) == Right(True, memory_owner=True)
    for action in (Action.CREATE, Action.UPSERT, Action.RENAME):
        assert not right_to(path, action, proposer=USER).allowed
    # What a revert puts back was there.
    for action in WRITES:
        assert right_to(path, action, proposer=USER, kind=UpdateKind.REVERT) == Right(True, memory_owner=True)
        assert not right_to(path, action, proposer=AGENT, kind=UpdateKind.REVERT).allowed


def test_a_trusted_workflow_is_one_that_the_owner_names() -> None:
    path = RUN_MEMORY[0]
    named = Proposer("Agent", "cleaner")
    for proposer, kind, trusted, allowed in (
        (named, UpdateKind.TRUSTED_MAINTENANCE, ["cleaner"], True),
        (named, UpdateKind.TRUSTED_MAINTENANCE, ["other"], False),
        (named, UpdateKind.TRUSTED_MAINTENANCE, [], False),
        (named, UpdateKind.PROPOSED_PR, ["cleaner"], False),
        (AGENT, UpdateKind.TRUSTED_MAINTENANCE, ["cleaner"], False),
    ):
        right = right_to(path, Action.CREATE, proposer=proposer, kind=kind, trusted=trusted)
        assert right == (Right(True, memory_owner=True) if allowed else Right(False, right.reason))


@pytest.mark.parametrize("path", [*DERIVED, *OUTSIDE])
def test_derived_files_and_what_is_no_part_of_a_brain_are_nobodys(path: str) -> None:
    kinds = [kind for kind in UpdateKind if kind is not UpdateKind.REVERT or path in DERIVED]
    for proposer, action, kind in itertools.product((AGENT, USER, CONTROLLER), WRITES, kinds):
        refused = right_to(path, action, proposer=proposer, kind=kind, trusted=["somebody"], is_import=True)
        assert not refused.allowed
        assert refused.reason


def test_a_foreign_brain_says_itself_what_its_files_are() -> None:
    def foreign(path: str) -> FileClass:
        return FileClass.NOTE if path.startswith("docs/") else FileClass.IGNORED

    assert right_to("docs/a.md", Action.CREATE, proposer=AGENT, classify=foreign) == Right(True)
    assert not right_to("graph/a.yaml", Action.CREATE, proposer=AGENT, classify=foreign).allowed
    assert not right_to("indexes/a", Action.CREATE, proposer=AGENT, classify=foreign).allowed
