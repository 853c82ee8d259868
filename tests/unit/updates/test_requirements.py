"""Whose approval an update needs."""

from __future__ import annotations

from typing import Any

import pytest

from krate_gitops.updates.model import Action, ChangeItem, Proposer, UpdateSpec, ValidationPolicy
from krate_gitops.updates.repository_policy import LOCAL, RepositoryPolicy
from krate_gitops.updates.requirements import Requirement, is_one_of, outstanding, required_reviews
from krate_gitops.updates.touched import RecordState

AGENT, USER, IMPORTS = Proposer("Agent", "ci"), Proposer("User", "ana"), Proposer("Controller", "imports")
POLICY = RepositoryPolicy(memory_owners=("user:mo", "team:memory"))
MEMBERS = {"team:core": ("user:dana", "user:ravi"), "team:memory": ("user:mia",)}
APPROVAL = Requirement(kind="approval")
MEMORY_OWNER = Requirement(kind="memory-owner", people=("user:mo", "user:mia"))


def spec(*paths: str, proposer: Proposer = AGENT, run: str | None = "adr-1", **how: Any) -> UpdateSpec:
    return UpdateSpec(
        organization_ref="acme", memory_repository="brain", proposer=proposer, source_run=run, target_branch="main",
        base_commit="1" * 40, branch_name="b",
        changes=tuple(ChangeItem(path=path, action=Action.UPDATE) for path in paths), **how,
    )  # fmt: skip


def state(name: str, *owners: str, status: str = "approved") -> dict[str, RecordState]:
    return {
        f"runbook:{name}": RecordState(
            f"runbook:{name}", "Runbook", f"runbooks/{name}.md", status=status, owners=owners
        )
    }


OLD = state("a", status="deprecated")


def needed(
    change: UpdateSpec, before: Any = None, after: Any = None, policy: RepositoryPolicy = POLICY, **how: Any
) -> tuple[Requirement, ...]:
    told = {"has_waivers": False, "members": MEMBERS} | how
    return required_reviews(change, policy, before=before or {}, after=after or before or {}, **told)


def owner(name: str, *people: str) -> Requirement:
    return Requirement(kind="owner", subject=f"runbook:{name}", people=people)


def test_every_update_needs_an_approval() -> None:
    assert needed(spec("notes/n.md")) == (APPROVAL,)
    assert needed(spec("notes/n.md"), extra_reviewers=1) == (Requirement(kind="approval", count=2),)


def test_each_touched_record_needs_one_of_its_owners_at_the_base() -> None:
    before = state("a", "team:core") | state("b", "user:bo", "team:core")
    found = needed(
        spec("runbooks/a.md", "runbooks/b.md"), before, after=state("a", "user:eve") | state("b", "user:eve")
    )
    assert found == (APPROVAL, owner("a", "user:dana", "user:ravi"), owner("b", "user:bo", "user:dana", "user:ravi"))


def test_owners_that_a_change_brings_have_no_say() -> None:
    assert needed(spec("runbooks/new.md"), {}, after=state("new", "user:eve")) == (APPROVAL,)


def test_a_person_may_leave_owners_out_where_the_update_says_so_and_an_agent_may_not() -> None:
    relaxed = ValidationPolicy(require_owner_review=False)
    before = state("a", "user:bo")
    assert needed(spec("runbooks/a.md", proposer=USER, validation_policy=relaxed), before) == (APPROVAL,)
    assert needed(spec("runbooks/a.md", validation_policy=relaxed), before) == (APPROVAL, owner("a", "user:bo"))


def test_a_team_whose_members_nobody_knows_can_not_be_asked() -> None:
    assert needed(spec("runbooks/a.md"), state("a", "team:unknown")) == (APPROVAL,)
    assert needed(spec("runbooks/a.md"), state("a", "team:unknown", "user:bo")) == (APPROVAL, owner("a", "user:bo"))


