"""Passes over a connection that breaks: they converge, create nothing twice, and wait as they are told."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from krate_gitops.cluster.client.api import open_api
from krate_gitops.cluster.client.connection import Connection
from krate_gitops.errors import KrateError
from krate_gitops.reconcile.controller.schedule import Retry, retry_of
from krate_gitops.reconcile.opening import find_source
from krate_gitops.reconcile.outcome import Outcome
from krate_gitops.reconcile.run_pass import run_pass
from krate_gitops.reconcile.tools import Tools
from tests.api_servers import faulty_api_server
from tests.clusters import World
from tests.controllers import eventually, reconciling
from tests.faults import (
    Fault,
    FaultProxy,
    black_hole,
    close_behind,
    cut_before,
    cut_within,
    hold,
    lose_answer,
    refusal,
)

WRITE, TRIAL = "fieldManager=krate-gitops&", "dryRun=All"
CONFLICT = {"reason": "FieldManagerConflict", "message": 'conflict with "operator"', "field": ".spec.promptFragment"}


class Faulty:
    """A world whose passes go through a proxy; everything else goes straight to the cluster."""

    def __init__(self, world: World, connection: Connection, proxy: FaultProxy) -> None:
        self.world, self.connection, self.proxy = world, connection, proxy
        self.path = f"/namespaces/{world.namespace}/agentcontextlabels"

    def reconcile(self) -> Outcome:
        """One pass."""
        world = self.world
        world.tools = {}

        async def work() -> Outcome:
            async with open_api(self.connection) as api:
                source = await find_source(api, f"{world.namespace}/main", organization=world.slug)
                tools = Tools(api=api, settings=world.settings, repository=str(world.repo.path))
                return await run_pass(tools, source)

        return asyncio.run(work())

    def inject(self, fault: Fault, *, real: bool = True, name: str = "a") -> None:
        """Lets it happen to the next write of an object, or to its dry run."""
        self.proxy.inject(fault, method="PATCH", path=f"{self.path}/{name}", skip=1 if real else 0)


@pytest.fixture
def faulty(world: World, kubeconfig: Path) -> Iterator[Faulty]:
    """A source with two labels that nobody has applied yet."""
    world.commit({"a.yaml": world.text(world.label("a"), world.label("b"))})
    world.install()
    with faulty_api_server(kubeconfig) as (connection, proxy):
        yield Faulty(world, connection, proxy)


def converges(faulty: Faulty) -> None:
    for _ in range(3):
        outcome = faulty.reconcile()
        if outcome.counts["unchanged"] == 2:
            break
    assert outcome.counts["unchanged"] == 2
    assert sorted(one["metadata"]["name"] for one in faulty.world.list("AgentContextLabel")) == ["a", "b"]
    assert faulty.world.inventory() == ["AgentContextLabel/a", "AgentContextLabel/b"]
    uids = {one["metadata"]["uid"] for one in faulty.world.list("AgentContextLabel")}
    assert {item["uid"] for item in faulty.world.source().status["inventory"]} == uids


QUOTA = 'agentcontextlabels "a" is forbidden: exceeded quota: objects'
WEBHOOK = 'Internal error occurred: failed calling webhook "check.example": timeout'


@pytest.mark.parametrize("real", [False, True], ids=["dry-run", "write"])
@pytest.mark.parametrize(
    "fault",
    [
        refusal(429, "TooManyRequests", retry_after=1),
        refusal(409, "Conflict", "the object has been modified"),
        refusal(503, "ServiceUnavailable"),
        refusal(500, "InternalError", WEBHOOK),
        refusal(403, "Forbidden", QUOTA),
        cut_before(),
        cut_within(),
        lose_answer(),
        close_behind(),
    ],
    ids=["429", "409", "503", "webhook", "quota", "cut-before", "cut-within", "lost-answer", "keep-alive-close"],
)
def test_what_breaks_once_is_made_good(faulty: Faulty, fault: Fault, real: bool) -> None:
    faulty.inject(fault, real=real)
    faulty.reconcile()
    assert [one.fault for one in faulty.proxy.requests("PATCH", faulty.path) if one.fault] == [fault.name]
    converges(faulty)


def test_a_wait_that_the_server_asks_for_is_kept(faulty: Faulty) -> None:
    faulty.inject(refusal(429, "TooManyRequests", retry_after=2))
    faulty.reconcile()
    asked = faulty.proxy.requests("PATCH", f"{faulty.path}/a")
    [position] = [number for number, one in enumerate(asked) if one.fault]
    assert asked[position + 1].at - asked[position].at >= 2


def test_a_conflict_of_managers_is_not_tried_again(faulty: Faulty) -> None:
    faulty.inject(refusal(409, "Conflict", "Apply failed with 1 conflict", causes=[CONFLICT]))
    outcome = faulty.reconcile()
    assert len(faulty.proxy.requests("PATCH", f"{faulty.path}/a")) == 2, "one dry run and one write"
    assert outcome.counts["held"] == 1
    assert outcome.counts["created"] == 1, "the rest of the plan goes on"
    assert faulty.world.condition("Applied") == ("False", "FieldConflict")


def test_a_status_that_could_not_be_written_is_made_good_by_the_next_pass(faulty: Faulty) -> None:
    path = f"/namespaces/{faulty.world.namespace}/gitopssources/main/status"
    # The inventory before the first write goes through; nothing after it does.
    faulty.proxy.inject(refusal(422, "Invalid", "no"), method="PATCH", path=path, skip=1, times=float("inf"))
    with pytest.raises(KrateError):
        faulty.reconcile()
    assert len(faulty.world.list("AgentContextLabel")) == 2
    assert len(faulty.world.inventory()) == 2
    faulty.proxy.clear()
    converges(faulty)


def test_all_failures_of_the_dry_run_are_told(faulty: Faulty) -> None:
    for name in "ab":
        cause = {"field": "spec.promptFragment", "reason": "FieldValueInvalid", "message": f"bad {name}"}
        faulty.inject(refusal(422, "Invalid", f"bad {name}", causes=[cause]), real=False, name=name)
    outcome = faulty.reconcile()
    assert [one.code for one in outcome.stop.failures] == ["KR725", "KR725"]  # type: ignore[union-attr]
    assert faulty.world.list("AgentContextLabel") == []


@pytest.mark.parametrize(
    "fault", [refusal(410, "Expired", "too old resource version"), cut_within(), refusal(500, "InternalError")]
)
def test_a_broken_watch_is_made_good(faulty: Faulty, fault: Fault) -> None:
    world = faulty.world
    faulty.proxy.inject(fault, path="agentcontextlabels", query="watch=")
    with reconciling(world, faulty.connection):
        eventually(lambda: world.source().last_applied)
        eventually(lambda: [one for one in faulty.proxy.requests(query="watch=") if one.fault])
        eventually(lambda: len(faulty.proxy.requests(path="agentcontextlabels", query="watch=")) > 1)
        world.delete("AgentContextLabel", "a")
        eventually(lambda: world.get("AgentContextLabel", "a"))


def test_a_watch_of_sources_that_says_nothing_any_more_stops_no_pass(faulty: Faulty) -> None:
    world = faulty.world
    with reconciling(world, faulty.connection):
        eventually(lambda: world.source().last_applied)
        faulty.proxy.inject(black_hole(), path="gitopssources", query="watch=")
        faulty.proxy.cut_all()
        commit = world.commit({"a.yaml": world.text(world.label("a", "New."), world.label("b"))})
        eventually(lambda: [one for one in faulty.proxy.requests(query="watch=") if one.fault])
        world.patch("AgentContextLabel", "a", {"spec": {"promptFragment": "By hand."}})
        eventually(lambda: world.source().last_applied == commit)


def test_a_stage_that_takes_too_long_ends_the_pass(faulty: Faulty) -> None:
    faulty.world.patch("GitOpsSource", "main", {"spec": {"timeout": "1s"}})
    faulty.proxy.inject(hold(20), method="GET", path=faulty.path)
    outcome = faulty.reconcile()
    assert outcome.stop is not None
    assert outcome.stop.code == "STAGE_TIMEOUT"
    assert retry_of(outcome) is Retry.TRANSIENT
    assert faulty.world.condition("Applied") == ("False", "ApplyFailed")
    assert faulty.world.list("AgentContextLabel") == []
    converges(faulty)
