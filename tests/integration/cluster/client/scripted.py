"""A client against answers that the test gives itself, for what no API server does on demand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from krate_gitops.cluster.client.api import Api, open_api
from krate_gitops.cluster.client.connection import Connection
from krate_gitops.cluster.client.credentials import Credentials
from krate_gitops.cluster.client.kinds import ResourceType
from krate_gitops.cluster.client.retries import Backoff
from tests.faults import FaultProxy, Seen, answer, faulty, replies

Answer = TypeVar("Answer")

CONFIG_MAP = ResourceType("", "v1", "ConfigMap", "configmaps", True)
SECRET = ResourceType("", "v1", "Secret", "secrets", True)

QUICK = Backoff(first=0.01, longest=0.05)


def config_map(name: str = "x", **more: Any) -> dict[str, Any]:
    """A manifest."""
    metadata = {"name": name, "namespace": "team", **more.pop("metadata", {})}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, **more}


def connection_to(url: str, token: str = "") -> Connection:
    """A connection without a kubeconfig."""
    credentials = Credentials(server=url, authorization=f"Bearer {token}" if token else "")
    return Connection(credentials=credentials, read=lambda: credentials)


@contextmanager
def scripted() -> Iterator[FaultProxy]:
    """A server that answers 404 to all that the test doesn't say."""
    with faulty() as proxy:
        yield proxy


def talk(target: FaultProxy | Connection, work: Callable[[Api], Awaitable[Answer]], **options: Any) -> Answer:
    """Runs ``work`` with a client of the server."""
    connection = connection_to(target.url) if isinstance(target, FaultProxy) else target

    async def run() -> Answer:
        async with open_api(connection, **{"backoff": QUICK, **options}) as api:
            return await work(api)

    return asyncio.run(run())


def echo(proxy: FaultProxy, *, method: str = "", times: float = float("inf"), status: int = 200) -> None:
    """Answers with the body of the request, as an API server does with a new object."""

    def make(seen: Seen) -> bytes:
        return answer(status, json.loads(seen.body or b"{}"))

    proxy.inject(replies(make, "echo"), method=method, times=times)
