"""What is removed, and all that must not be."""

from __future__ import annotations

from typing import Any

import pytest

from krate_gitops.reconcile.plan import Op
from krate_gitops.reconcile.prune import guard, hold_dependents, left_over
from krate_gitops.reconcile.source import Source
from krate_gitops.resources.desired import Desired
from tests.unit.reconcile.world import desired, item_of, live_of, source, types_of

MAIN = source()


def left(one: Desired, live: dict[str, Any] | None, *, by: Source = MAIN, **more: Any) -> Any:
    lived = {one.id: live} if live is not None else {}
    return left_over(by, (), lived, {one.id: item_of(one)}, types_of(one), **more)


def test_what_is_ours_and_not_wanted_is_pruned() -> None:
    one = desired()
    [step] = left(one, live_of(one, MAIN)).steps
    assert step.op is Op.PRUNE


def test_what_is_wanted_stays() -> None:
    one = desired()
    found = left_over(MAIN, {one.id}, {one.id: live_of(one, MAIN)}, {one.id: item_of(one)}, types_of(one))
    assert (found.steps, found.gone) == ([], {})


def test_what_is_not_there_is_gone() -> None:
    one = desired()
    assert left(one, None).gone == {one.id: ""}


def test_a_kind_that_is_not_served_any_more_counts_as_gone() -> None:
    one = desired()
    assert left_over(MAIN, (), {}, {one.id: item_of(one)}, {}).gone == {one.id: ""}


def test_another_object_of_the_name_is_let_go() -> None:
    one = desired()
    found = left(one, live_of(one, MAIN, uid="another"))
    assert found.steps == []
    assert "replaced" in found.gone[one.id]


def test_an_object_of_another_source_is_let_go() -> None:
    one = desired()
    other = source(name="other", uid="other-uid")
    assert "somebody else" in left(one, live_of(one, other)).gone[one.id]


def test_an_object_that_another_source_of_the_commit_takes_is_let_go() -> None:
    one = desired()
    assert "another source" in left(one, live_of(one, MAIN), released={one.id}).gone[one.id]


def test_without_a_recorded_uid_the_marks_decide() -> None:
    one = desired()
    inventory = {one.id: item_of(one, uid="")}
    ours = left_over(MAIN, (), {one.id: live_of(one, MAIN)}, inventory, types_of(one))
    assert [step.op for step in ours.steps] == [Op.PRUNE]
    never = left_over(MAIN, (), {one.id: live_of(one, None)}, inventory, types_of(one))
    assert never.steps == []


def test_one_object_under_two_groups_is_not_left_over() -> None:
    one = desired()
    live = live_of(one, MAIN)
    old = one.id._replace(group="old.example")
    inventory = {one.id: item_of(one), old: item_of(one)}
    types = {**types_of(one), ("old.example", one.id.kind): types_of(one)[one.id.group, one.id.kind]}
    found = left_over(MAIN, {one.id}, {one.id: live, old: live}, inventory, types)
    assert found.steps == []


@pytest.mark.parametrize("kind", ["Organization", "OrgNamespaceBinding"])
def test_some_kinds_are_never_pruned(kind: str) -> None:
    one = desired(kind)
    [step] = left(one, live_of(one, MAIN)).steps
    assert step.op is Op.SKIP


def test_a_memory_repository_with_snapshots_is_never_pruned() -> None:
    one = desired("AgentMemoryRepository", "brain")
    [step] = left(one, live_of(one, MAIN), has_snapshots=lambda name: name == "brain").steps
    assert step.op is Op.SKIP
    [step] = left(one, live_of(one, MAIN)).steps
    assert step.op is Op.PRUNE


def test_prune_disabled_keeps_an_object_kr732() -> None:
    one = desired()
    [step] = left(one, live_of(one, MAIN, annotations={"krate.a5c.ai/prune": "disabled"})).steps
    assert (step.op, step.codes) == (Op.SKIP, ("KR732",))


