"""The API client beside the official one and a plain loop, all against the same server that answers at once."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import urllib3

from krate_gitops.cluster.client.api import Api, open_api
from krate_gitops.cluster.client.connection import Connection
from krate_gitops.cluster.client.credentials import Credentials
from krate_gitops.cluster.client.kinds import ResourceType
from krate_gitops.cluster.client.parallel import in_parallel
from tests.bench.measure import ratios, spread
from tests.bench.plan import Plan
from tests.bench.processes import TOP
from tests.bench.report import Check, Section, Table, Unit, show

MOST_APPLY = 0.75
MOST_LIST = 0.5
_TOKEN = "Bearer bench"
_IN_FLIGHT = 16
_LISTED = 2_000

ROLE = ResourceType("rbac.authorization.k8s.io", "v1", "Role", "roles", True)
_PATH = "/apis/rbac.authorization.k8s.io/v1/namespaces/team/roles"
_QUERY = "?fieldManager=bench&fieldValidation=Strict"
_HEADERS = {"Authorization": _TOKEN, "Content-Type": "application/apply-patch+yaml", "Accept": "application/json"}

Run = Callable[[str, int], None]


class Took(NamedTuple):
    """Seconds for one request: of the clock, and of this process's processor time."""

    clock: float
    busy: float


def measure(plan: Plan) -> Section:
    """How much of a request is the client, and what the official package would cost."""
    requests = 300 * plan.sizes.repetitions
    rounds = plan.sizes.repetitions + 2
    applied = _measured(plan, APPLIERS, json.dumps(_role("x")).encode(), requests, rounds)
    listed = _measured(plan, LISTERS, json.dumps(_listing()).encode(), plan.sizes.repetitions, rounds)
    mine, peer, asynchronous = ([one.busy for one in applied[name]] for name in (OWN, OFFICIAL, OFFICIAL_ASYNC))
    lists, peer_lists = ([one.busy for one in listed[name]] for name in (OWN, OFFICIAL))
    checks = (
        Check(f"server-side apply, by `{OFFICIAL}`", Unit.TIMES, ratios(mine, peer), MOST_APPLY),
        Check(f"server-side apply, by `{OFFICIAL_ASYNC}`", Unit.TIMES, ratios(mine, asynchronous), MOST_APPLY),
        Check(f"list of {_LISTED:,} objects, by `{OFFICIAL}`", Unit.TIMES, ratios(lists, peer_lists), MOST_LIST),
    )
    return Section(
        title="API client",
        requirement=(
            "The project's own client takes at most three quarters of the official one's processor time for a "
            "server-side apply, and half of it for a list."
        ),
        method=(
            f"A server that answers everything with the same object, in a process of its own; clients in turn, "
            f"{rounds} rounds of {requests:,} applies of a Role with 20 rules, and of lists of {_LISTED:,} such Roles. "
            f"The own client and the asynchronous official one have {_IN_FLIGHT} requests under way. Processor time is "
            "that of the client's process; the checks are of it, since the clock also tells what else the machine did."
        ),
        repeat=".venv/bin/python -m tests.bench --only client",
        checks=checks,
        tables=(_table("Server-side apply", applied), _table(f"List of {_LISTED:,} objects", listed)),
    )


def _table(title: str, measured: Mapping[str, list[Took]]) -> Table:
    floor = measured[PLAIN]
    rows = []
    for name, took in measured.items():
        clock = ratios([one.clock for one in took], [one.clock for one in floor]).median
        busy = ratios([one.busy for one in took], [one.busy for one in floor]).median
        each = spread([one.clock for one in took]).median * 1000
        rows.append((name, show(clock, Unit.TIMES), show(busy, Unit.TIMES), f"{each:.2f} ms"))
    header = ("Client", "Time by the plain loop's", "Processor time by the plain loop's", "Time for one")
    return Table(f"{title}: the less the better.", header, tuple(rows))


