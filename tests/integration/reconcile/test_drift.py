"""What others do to our objects: healed, told, or held for a person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from krate_gitops.reconcile import planning
from krate_gitops.reconcile.fights import MOST_CORRECTIONS, Fights
from krate_gitops.reconcile.plan import Op
from tests.clusters import World


def fragment(world: World, name: str = "a") -> str:
    return str(world.get("AgentContextLabel", name)["spec"]["promptFragment"])  # type: ignore[index]


@pytest.fixture
def applied(world: World) -> World:
    """A source with two labels and an account in the cluster."""
    account = world.document(
        "AgentServiceAccount", "runner", {"namespace": world.namespace, "serviceAccountName": "runner"}
    )
    world.commit({"a.yaml": world.text(world.label("a"), world.label("b"), account)})
    world.install()
    assert world.reconcile().counts["created"] == 3
    return world


def test_an_object_that_was_deleted_by_hand_comes_back(applied: World) -> None:
    before = applied.get("AgentContextLabel", "a")["metadata"]["uid"]  # type: ignore[index]
    applied.delete("AgentContextLabel", "a")
    outcome = applied.reconcile()
    [step] = [one for one in outcome.draft.steps if one.is_drift]  # type: ignore[union-attr]
    assert (step.op, step.codes) == (Op.CREATE, ("KR740",))
    after = applied.get("AgentContextLabel", "a")["metadata"]["uid"]  # type: ignore[index]
    assert after != before
    recorded = {item["identity"]: item["uid"] for item in applied.source().status["inventory"]}
    assert after in recorded.values()
    assert before not in recorded.values()


def test_a_changed_value_comes_back_and_an_addition_is_told(applied: World) -> None:
    applied.patch("AgentContextLabel", "a", {"spec": {"promptFragment": "By hand.", "owner": "mallory"}})
    outcome = applied.reconcile()
    assert fragment(applied) == "Look at the logs first."
    foreign = [one for found in outcome.draft.foreign.values() for one in found]  # type: ignore[union-attr]
    assert [(one.field, one.manager) for one in foreign] == [("spec.owner", "kubectl-edit")]
    assert applied.reconcile().counts["unchanged"] == 3, "what is only told isn't corrected for ever"


def test_an_addition_goes_where_fields_of_people_are_taken_over(applied: World) -> None:
    applied.patch("GitOpsSource", "main", {"spec": {"apply": {"forceConflicts": True}}})
    applied.patch("AgentContextLabel", "a", {"spec": {"promptFragment": "By hand.", "owner": "mallory"}})
    applied.reconcile()
    live = applied.get("AgentContextLabel", "a")
    assert live is not None
    assert "owner" not in live["spec"]
    assert applied.reconcile().counts["unchanged"] == 3


def other_manager(world: World, text: str, *, force: bool = True) -> None:
    world.apply(
        {
            "apiVersion": "krate.a5c.ai/v1alpha1",
            "kind": "AgentContextLabel",
            "metadata": {"name": "a", "namespace": world.namespace},
            "spec": {"promptFragment": text, "organizationRef": world.slug, "allowedSources": ["job"]},
        },
        manager="operator",
        force=force,
    )


def test_a_conflict_names_field_and_manager_and_stops_nothing_else_kr721(applied: World) -> None:
    other_manager(applied, "Theirs.")
    applied.commit({"a.yaml": applied.text(applied.label("a", "Ours."), applied.label("b", "Changed."))})
    outcome = applied.reconcile()
    steps = {step.id.name: step for step in outcome.draft.steps}  # type: ignore[union-attr]
    assert steps["a"].codes == ("KR721",)
    assert "spec.promptFragment of operator" in steps["a"].reason
    assert fragment(applied) == "Theirs."
    assert fragment(applied, "b") == "Changed."
    assert applied.condition("Applied") == ("False", "FieldConflict")


def test_a_conflict_is_taken_over_where_the_source_says_so(applied: World) -> None:
    other_manager(applied, "Theirs.")
    applied.patch("GitOpsSource", "main", {"spec": {"apply": {"forceConflicts": True}}})
    applied.reconcile()
    assert fragment(applied) == "Look at the logs first."


def test_an_object_that_changed_since_it_was_planned_is_held_kr721(
    applied: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    applied.commit({"a.yaml": applied.text(applied.label("a", "Changed."), applied.label("b"))})
    honest = planning._dry_run

    async def racing(*arguments: Any) -> None:
        await honest(*arguments)
        import asyncio

        await asyncio.to_thread(
            applied.patch, "AgentContextLabel", "a", {"spec": {"promptFragment": "Meanwhile."}}, manager="krate-gitops"
        )

    monkeypatch.setattr(planning, "_dry_run", racing)
    outcome = applied.reconcile()
    assert fragment(applied) == "Meanwhile."
    [step] = [one for one in outcome.draft.steps if one.id.name == "a"]  # type: ignore[union-attr]
    assert (step.op, step.codes) == (Op.HOLD, ("KR721",))


def test_a_status_that_changed_since_is_no_reason_to_hold(applied: World, monkeypatch: pytest.MonkeyPatch) -> None:
    applied.commit({"a.yaml": applied.text(applied.label("a", "Changed."), applied.label("b"))})
    honest = planning._dry_run

    async def racing(*arguments: Any) -> None:
        await honest(*arguments)
        import asyncio

        await asyncio.to_thread(
            applied.patch, "AgentContextLabel", "a", {"status": {"phase": "Ready"}}, subresource="status"
        )

    monkeypatch.setattr(planning, "_dry_run", racing)
    applied.reconcile()
    assert fragment(applied) == "Changed."


def test_somebody_else_who_creates_the_object_first_keeps_it_kr721(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.commit({"a.yaml": world.text(world.label("a"))})
    world.install()
    honest = planning._dry_run

    async def racing(*arguments: Any) -> None:
        await honest(*arguments)
        import asyncio

        theirs = world.label("a", "Theirs.")
        theirs["metadata"]["namespace"] = world.namespace
        await asyncio.to_thread(world.create, theirs)

    monkeypatch.setattr(planning, "_dry_run", racing)
    outcome = world.reconcile()
    assert fragment(world) == "Theirs."
    assert outcome.counts["held"] == 1


def test_changed_rights_are_not_healed_in_silence(applied: World) -> None:
    applied.patch("AgentServiceAccount", "runner", {"spec": {"allowedRunnerPools": ["privileged"]}})
    outcome = applied.reconcile()
    assert applied.condition("DriftFree") == ("True", "InSync"), "an addition of others is foreign, not ours"
    del outcome
    applied.patch("AgentServiceAccount", "runner", {"spec": {"serviceAccountName": "cluster-admin"}})
    outcome = applied.reconcile()
    assert applied.condition("DriftFree") == ("False", "PrivilegedDrift")
    live = applied.get("AgentServiceAccount", "runner")
    assert live is not None
    assert live["spec"]["serviceAccountName"] == "cluster-admin"
    assert "NativeRbacDriftDetected" in [entry.type for entry in applied.audited]
    told = len(applied.audited)
    applied.reconcile()
    assert len(applied.audited) == told, "the same deviation is told once"
    [step] = [one for one in outcome.draft.steps if one.is_drift]  # type: ignore[union-attr]
    applied.annotate("AgentServiceAccount", "runner", drift_ack=step.before)
    applied.reconcile()
    live = applied.get("AgentServiceAccount", "runner")
    assert live is not None
    assert live["spec"]["serviceAccountName"] == "runner"
    assert applied.condition("DriftFree")[0] == "True"


def test_changed_rights_stop_no_later_commit(applied: World) -> None:
    applied.patch("AgentServiceAccount", "runner", {"spec": {"serviceAccountName": "cluster-admin"}})
    applied.commit({"b.yaml": applied.text(applied.label("c"))})
    outcome = applied.reconcile()
    assert outcome.counts["created"] == 1


def test_drift_is_only_told_where_healing_is_off(applied: World) -> None:
    applied.patch("GitOpsSource", "main", {"spec": {"syncPolicy": {"automated": {"selfHeal": False}}}})
    applied.patch("AgentContextLabel", "a", {"spec": {"promptFragment": "By hand."}})
    applied.reconcile()
    assert fragment(applied) == "By hand."
    assert applied.condition("DriftFree") == ("False", "DriftDetected")
    applied.commit({"a.yaml": applied.text(applied.label("a", "A new commit."), applied.label("b"))})
    applied.reconcile()
    assert fragment(applied) == "A new commit."


def test_a_fight_is_answered_more_slowly_and_told_once(applied: World) -> None:
    fights = Fights()
    now = datetime.now(UTC)
    corrected = 0
    for second in range(MOST_CORRECTIONS + 4):
        applied.patch("AgentContextLabel", "a", {"spec": {"promptFragment": f"By hand {second}."}})
        moment = now + timedelta(seconds=second)
        outcome = applied.reconcile(fights=fights, now=lambda moment=moment: moment)
        corrected += outcome.counts["updated"]
    assert corrected == MOST_CORRECTIONS + 1
    told = [one for one in applied.list("Event") if one["reason"] == "Fight"]
    assert len(told) == 1
    assert "spec.promptFragment" in told[0]["note"]
    assert "kubectl-edit" in told[0]["note"]
    applied.commit({"a.yaml": applied.text(applied.label("a"), applied.label("b", "Changed."))})
    outcome = applied.reconcile(fights=fights, now=lambda: now + timedelta(seconds=20))
    assert fragment(applied, "b") == "Changed.", "other objects are unaffected"
    outcome = applied.reconcile(fights=fights, now=lambda: now + timedelta(minutes=5))
    assert fragment(applied) == "Look at the logs first."