def test_a_terminating_object_is_told_and_not_deleted_again() -> None:
    one = desired()
    [step] = left(one, live_of(one, MAIN, deletionTimestamp="2026-01-01T00:00:00Z")).steps
    assert step.op is Op.SKIP
    assert "terminating since 2026-01-01" in step.reason


def test_pruning_that_is_off_keeps_everything() -> None:
    one = desired()
    off = source({"syncPolicy": {"automated": {"prune": False}}})
    [step] = left(one, live_of(one, off), by=off).steps
    assert step.op is Op.SKIP


def many(count: int) -> tuple[list[Any], dict[Any, Any]]:
    objects = [desired(name=f"x{number}") for number in range(count)]
    inventory = {one.id: item_of(one, uid=one.id.name) for one in objects}
    live = {one.id: live_of(one, MAIN, uid=one.id.name) for one in objects}
    return objects, {"live": live, "inventory": inventory, "types": types_of(*objects)}


@pytest.mark.parametrize(
    ("kept", "is_guarded"),
    [(20, False), (14, False), (10, False), (9, True), (0, True)],
)
def test_more_than_half_and_more_than_five_wait_for_an_approval(kept: int, is_guarded: bool) -> None:
    objects, world = many(20)
    wanted = {one.id for one in objects[:kept]}
    found = left_over(MAIN, wanted, world["live"], world["inventory"], world["types"])
    assert bool(guard(MAIN, found.steps, world["inventory"])) is is_guarded


def test_few_objects_need_no_approval_even_when_they_are_all() -> None:
    _, world = many(5)
    found = left_over(MAIN, (), world["live"], world["inventory"], world["types"])
    assert guard(MAIN, found.steps, world["inventory"]) == ""


def user(kind: str, name: str, spec: dict[str, Any], *, ready: str = "True") -> dict[str, Any]:
    status = {"conditions": [{"type": "Ready", "status": ready}]}
    return {"kind": kind, "metadata": {"name": name, "namespace": "krate-org-acme"}, "spec": spec, "status": status}


@pytest.mark.parametrize(
    ("using", "is_held"),
    [
        pytest.param(user("AgentStack", "s", {"toolProfileRef": "x"}), True, id="a ready stack"),
        pytest.param(user("AgentStack", "s", {"toolProfileRef": "x"}, ready="False"), False, id="a stack not ready"),
        pytest.param(user("AgentStack", "s", {"toolProfileRef": "y"}), False, id="of another object"),
        pytest.param(user("AgentStack", "s", {"skillRefs": ["x"]}), False, id="of another kind"),
    ],
)
def test_what_is_in_use_is_kept_kr731(using: dict[str, Any], is_held: bool) -> None:
    one = desired("AgentToolProfile")
    steps = left(one, live_of(one, MAIN)).steps
    hold_dependents(steps, [using])
    assert (steps[0].codes == ("KR731",)) is is_held


def test_a_stack_that_an_active_rule_starts_is_kept() -> None:
    one = desired("AgentStack")
    for state, is_held in (("active", True), ("draft", False)):
        steps = left(one, live_of(one, MAIN)).steps
        hold_dependents(steps, [user("AgentTriggerRule", "r", {"agentStack": "x", "lifecycleState": state})])
        assert (steps[0].codes == ("KR731",)) is is_held


def test_what_goes_together_goes() -> None:
    profile, stack = desired("AgentToolProfile"), desired("AgentStack", "s", spec={"toolProfileRef": "x"})
    live = {profile.id: live_of(profile, MAIN), stack.id: live_of(stack, MAIN, uid="stack")}
    inventory = {profile.id: item_of(profile), stack.id: item_of(stack, uid="stack")}
    steps = left_over(MAIN, (), live, inventory, types_of(profile, stack)).steps
    hold_dependents(steps, [user("AgentStack", "s", {"toolProfileRef": "x"})])
    assert [step.op for step in steps] == [Op.PRUNE, Op.PRUNE]
