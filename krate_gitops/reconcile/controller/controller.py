"""The loop: watches sources and what they own, and runs passes, for as long as it holds the lease."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any

import msgspec

from krate_gitops.cluster.health import Health
from krate_gitops.errors import KrateError
from krate_gitops.reconcile.controller.lease import Lease
from krate_gitops.reconcile.controller.queue import Key, Queue
from krate_gitops.reconcile.controller.schedule import (
    INTERNAL_ERRORS_TO_GIVE_UP,
    Retry,
    next_delay,
    retry_after,
    retry_of,
    retry_of_error,
)
from krate_gitops.reconcile.controller.watching import OWNED, ObjectChanges, SourceChanges, follow, owned_kinds
from krate_gitops.reconcile.fights import Fights
from krate_gitops.reconcile.keeping import Keeper
from krate_gitops.reconcile.opening import source_kind
from krate_gitops.reconcile.outcome import Outcome
from krate_gitops.reconcile.retire import FINALIZER, add_finalizer, retire
from krate_gitops.reconcile.run_pass import run_pass
from krate_gitops.reconcile.source import Source, source_of
from krate_gitops.reconcile.tools import Tools
from krate_gitops.resources.context import PLATFORM_NAMESPACE
from krate_gitops.resources.kinds.common import GROUP

_PROGRESSING = timedelta(seconds=10)
"""How often health is looked at while something is on its way."""
_HEARTBEAT = 1.0
_GRACE = timedelta(seconds=10)
"""How long passes are waited for when the process is to end: each stops after the wave it is in."""


class Controller:
    """All sources of a cluster. ``tools.may_continue`` is replaced by the question whether the lease is held."""

    def __init__(self, tools: Tools, *, workers: int = 4, holder: str, chance: random.Random | None = None) -> None:
        self._tools, self._workers, self._holder = tools, workers, holder
        self._chance = chance or random.Random()  # noqa: S311 - spreads load, guards nothing
        self.queue = Queue()
        self._fights: dict[Key, Fights] = {}
        self._failures: Counter[tuple[Key, Retry]] = Counter()
        self._stopping = asyncio.Event()
        self._busy: set[Key] = set()
        self.beat: datetime | None = None
        """When the loop was last alive."""
        self.is_leading = False
        self.is_connected = False

    def stop(self) -> None:
        """Ends the loop; passes finish the wave they are in."""
        self._stopping.set()

    async def run(self) -> None:
        """Works until ``stop``. Raises what nobody foresaw, and what the client raises when the cluster is unusable."""
        api = self._tools.api
        discovery = await api.discovery()
        kind = await source_kind(api)
        lease_kind = discovery.find("coordination.k8s.io", "Lease")
        if lease_kind is None:
            raise KrateError("CLUSTER_UNUSABLE", "the cluster serves no Lease", hint="use a cluster with leases")
        self.is_connected = True
        lease = Lease(self._tools, lease_kind, PLATFORM_NAMESPACE, self._holder)
        sources, objects = SourceChanges(), ObjectChanges()

        def source_seen(event: str, one: dict[str, Any]) -> None:
            if sources.is_news(event, one):
                self.queue.add(_key_of(one))

        def object_seen(event: str, one: dict[str, Any]) -> None:
            if (key := objects.source_of(event, one)) is not None and key.name:
                self.queue.add(key)

        jobs: list[Coroutine[Any, Any, None]] = [lease.hold(), self._beat(lease)]
        jobs.append(follow(self._tools, kind, source_seen, metadata_only=True))
        for owned in owned_kinds(discovery.find, GROUP):
            jobs.append(follow(self._tools, owned, object_seen, label_selector=OWNED, metadata_only=True))
        jobs += [self._work(lease) for _ in range(self._workers)]
        tasks = [asyncio.ensure_future(job) for job in jobs]
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            done, _ = await asyncio.wait([*tasks, stopping], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            await self._finish_passes()
        finally:
            for task in (*tasks, stopping):
                task.cancel()
            await asyncio.gather(*tasks, stopping, return_exceptions=True)
            await lease.release()

    async def _beat(self, lease: Lease) -> None:
        while True:
            self.beat, self.is_leading = self._tools.now(), lease.is_held
            await asyncio.sleep(_HEARTBEAT)

    async def _work(self, lease: Lease) -> None:
        while True:
            key = await self.queue.get()
            self._busy.add(key)
            try:
                if self._stopping.is_set():
                    return
                if lease.is_held:
                    await self._look_at(key, lease)
                else:
                    self.queue.add_after(key, _HEARTBEAT)
            finally:
                self._busy.discard(key)
                self.queue.done(key)

    async def _finish_passes(self) -> None:
        """Lets the passes that run come to the end of their wave and report, for a while."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GRACE.total_seconds()):
                while self._busy:
                    await asyncio.sleep(_HEARTBEAT / 20)

    async def _look_at(self, key: Key, lease: Lease) -> None:
        """One pass over a source, whatever it comes to, and the time of the next."""
        try:
            source = await self._read(key)
            if source is None:
                self._forget(key)
                return
            tools = self._tools_for(key, lease)
            if source.deleting:
                await self._retire(tools, key, source)
                return
            if FINALIZER not in (source.value.get("metadata") or {}).get("finalizers", ()):
                await add_finalizer(tools.api, source)
                source = await self._read(key) or source
            planned: list[datetime] = []

            def next_attempt(outcome: Outcome) -> datetime | None:
                if (delay := self._plan_next(key, source, outcome)) is not None:
                    planned.append(self._tools.now() + delay)
                return planned[-1] if planned else None

            outcome = await run_pass(msgspec.structs.replace(tools, next_attempt=next_attempt), source)
            self._tools.log("info", "reconciled", source=str(key), phase=outcome.phase, **outcome.counts)
        except KrateError as error:
            retry = retry_of_error(error)
            self._tools.log("warning", "pass failed", source=str(key), code=error.code, message=error.message)
            self._wait(key, retry, timedelta(minutes=5))
        except Exception as error:
            self._tools.log("error", "pass failed", source=str(key), exc_info=error)
            self._wait(key, Retry.INTERNAL, timedelta(minutes=5))
            if self._failures[key, Retry.INTERNAL] >= INTERNAL_ERRORS_TO_GIVE_UP:
                with contextlib.suppress(KrateError):
                    await self._mark_error(key)

    async def _read(self, key: Key) -> Source | None:
        found = await self._tools.api.get(await source_kind(self._tools.api), key.name, key.namespace)
        return None if found is None else source_of(found)

    def _tools_for(self, key: Key, lease: Lease) -> Tools:
        async def may_continue() -> bool:
            if self._stopping.is_set() or not await lease.is_confirmed():
                return False
            return not (self.queue.is_asked_again(key) and await self._is_called_off(key))

        fights = self._fights.setdefault(key, Fights())
        return msgspec.structs.replace(self._tools, may_continue=may_continue, fights=fights)

    async def _is_called_off(self, key: Key) -> bool:
        """Whether somebody suspended or deleted the source meanwhile."""
        source = await self._read(key)
        return source is None or source.deleting or source.spec.suspend

    async def _retire(self, tools: Tools, key: Key, source: Source) -> None:
        done = await retire(tools, source)
        counts = {"released": len(done.released), "deleted": len(done.deleted), "held": len(done.held)}
        self._tools.log("info", "source deleted", source=str(key), **counts)
        if done.held:
            self._wait(key, Retry.TRANSIENT, source.interval)
        else:
            self._forget(key)

    def _plan_next(self, key: Key, source: Source, outcome: Outcome) -> timedelta | None:
        retry = retry_of(outcome)
        if outcome.phase == "Suspended":
            return None
        if retry is Retry.NONE and Health.PROGRESSING in outcome.health.values():
            self.queue.add_after(key, min(_PROGRESSING, source.interval).total_seconds())
        return self._wait(key, retry, source.interval, at_least=retry_after(outcome))

    def _wait(self, key: Key, retry: Retry, interval: timedelta, *, at_least: timedelta = timedelta()) -> timedelta:
        """Asks for the next pass, and says in how long."""
        for other in Retry:
            if other is not retry:
                self._failures.pop((key, other), None)
        self._failures[key, retry] += 1
        failures = self._failures[key, retry]
        delay = next_delay(retry, failures, interval, at_least=at_least, chance=self._chance)
        self.queue.add_after(key, delay.total_seconds())
        return delay

    def _forget(self, key: Key) -> None:
        self.queue.forget(key)
        self._fights.pop(key, None)
        for retry in Retry:
            self._failures.pop((key, retry), None)

    async def _mark_error(self, key: Key) -> None:
        source = await self._read(key)
        if source is not None:
            keeper = Keeper(self._tools.api, source, await source_kind(self._tools.api))
            await keeper.write({"phase": "Error"})


def _key_of(one: dict[str, Any]) -> Key:
    metadata = one.get("metadata") or {}
    return Key(str(metadata.get("namespace")), str(metadata.get("name")))