@pytest.mark.parametrize(
    ("paths", "proposer", "run", "before", "after", "waivers", "is_needed"),
    [
        (("ontology/node-kinds.yaml",), USER, None, {}, {}, False, True),
        (("babysitter/runs/r/run.yaml",), USER, None, {}, {}, False, True),
        (("babysitter/sessions/a.md",), USER, None, {}, {}, False, True),
        (("babysitter/runs/r/run.yaml",), IMPORTS, "import-84e2a91f33d6", {}, {}, False, False),
        (("ontology/node-kinds.yaml",), IMPORTS, "import-84e2a91f33d6", {}, {}, False, True),
        # An agent is no importer, whatever its run is called.
        (("babysitter/runs/r/run.yaml",), AGENT, "import-84e2a91f33d6", {}, {}, False, True),
        (("runbooks/a.md",), AGENT, "r", state("a", status="deprecated"), state("a"), False, True),
        (("runbooks/a.md",), AGENT, "r", OLD, OLD, False, False),
        (("runbooks/a.md",), AGENT, "r", state("a", status="deprecated"), state("a", status="archived"), False, False),
        (("runbooks/a.md",), AGENT, "r", state("a", status="draft"), state("a"), False, False),
        (("runbooks/a.md",), AGENT, "r", state("a", status="deprecated"), {}, False, False),
        # A lowered sensitivity and a forbidden step of the lifecycle come as findings that an owner may waive.
        (("runbooks/a.md",), AGENT, "r", state("a"), state("a"), True, True),
        (("notes/n.md", "babysitter/MEMORY.md"), AGENT, "r", {}, {}, False, False),
    ],
)  # fmt: skip
def test_a_memory_owner_looks_at_what_is_dangerous(
    paths: tuple[str, ...], proposer: Proposer, run: str | None, before: Any, after: Any, waivers: bool, is_needed: bool
) -> None:
    found = required_reviews(
        spec(*paths, proposer=proposer, run=run),
        POLICY,
        before=before,
        after=after,
        members=MEMBERS,
        has_waivers=waivers,
    )
    assert [one for one in found if one.kind == "memory-owner"] == [MEMORY_OWNER] * is_needed


def test_a_rename_into_the_ontology_needs_a_memory_owner_too() -> None:
    moved = ChangeItem(path="notes/a.md", action=Action.RENAME, new_path="ontology/a.yaml")
    change = spec("notes/n.md", proposer=USER)
    assert MEMORY_OWNER in needed(
        UpdateSpec(**{n: getattr(change, n) for n in change.__struct_fields__} | {"changes": (moved,)})
    )


def test_without_memory_owners_whoever_may_approve_is_one() -> None:
    found = needed(spec("ontology/x.yaml", proposer=USER), policy=LOCAL)
    assert found == (APPROVAL, Requirement(kind="memory-owner"))
    assert outstanding(found, ["anybody"]) == ()


def test_a_memory_team_of_unknown_members_is_met_by_nobody_else() -> None:
    policy = RepositoryPolicy(memory_owners=("team:unknown",))
    found = needed(spec("ontology/x.yaml", proposer=USER), policy=policy)
    assert outstanding(found, ["zoe"])


def test_one_person_can_meet_several_requirements_and_each_is_met_by_as_many_as_it_counts() -> None:
    wanted = (Requirement(kind="approval", count=2), owner("a", "user:dana", "user:ravi"), MEMORY_OWNER)
    assert outstanding(wanted, []) == wanted
    assert outstanding(wanted, ["dana <dana@x>"]) == (wanted[0], MEMORY_OWNER)
    assert outstanding(wanted, ["dana <dana@x>", "dana <dana@x>"]) == (wanted[0], MEMORY_OWNER)
    assert outstanding(wanted, ["dana <dana@x>", "dana", "DANA <d@y>"]) == (wanted[0], MEMORY_OWNER)
    assert outstanding(wanted, ["dana <dana@x>", "mia"]) == ()


@pytest.mark.parametrize(
    ("actor", "named", "same"),
    [
        ("dana", "user:dana", True),
        ("Dana <dana@acme.example>", "user:dana", True),
        ("Dana Berg <d@x>", "user:dana-berg", True),
        ("Dana Berg <dana@acme.example>", "dana@acme.example", True),
        ("Dana <d@x>", "Dana <other@x>", True),
        ("eve <dana@acme.example>", "user:dana", False),
        ("dana.berg", "user:dana", False),
        ("danab", "user:dana", False),
        ("dana", "", False),
        ("", "", False),
        ("< >", "< >", False),
        ("ravi <x@y>", "user:dana", False),
    ],
)  # fmt: skip
def test_people_are_known_by_name_or_address(actor: str, named: str, same: bool) -> None:
    assert is_one_of(actor, (named,)) is same


def test_what_every_run_is_told_belongs_to_the_memory_owners() -> None:
    shared = Requirement(kind="owner", subject="babysitter/MEMORY.md", people=MEMORY_OWNER.people)
    assert needed(spec("babysitter/MEMORY.md")) == (APPROVAL, shared)
    assert needed(spec("babysitter/MEMORY.md"), policy=LOCAL) == (APPROVAL,)