def _measured(plan: Plan, clients: Mapping[str, Run], body: bytes, requests: int, rounds: int) -> dict[str, list[Took]]:
    took: dict[str, list[Took]] = {name: [] for name in clients}
    with _server(plan.scratch, body) as url:
        for run in clients.values():
            run(url, max(requests // 10, 1))  # imports, first connections
        for _ in range(rounds):
            for name, run in clients.items():
                clock, busy = time.perf_counter(), time.process_time()
                run(url, requests)
                clock, busy = time.perf_counter() - clock, time.process_time() - busy
                took[name].append(Took(clock / requests, busy / requests))
    for name, times in took.items():
        plan.say(f"{name}: {spread(one.clock for one in times).median * 1000:.2f} ms")
    return took


@contextmanager
def _server(scratch: Path, body: bytes) -> Iterator[str]:
    file = scratch / "answer.json"
    file.write_bytes(body)
    command = [sys.executable, "-m", "tests.bench.fast_api", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=TOP) as server:
        assert server.stdout is not None
        try:
            yield f"http://127.0.0.1:{server.stdout.readline().strip()}"
        finally:
            server.terminate()


def _role(name: str) -> dict[str, Any]:
    rules = [
        {"apiGroups": [f"group-{number}.example.com"], "resources": ["widgets", "gadgets"], "verbs": ["get", "list"]}
        for number in range(20)
    ]
    metadata = {"name": name, "namespace": "team", "labels": {"app.kubernetes.io/managed-by": "bench"}}
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": metadata, "rules": rules}


def _listing() -> dict[str, Any]:
    items = [_role(f"role-{number}") for number in range(_LISTED)]
    metadata = {"resourceVersion": "7"}
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleList", "metadata": metadata, "items": items}


def _with_own(work: Callable[[Api, int, int], Any], in_flight: int) -> Run:
    def run(url: str, requests: int) -> None:
        credentials = Credentials(server=url, authorization=_TOKEN)
        connection = Connection(credentials=credentials, read=lambda: credentials)

        async def all_of_them() -> None:
            async with open_api(connection, concurrency=in_flight) as api:
                await work(api, requests, in_flight)

        asyncio.run(all_of_them())

    return run


async def _apply_own(api: Api, requests: int, in_flight: int) -> None:
    role = _role("x")
    await in_parallel(range(requests), lambda _: api.apply(ROLE, role, manager="bench"), at_most=in_flight)


async def _list_own(api: Api, requests: int, in_flight: int) -> None:
    for _ in range(requests):
        assert len((await api.list(ROLE, "team")).items) == _LISTED


def _apply_plainly(dump: Callable[[Any], bytes], load: Callable[[bytes], Any]) -> Run:
    def run(url: str, requests: int) -> None:
        role = _role("x")
        with urllib3.PoolManager() as pool:
            for _ in range(requests):
                got = pool.request("PATCH", f"{url}{_PATH}/x{_QUERY}", body=dump(role), headers=_HEADERS)
                load(got.data)

    return run


def _list_plainly(load: Callable[[bytes], Any]) -> Run:
    def run(url: str, requests: int) -> None:
        with urllib3.PoolManager() as pool:
            for _ in range(requests):
                assert len(load(pool.request("GET", f"{url}{_PATH}", headers=_HEADERS).data)["items"]) == _LISTED

    return run


def _official(url: str) -> tuple[Any, Any]:
    from kubernetes.client import ApiClient, Configuration
    from kubernetes.dynamic import DynamicClient

    configuration = Configuration(host=url)
    configuration.api_key["BearerToken"] = _TOKEN
    client = DynamicClient(ApiClient(configuration), discoverer=lambda *_: None)
    return client, _resource(client)


def _resource(client: Any, *, asynchronous: bool = False) -> Any:
    if asynchronous:
        from kubernetes.aio.dynamic.resource import Resource
    else:
        from kubernetes.dynamic.resource import Resource
    return Resource(
        prefix="apis", group=ROLE.group, api_version=ROLE.version, kind=ROLE.kind, namespaced=True,
        verbs=["get", "list", "patch"], name=ROLE.plural, client=client,
    )  # fmt: skip


def _apply_official(url: str, requests: int) -> None:
    client, roles = _official(url)
    role = _role("x")
    for _ in range(requests):
        client.server_side_apply(roles, body=role, field_manager="bench")


def _apply_official_threads(url: str, requests: int) -> None:
    client, roles = _official(url)
    role = _role("x")
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: client.server_side_apply(roles, body=role, field_manager="bench"), range(requests)))


def _list_official(url: str, requests: int) -> None:
    client, roles = _official(url)
    for _ in range(requests):
        assert len(client.get(roles, namespace="team").items) == _LISTED


def _apply_official_async(url: str, requests: int) -> None:
    from kubernetes.aio.client import ApiClient, Configuration
    from kubernetes.aio.dynamic import DynamicClient

    async def no_discovery(*_: Any) -> None:
        return None

    async def run() -> None:
        configuration = Configuration(host=url)
        configuration.api_key["BearerToken"] = _TOKEN
        async with ApiClient(configuration) as api:
            client = await DynamicClient(api, discoverer=no_discovery)
            roles = _resource(client, asynchronous=True)
            role = _role("x")

            async def one(_: int) -> None:
                await client.server_side_apply(roles, body=role, field_manager="bench")

            await in_parallel(range(requests), one, at_most=_IN_FLIGHT)

    asyncio.run(run())


PLAIN = "urllib3 and json, one after another"
OWN = "own client"
OFFICIAL = "kubernetes dynamic client"
OFFICIAL_ASYNC = "kubernetes.aio dynamic client"

APPLIERS: Mapping[str, Run] = {
    PLAIN: _apply_plainly(lambda role: json.dumps(role).encode(), json.loads),
    "urllib3 and msgspec, one after another": _apply_plainly(msgspec.json.encode, msgspec.json.decode),
    OFFICIAL: _apply_official,
    f"{OFFICIAL}, 8 threads": _apply_official_threads,
    OFFICIAL_ASYNC: _apply_official_async,
    f"{OWN}, one after another": _with_own(_apply_own, 1),
    OWN: _with_own(_apply_own, _IN_FLIGHT),
}
LISTERS: Mapping[str, Run] = {
    PLAIN: _list_plainly(json.loads),
    OFFICIAL: _list_official,
    OWN: _with_own(_list_own, _IN_FLIGHT),
}
