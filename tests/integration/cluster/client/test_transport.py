"""A real API server behind a proxy that breaks one thing at a time: everything converges, and nothing happens twice."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import pytest

from krate_gitops.cluster.client.api import Api
from krate_gitops.cluster.client.connection import Connection
from krate_gitops.cluster.client.failures import (
    ConflictError,
    FieldConflict,
    FieldConflictError,
    QuotaError,
    Relist,
    ReplacedError,
)
from tests.faults import (
    Fault,
    FaultProxy,
    answer,
    at_that_moment,
    black_hole,
    close_behind,
    cut_before,
    cut_within,
    lose_answer,
    refusal,
    replies,
)
from tests.integration.cluster.client.scripted import CONFIG_MAP, talk

Faults = tuple[Connection, FaultProxy]

WEBHOOK = 'Internal error occurred: failed calling webhook "w.example.com": connect: connection refused'
QUOTA = 'configmaps "x" is forbidden: exceeded quota: small, requested: configmaps=1, used: configmaps=1'


def manifest(namespace: str, name: str = "x", value: str = "1") -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": value}}


def applies_in_spite_of(fault: Fault, faults: Faults, namespace: str, *, requests: int = 2) -> FaultProxy:
    """Applies an object with the fault in the way, and checks that it is there as it was sent."""
    connection, proxy = faults
    proxy.inject(fault, method="PATCH")

    async def work(api: Api) -> None:
        applied = await api.apply(CONFIG_MAP, manifest(namespace), manager="me")
        live = await api.get(CONFIG_MAP, "x", namespace)
        assert live is not None
        assert live["data"] == {"a": "1"}
        assert live["metadata"]["uid"] == applied.object["metadata"]["uid"]
        assert live["metadata"]["resourceVersion"] == applied.object["metadata"]["resourceVersion"]

    talk(connection, work)
    assert len(proxy.requests("PATCH")) == requests
    return proxy


def test_429_is_waited_for_as_long_as_told(faults: Faults, namespace: str) -> None:
    fault = refusal(429, "TooManyRequests", "too many requests", retry_after=1)
    first, second = applies_in_spite_of(fault, faults, namespace).requests("PATCH")
    assert second.at - first.at >= 1.0


def test_409_of_a_plain_write_is_the_callers_to_solve(faults: Faults, namespace: str) -> None:
    connection, proxy = faults
    proxy.inject(
        refusal(409, "Conflict", "the object has been modified"), method="PATCH", query="fieldManager=me", skip=1
    )

    async def work(api: Api) -> dict[str, Any]:
        made = (await api.apply(CONFIG_MAP, manifest(namespace), manager="me")).object
        patch = {"metadata": {"resourceVersion": made["metadata"]["resourceVersion"]}, "data": {"a": "2"}}
        with pytest.raises(ConflictError):
            await api.merge_patch(CONFIG_MAP, "x", namespace, patch, manager="me")
        assert len(proxy.requests("PATCH")) == 2
        return await api.merge_patch(CONFIG_MAP, "x", namespace, patch, manager="me")

    assert talk(connection, work)["data"] == {"a": "2"}


def test_a_conflict_of_field_managers_is_told_and_not_tried_again(faults: Faults, namespace: str) -> None:
    connection, proxy = faults

    async def work(api: Api) -> tuple[FieldConflict, ...]:
        await api.apply(CONFIG_MAP, manifest(namespace), manager="other")
        with pytest.raises(FieldConflictError) as caught:
            await api.apply(CONFIG_MAP, manifest(namespace, value="2"), manager="me")
        forced = await api.apply(CONFIG_MAP, manifest(namespace, value="2"), manager="me", force=True)
        assert forced.object["data"] == {"a": "2"}
        return caught.value.conflicts

    assert talk(connection, work) == (FieldConflict(".data.a", "other"),)
    assert len(proxy.requests("PATCH")) == 3


def test_503_passes(faults: Faults, namespace: str) -> None:
    applies_in_spite_of(refusal(503, "ServiceUnavailable", "apiserver is shutting down"), faults, namespace)


def test_a_webhook_that_is_away_for_a_moment_passes(faults: Faults, namespace: str) -> None:
    applies_in_spite_of(refusal(500, "InternalError", WEBHOOK), faults, namespace)


@pytest.mark.parametrize("fault", [cut_before(), lose_answer(), cut_within()], ids=lambda fault: fault.name)
def test_a_cut_connection_costs_one_more_request(fault: Fault, faults: Faults, namespace: str) -> None:
    applies_in_spite_of(fault, faults, namespace)


def test_a_kept_connection_that_the_server_closed_is_replaced(faults: Faults, namespace: str) -> None:
    proxy = applies_in_spite_of(close_behind(), faults, namespace, requests=1)
    assert len({one.connection for one in proxy.seen}) == 2


@pytest.mark.parametrize("fault", [cut_before(), lose_answer(), cut_within()], ids=lambda fault: fault.name)
def test_nothing_is_created_twice(fault: Fault, faults: Faults, namespace: str) -> None:
    connection, proxy = faults
    proxy.inject(fault, method="POST", path="/configmaps")

    async def work(api: Api) -> None:
        made = await api.create(CONFIG_MAP, manifest(namespace), manager="me")
        live = await api.get(CONFIG_MAP, "x", namespace)
        assert live is not None
        assert live["metadata"]["uid"] == made["metadata"]["uid"]

    talk(connection, work)
    sent = [one for one in proxy.requests("POST", "/configmaps") if one.fault != "cut before"]
    assert len(sent) == 1


def test_a_quota_is_told_and_not_tried_again(faults: Faults, namespace: str) -> None:
    connection, proxy = faults
    proxy.inject(refusal(403, "Forbidden", QUOTA), method="PATCH")
    with pytest.raises(QuotaError):
        talk(connection, lambda api: api.apply(CONFIG_MAP, manifest(namespace), manager="me"))
    assert len(proxy.requests("PATCH")) == 1


async def _names(
    api: Api, namespace: str, wanted: int, version: str, act: Callable[[], Any], quiet: float
) -> list[str]:
    """The names of the next events after ``act``."""
    got: list[str] = []
    async with aclosing(api.watch(CONFIG_MAP, namespace, resource_version=version, quiet=quiet)) as events:
        reading = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0.1)
        await act()
        while len(got) < wanted:
            event = await asyncio.wait_for(reading, 20)
            got.append(event.object["metadata"]["name"])
            if len(got) < wanted:
                reading = asyncio.ensure_future(anext(events))
    return got


def test_an_object_that_is_replaced_between_read_and_delete_lives(
    faults: Faults, cluster: Connection, namespace: str
) -> None:
    connection, proxy = faults
    made = talk(connection, lambda api: api.create(CONFIG_MAP, manifest(namespace), manager="me"))

    async def replace(api: Api) -> None:
        await api.delete(CONFIG_MAP, "x", namespace)
        await api.create(CONFIG_MAP, manifest(namespace, value="other"), manager="other")

    proxy.inject(at_that_moment(before=lambda _: in_thread(lambda: talk(cluster, replace))), method="DELETE")
    with pytest.raises(ReplacedError):
        talk(connection, lambda api: api.delete(CONFIG_MAP, "x", namespace, uid=made["metadata"]["uid"]))
    live = talk(connection, lambda api: api.get(CONFIG_MAP, "x", namespace))
    assert live is not None
    assert live["data"] == {"a": "other"}


def in_thread(work: Callable[[], object]) -> None:
    """The proxy's own thread already runs an event loop."""
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_a_version_that_a_watch_lost_means_to_list_again(faults: Faults, namespace: str) -> None:
    connection, proxy = faults
    gone = {"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}}
    proxy.inject(replies(answer(200, gone), "410"), query="watch=1")

    async def work(api: Api) -> list[str]:
        listing = await api.list(CONFIG_MAP, namespace)
        with pytest.raises(Relist):
            await anext(aiter(api.watch(CONFIG_MAP, namespace, resource_version=listing.resource_version)))
        listing = await api.list(CONFIG_MAP, namespace)

        async def act() -> None:
            await api.apply(CONFIG_MAP, manifest(namespace, "after"), manager="me")

        return await _names(api, namespace, 1, listing.resource_version, act, quiet=20)

    assert talk(connection, work) == ["after"]


def test_a_watch_that_died_silently_loses_nothing(faults: Faults, namespace: str) -> None:
    connection, proxy = faults
    proxy.inject(black_hole(), query="watch=1")

    async def work(api: Api) -> list[str]:
        listing = await api.list(CONFIG_MAP, namespace)

        async def act() -> None:
            for name in ("a", "b"):
                await api.apply(CONFIG_MAP, manifest(namespace, name), manager="me")

        return await _names(api, namespace, 2, listing.resource_version, act, quiet=1.5)

    assert talk(connection, work) == ["a", "b"]
    assert len(proxy.requests(query="watch=1")) >= 2


def test_many_applies_converge_through_every_fault_at_once(faults: Faults, namespace: str) -> None:
    connection, proxy = faults
    broken = [
        refusal(429, "TooManyRequests", retry_after=1),
        refusal(503, "ServiceUnavailable"),
        refusal(500, "InternalError", WEBHOOK),
        cut_before(),
        lose_answer(),
        cut_within(),
        close_behind(),
    ]
    for position, fault in enumerate(broken):
        proxy.inject(fault, method="PATCH", skip=5 * position)
    names = [f"object-{number}" for number in range(60)]

    async def work(api: Api) -> None:
        await asyncio.gather(*(api.apply(CONFIG_MAP, manifest(namespace, name), manager="me") for name in names))
        listing = await api.list(CONFIG_MAP, namespace, page=25)
        assert sorted(one["metadata"]["name"] for one in listing.items if one["metadata"]["name"] in names) == sorted(
            names
        )
        assert listing.pages >= 3
        assert api.calls.requests["apply"] == len(names) + api.calls.retries["apply"]

    talk(connection, work, concurrency=4)
    assert {one.fault for one in proxy.seen} >= {fault.name for fault in broken}
