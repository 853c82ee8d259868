"""Health of what was applied: a status of an earlier generation says nothing about the present one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.clusters import World


def label(world: World, text: str) -> str:
    return world.text(world.label("a", text))


def report_ready(world: World) -> None:
    """What a controller of the kind does once it has looked at the object."""
    live = world.get("AgentContextLabel", "a")
    assert live is not None
    generation = live["metadata"]["generation"]
    ready = {
        "type": "Ready", "status": "True", "reason": "Ready", "message": "",
        "observedGeneration": generation, "lastTransitionTime": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    status = {"status": {"observedGeneration": generation, "conditions": [ready]}}
    world.patch("AgentContextLabel", "a", status, subresource="status")


def test_a_ready_condition_of_an_earlier_generation_is_stale(world: World) -> None:
    world.commit({"a.yaml": label(world, "One.")})
    world.install()
    world.reconcile()
    assert world.condition("Healthy") == ("False", "Progressing")
    report_ready(world)
    world.reconcile()
    assert world.condition("Healthy") == ("True", "Healthy")
    assert world.condition("Ready")[0] == "True"
    world.commit({"a.yaml": label(world, "Two.")})
    world.reconcile()
    assert world.condition("Healthy") == ("False", "Progressing"), "nobody reacted to the change"
    assert world.condition("Ready") == ("False", "Progressing")


def test_what_nobody_reacts_to_is_degraded_after_the_timeout(world: World) -> None:
    world.commit({"a.yaml": label(world, "One.")})
    world.install(healthTimeout="2m")
    world.reconcile()
    world.reconcile(now=lambda: datetime.now(UTC) + timedelta(minutes=1))
    assert world.condition("Healthy") == ("False", "Progressing")
    world.reconcile(now=lambda: datetime.now(UTC) + timedelta(minutes=3))
    assert world.condition("Healthy") == ("False", "ObjectsDegraded")
