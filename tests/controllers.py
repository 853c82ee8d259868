"""A controller that runs beside a test, in a thread of its own, against the cluster of a ``World``."""

from __future__ import annotations

import asyncio
import random
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from krate_gitops.cluster.client.api import Api, open_api
from krate_gitops.cluster.client.connection import Connection
from krate_gitops.reconcile.controller.controller import Controller
from krate_gitops.reconcile.controller.lease import NAME
from krate_gitops.reconcile.tools import Tools
from krate_gitops.resources.context import PLATFORM_NAMESPACE
from tests.clusters import World

PATIENCE = 40.0
"""Seconds until something that should happen counts as not happening; nothing is concluded from how long it took."""


def eventually(is_so: Callable[[], Any], *, patience: float = PATIENCE) -> Any:
    """What ``is_so`` gives as soon as it is true."""
    end = time.monotonic() + patience
    while not (found := is_so()):
        assert time.monotonic() < end, "it didn't happen"
        time.sleep(0.1)
    return found


class Reconciling:
    """A controller at work. ``logged`` is what it said: event and details."""

    def __init__(self, world: World, connection: Connection | None = None) -> None:
        self.world = world
        self.logged: list[tuple[str, dict[str, Any]]] = []
        self.controller: Controller | None = None
        self.tools: Tools | None = None
        self.holder = f"test-{secrets.token_hex(4)}"
        self._connection = connection or world.connection()
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._main, name="controller", daemon=True)

    def start(self) -> None:
        """Starts it and waits until it leads."""
        self._thread.start()
        eventually(lambda: self._failure or (self.controller and self.controller.is_leading))
        assert self._failure is None

    def stop(self) -> None:
        """Asks it to end, and waits."""
        if self._loop is not None and self.controller is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self.controller.stop)
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()
        if self._failure is not None:
            raise self._failure

    def passes(self, namespace: str = "", name: str = "main") -> list[dict[str, Any]]:
        """What each pass over a source came to."""
        source = f"{namespace or self.world.namespace}/{name}"
        return [details for event, details in self.logged if event == "reconciled" and details["source"] == source]

    def _log(self, level: str, event: str, **details: Any) -> None:
        self.logged.append((event, details))

    def _main(self) -> None:
        try:
            asyncio.run(self._run())
        except BaseException as error:
            self._failure = error

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        async with open_api(self._connection) as api:
            self.tools = Tools(
                api=api,
                settings=self.world.settings,
                audit=self.world.audited.extend,
                repository=str(self.world.repo.path),
                log=self._log,
            )
            self.controller = Controller(self.tools, holder=self.holder, chance=random.Random(1))
            await self.controller.run()


@contextmanager
def reconciling(world: World, connection: Connection | None = None) -> Iterator[Reconciling]:
    """A controller that leads, until the end of the block."""
    free_lease(world)
    running = Reconciling(world, connection)
    running.start()
    try:
        yield running
    finally:
        running.stop()


def lease(world: World) -> dict[str, Any]:
    """The spec of the lease; empty where there is none."""

    async def work(api: Api) -> dict[str, Any]:
        kind = (await api.discovery()).find("coordination.k8s.io", "Lease")
        assert kind is not None
        return dict(((await api.get(kind, NAME, PLATFORM_NAMESPACE)) or {}).get("spec") or {})

    return world.run(work)


def set_lease(world: World, **fields: Any) -> None:
    """Changes the lease by hand."""

    async def work(api: Api) -> None:
        kind = (await api.discovery()).find("coordination.k8s.io", "Lease")
        assert kind is not None
        if await api.get(kind, NAME, PLATFORM_NAMESPACE) is not None:
            await api.merge_patch(kind, NAME, PLATFORM_NAMESPACE, {"spec": fields}, manager="test")

    world.run(work)


def free_lease(world: World) -> None:
    """Nobody holds the lease; what an earlier test left is no obstacle."""
    set_lease(world, holderIdentity="")
