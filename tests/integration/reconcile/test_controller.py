"""The controller: nobody asks it, and it reconciles."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from krate_gitops.reconcile.controller import controller as controller_module
from krate_gitops.reconcile.controller import schedule
from krate_gitops.reconcile.retire import APPROVED, FINALIZER
from tests.api_servers import faulty_api_server
from tests.clusters import ACCOUNT, World
from tests.controllers import Reconciling, eventually, lease, reconciling, set_lease
from tests.faults import at_that_moment, hold


def fragment(world: World, name: str = "a") -> str:
    live = world.get("AgentContextLabel", name)
    return str(live["spec"]["promptFragment"]) if live else ""


def ask(world: World, name: str = "main") -> None:
    world.annotate("GitOpsSource", name, reconcile_at=str(time.time_ns()))


@pytest.fixture
def running(world: World) -> Iterator[Reconciling]:
    """A controller, and a source with two labels that it has applied."""
    world.commit({"a.yaml": world.text(world.label("a"), world.label("b"))})
    with reconciling(world) as running:
        world.install()
        eventually(lambda: world.source().last_applied)
        yield running


def test_a_source_is_reconciled_without_being_asked(running: Reconciling) -> None:
    world = running.world
    assert fragment(world) == "Look at the logs first."
    assert world.condition("Applied") == ("True", "Applied")
    assert FINALIZER in world.source().value["metadata"]["finalizers"]
    assert eventually(lambda: world.source().status.get("nextAttemptAt"))


def test_a_new_commit_is_taken_up_when_somebody_asks(running: Reconciling) -> None:
    world = running.world
    commit = world.commit({"a.yaml": world.text(world.label("a", "New."), world.label("b"))})
    ask(world)
    eventually(lambda: world.source().last_applied == commit)
    assert fragment(world) == "New."


def test_a_new_commit_is_taken_up_after_the_interval(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = schedule.next_delay
    monkeypatch.setattr(controller_module, "next_delay", lambda *given, **named: honest(*given, **named) / 60)
    world.commit({"a.yaml": world.text(world.label("a"))})
    with reconciling(world):
        world.install(interval="1m")
        eventually(lambda: world.source().last_applied)
        commit = world.commit({"a.yaml": world.text(world.label("a", "New."))})
        eventually(lambda: world.source().last_applied == commit)
    assert fragment(world) == "New."


def test_an_object_that_was_changed_by_hand_is_healed(running: Reconciling) -> None:
    world = running.world
    world.patch("AgentContextLabel", "a", {"spec": {"promptFragment": "By hand."}})
    eventually(lambda: fragment(world) == "Look at the logs first.")


def test_an_object_that_was_deleted_by_hand_comes_back(running: Reconciling) -> None:
    world = running.world
    before = world.get("AgentContextLabel", "b")["metadata"]["uid"]  # type: ignore[index]
    world.delete("AgentContextLabel", "b")
    live = eventually(lambda: world.get("AgentContextLabel", "b"))
    assert live["metadata"]["uid"] != before


def test_a_suspended_source_is_left_alone_until_it_is_resumed(running: Reconciling) -> None:
    world = running.world
    world.patch("GitOpsSource", "main", {"spec": {"suspend": True}})
    eventually(lambda: world.source().status.get("phase") == "Suspended")
    world.patch("AgentContextLabel", "a", {"spec": {"promptFragment": "By hand."}})
    count = len(running.passes())
    ask(world)
    eventually(lambda: len(running.passes()) > count)
    assert fragment(world) == "By hand."
    world.patch("GitOpsSource", "main", {"spec": {"suspend": False}})
    eventually(lambda: fragment(world) == "Look at the logs first.")


def test_triggers_during_a_pass_make_exactly_one_more(world: World, kubeconfig: Path) -> None:
    world.commit({"a.yaml": world.text(world.label("a"))})
    with faulty_api_server(kubeconfig) as (connection, proxy), reconciling(world, connection) as running:
        world.install()
        eventually(lambda: world.source().last_applied)
        time.sleep(2)
        count = len(running.passes())
        path = f"/namespaces/{world.namespace}/agentcontextlabels"
        proxy.inject(hold(3), method="GET", path=path)
        ask(world)
        eventually(lambda: [one for one in proxy.requests("GET", path) if one.fault == "hold"])
        for _ in range(5):
            ask(world)
        eventually(lambda: len(running.passes()) == count + 2)
        time.sleep(2)
        assert len(running.passes()) == count + 2


def test_a_slow_source_does_not_delay_another_organization(world: World, kubeconfig: Path, tmp_path: Path) -> None:
    other = World(kubeconfig, tmp_path / "other")
    files = {"one/a.yaml": world.text(world.label("a")), "two/a.yaml": world.text(other.label("a"))}
    world.commit(files)
    with faulty_api_server(kubeconfig) as (connection, proxy):
        path = f"/namespaces/{world.namespace}/agentcontextlabels"
        proxy.inject(hold(15), method="GET", path=path, times=5)
        with reconciling(world, connection):
            world.install(path="one")
            eventually(lambda: proxy.requests("GET", path))
            other.install(path="two")
            eventually(lambda: other.source().last_applied)
            assert not world.source().last_applied
            proxy.clear()
            proxy.cut_all()


def beside(work: Callable[[], object]) -> None:
    """Does something in another thread, and waits: the one of the proxy has a loop of its own."""
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_who_lost_the_lease_stops_before_the_next_wave(world: World, kubeconfig: Path) -> None:
    world.commit({"a.yaml": two_waves(world)})

    def usurp() -> None:
        set_lease(world, holderIdentity="somebody-else", renewTime="2099-01-01T00:00:00.000000Z")

    with faulty_api_server(kubeconfig) as (connection, proxy):
        usurped = at_that_moment(before=lambda _: beside(usurp))
        path = f"/namespaces/{world.namespace}/agentserviceaccounts/runner"
        proxy.inject(usurped, method="PATCH", path=path, skip=1)
        with reconciling(world, connection) as running:
            world.install()
            eventually(running.passes)
            assert world.get("AgentServiceAccount", "runner") is not None
            assert world.get("AgentContextLabel", "a") is None
            assert world.condition("Applied") == ("False", "PartialApply")
            assert lease(world)["holderIdentity"] == "somebody-else"
            set_lease(world, holderIdentity="")
            eventually(lambda: world.get("AgentContextLabel", "a"))


def two_waves(world: World) -> str:
    account = world.document(
        "AgentServiceAccount", "runner", {"namespace": world.namespace, "serviceAccountName": "runner"}
    )
    return world.text(account, world.label("a"))


def test_a_pass_ends_after_its_wave_when_the_source_is_suspended(world: World, kubeconfig: Path) -> None:
    world.commit({"a.yaml": two_waves(world)})
    with faulty_api_server(kubeconfig) as (connection, proxy):
        path = f"/namespaces/{world.namespace}/agentserviceaccounts/runner"
        proxy.inject(hold(3), method="PATCH", path=path, skip=1)
        with reconciling(world, connection):
            world.install()
            eventually(lambda: len(proxy.requests("PATCH", path)) == 2)
            world.patch("GitOpsSource", "main", {"spec": {"suspend": True}})
            eventually(lambda: world.source().status.get("phase") == "Suspended")
            assert world.get("AgentServiceAccount", "runner") is not None
            assert world.get("AgentContextLabel", "a") is None


def test_a_controller_that_is_stopped_finishes_its_wave_and_reports(world: World, kubeconfig: Path) -> None:
    world.commit({"a.yaml": two_waves(world)})
    with faulty_api_server(kubeconfig) as (connection, proxy):
        path = f"/namespaces/{world.namespace}/agentserviceaccounts/runner"
        proxy.inject(hold(2), method="PATCH", path=path, skip=1)
        with reconciling(world, connection):
            world.install()
            eventually(lambda: len(proxy.requests("PATCH", path)) == 2)
    account = world.get("AgentServiceAccount", "runner")
    assert account is not None
    uids = [item.get("uid") for item in world.source().status["inventory"]]
    assert account["metadata"]["uid"] in uids
    assert world.get("AgentContextLabel", "a") is None
    assert world.condition("Applied") == ("False", "PartialApply")
    assert lease(world)["holderIdentity"] == ""


def test_the_lease_is_given_back_and_taken_over(world: World) -> None:
    with reconciling(world) as first:
        assert lease(world)["holderIdentity"] == first.holder
        second = Reconciling(world)
        second._thread.start()
        eventually(lambda: second.controller and second.controller.is_connected)
        time.sleep(2)
        assert second.controller is not None
        assert not second.controller.is_leading
    eventually(lambda: second.controller and second.controller.is_leading)
    assert lease(world)["holderIdentity"] == second.holder
    second.stop()
    assert lease(world)["holderIdentity"] == ""


def deleted(running: Reconciling) -> None:
    running.world.delete("GitOpsSource", "main")


def is_gone(world: World) -> bool:
    return world.get("GitOpsSource", "main") is None


def events(world: World, reason: str) -> list[dict[str, Any]]:
    return [one for one in world.list("Event") if one["reason"] == reason]


def test_a_deleted_source_leaves_its_objects_without_its_marks(running: Reconciling) -> None:
    world = running.world
    deleted(running)
    eventually(lambda: is_gone(world))
    for name in ("a", "b"):
        metadata = world.get("AgentContextLabel", name)["metadata"]  # type: ignore[index]
        marks = [key for key in {**metadata.get("labels", {}), **metadata.get("annotations", {})} if "gitops" in key]
        assert marks == []
    [told] = events(world, "ObjectsReleased")
    assert "AgentContextLabel" in told["note"]


def test_a_deleted_source_takes_its_objects_with_it_where_it_says_so(running: Reconciling) -> None:
    world = running.world
    world.patch("GitOpsSource", "main", {"spec": {"deletionPolicy": "Delete"}})
    deleted(running)
    eventually(lambda: is_gone(world))
    assert world.list("AgentContextLabel") == []


def test_the_guard_holds_a_deleted_source_until_it_is_approved(world: World) -> None:
    world.commit({"a.yaml": world.text(*(world.label(f"l{number}") for number in range(8)))})
    with reconciling(world):
        world.install(deletionPolicy="Delete")
        eventually(lambda: world.source().last_applied)
        world.delete("GitOpsSource", "main")
        eventually(lambda: world.condition("Pruned") == ("False", "PruneGuard"))
        assert len(world.list("AgentContextLabel")) == 8
        ask(world)
        time.sleep(2)
        assert len(events(world, "PruneGuard")) == 1, "told once"
        world.annotate("GitOpsSource", "main", approve_plan=APPROVED)
        eventually(lambda: is_gone(world))
    assert world.list("AgentContextLabel") == []


@pytest.mark.parametrize("policy", ["Orphan", "Delete"])
def test_a_source_whose_account_is_gone_ends_and_names_what_it_released(running: Reconciling, policy: str) -> None:
    world = running.world
    world.patch("GitOpsSource", "main", {"spec": {"deletionPolicy": policy}})
    world.delete("RoleBinding", ACCOUNT)
    world.delete("ServiceAccount", ACCOUNT)
    deleted(running)
    eventually(lambda: is_gone(world))
    [told] = events(world, "ObjectsReleased")
    assert "a" in told["note"]
    assert len(world.list("AgentContextLabel")) == 2


def test_a_commit_during_the_wait_for_health_is_taken_up_at_once(running: Reconciling) -> None:
    world = running.world
    assert world.condition("Healthy") == ("False", "Progressing"), "no controller has looked at the labels"
    commit = world.commit({"a.yaml": world.text(world.label("a", "New."), world.label("b"))})
    ask(world)
    eventually(lambda: world.source().last_applied == commit, patience=8)
