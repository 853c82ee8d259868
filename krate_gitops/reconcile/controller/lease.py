"""One reconciler at a time, by a Lease of the cluster.

A lease is no fence: who lost it may not know yet. So it is asked for before every wave, and any write can be repeated.
"""

from __future__ import annotations

import asyncio
import contextlib
from datetime import datetime, timedelta
from typing import Any

from krate_gitops.cluster.client.failures import AlreadyExistsError, ApiError, ConflictError
from krate_gitops.cluster.client.kinds import ResourceType
from krate_gitops.reconcile.tools import Tools

NAME = "krate-gitops"
DURATION, RENEWAL, RETRY = timedelta(seconds=35), timedelta(seconds=10), timedelta(seconds=5)
_MANAGER = "krate-gitops-controller"


class Lease:
    """Our claim to the lease ``krate-gitops`` of a namespace, under a name that no other process has."""

    def __init__(self, tools: Tools, kind: ResourceType, namespace: str, holder: str) -> None:
        self._api, self._now, self._log = tools.api, tools.now, tools.log
        self._kind, self._namespace, self._holder = kind, namespace, holder
        self._renewed: datetime | None = None
        self._seen: tuple[str, datetime] = ("", tools.now())

    @property
    def is_held(self) -> bool:
        """Whether it is ours as far as we know: renewed, and not so long ago that others may take it."""
        return self._renewed is not None and self._now() - self._renewed < DURATION - RETRY

    async def is_confirmed(self) -> bool:
        """Whether the cluster says so, too: somebody may have taken it. Where the cluster can't be asked, as far as we
        know.
        """
        if not self.is_held:
            return False
        try:
            live = await self._api.get(self._kind, NAME, self._namespace)
        except ApiError:
            return self.is_held
        if live is None or _holder(live) != self._holder:
            self._renewed = None
        return self.is_held

    async def hold(self) -> None:
        """Takes the lease when it is free, and keeps it, for ever."""
        while True:
            was = self.is_held
            with contextlib.suppress(ApiError):
                await self._claim()
            if self.is_held != was:
                self._log("info", "lease", held=self.is_held, holder=self._holder)
            pause = RENEWAL if self.is_held else RETRY
            await asyncio.sleep(pause.total_seconds())

    async def release(self) -> None:
        """Gives the lease back, so that a successor need not wait."""
        if self.is_held:
            self._renewed = None
            with contextlib.suppress(ApiError):
                live = await self._api.get(self._kind, NAME, self._namespace)
                if live is not None and _holder(live) == self._holder:
                    version = live["metadata"]["resourceVersion"]
                    patch = {"metadata": {"resourceVersion": version}, "spec": {"holderIdentity": ""}}
                    await self._api.merge_patch(self._kind, NAME, self._namespace, patch, manager=_MANAGER)

    async def _claim(self) -> None:
        now = self._now()
        live = await self._api.get(self._kind, NAME, self._namespace)
        try:
            if live is None:
                await self._api.create(self._kind, self._body(now, {}), manager=_MANAGER)
            elif _holder(live) in ("", self._holder) or self._is_over(live, now):
                spec = self._body(now, live.get("spec") or {})["spec"]
                patch = {"metadata": {"resourceVersion": live["metadata"]["resourceVersion"]}, "spec": spec}
                await self._api.merge_patch(self._kind, NAME, self._namespace, patch, manager=_MANAGER)
            else:
                self._renewed = None
                return
        except (AlreadyExistsError, ConflictError):
            self._renewed = None
            return
        self._renewed = now

    def _body(self, now: datetime, before: dict[str, Any]) -> dict[str, Any]:
        mine = before.get("holderIdentity") == self._holder
        time = now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        transitions = int(before.get("leaseTransitions") or 0)
        spec = {
            "holderIdentity": self._holder,
            "leaseDurationSeconds": int(DURATION.total_seconds()),
            "acquireTime": before.get("acquireTime") if mine else time,
            "renewTime": time,
            "leaseTransitions": transitions if mine or not before else transitions + 1,
        }
        metadata = {"name": NAME, "namespace": self._namespace}
        return {"apiVersion": self._kind.api_version, "kind": "Lease", "metadata": metadata, "spec": spec}

    def _is_over(self, live: dict[str, Any], now: datetime) -> bool:
        """Whether its holder has let it be for its whole duration, by our clock alone: clocks of processes differ."""
        spec = live.get("spec") or {}
        version = str(live["metadata"]["resourceVersion"])
        if version != self._seen[0]:
            self._seen = (version, now)
        return now - self._seen[1] > timedelta(seconds=int(spec.get("leaseDurationSeconds") or 0))


def _holder(live: dict[str, Any]) -> str:
    return str((live.get("spec") or {}).get("holderIdentity") or "")
