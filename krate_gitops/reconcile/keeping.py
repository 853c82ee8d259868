"""Keeping the status of a source: the inventory before anything is written, and the conditions at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from krate_gitops.cluster.client.api import Api
from krate_gitops.cluster.client.failures import ApiError
from krate_gitops.cluster.client.kinds import ResourceType
from krate_gitops.cluster.inventory import Inventory, inventory_value
from krate_gitops.reconcile.conditions import Transition
from krate_gitops.reconcile.source import Source
from krate_gitops.resources.kinds.common import API_VERSION, GROUP

STATUS_MANAGER = "krate-gitops-controller"
_NO_NEWS = ("lastSuccessAt", "nextAttemptAt", "counts", "planDigest")
"""Fields that are stored along with others, and are no reason to write: of a pass that changed nothing."""
_MESSAGE = 1024


class Keeper:
    """Writes the status of one source, and only where it says something new."""

    def __init__(self, api: Api, source: Source, kind: ResourceType | None) -> None:
        self._api, self._source, self._kind = api, source, kind
        self._stored: dict[str, Any] = dict(source.status)

    @property
    def is_in_cluster(self) -> bool:
        """Whether there is an object whose status could be written."""
        return self._kind is not None and bool(self._source.uid)

    async def inventory(self, inventory: Inventory, **fields: Any) -> None:
        """Stores the inventory, and further fields with it. Raises ``KrateError(KR706)`` and what the client raises."""
        await self.write({"inventory": inventory_value(inventory), **fields})

    async def write(self, fields: Mapping[str, Any]) -> bool:
        """Stores fields of the status; False where there is nothing new to say."""
        new = {name: value for name, value in fields.items() if self._stored.get(name) != value}
        if self._kind is None or not self._source.uid or all(name in _NO_NEWS for name in new):
            return False
        source = self._source
        patch = {"metadata": {"uid": source.uid}, "status": new}
        await self._api.merge_patch(
            self._kind, source.name, source.namespace, patch, manager=STATUS_MANAGER, subresource="status"
        )
        self._stored |= new
        return True

    async def events(self, transitions: Sequence[Transition], *, now: str) -> None:
        """One event for each condition that changed. Events are news, not records: one that is lost stops nothing."""
        discovery = await self._api.discovery()
        kind = discovery.find("events.k8s.io", "Event") or discovery.find("", "Event")
        if kind is None or not self.is_in_cluster:
            return
        for transition in transitions:
            try:
                await self._api.create(kind, self._event(kind, transition, now), manager=STATUS_MANAGER)
            except ApiError:
                return

    def _event(self, kind: ResourceType, transition: Transition, now: str) -> dict[str, Any]:
        source = self._source
        is_good = transition.status == "True"
        about = {
            "apiVersion": API_VERSION,
            "kind": "GitOpsSource",
            "namespace": source.namespace,
            "name": source.name,
            "uid": source.uid,
        }
        event: dict[str, Any] = {
            "apiVersion": kind.api_version,
            "kind": "Event",
            "metadata": {"generateName": f"{source.name}-", "namespace": source.namespace},
            "type": "Normal" if is_good else "Warning",
            "reason": transition.reason,
        }
        message = f"{transition.type} is {transition.status}: {transition.message or transition.reason}"[:_MESSAGE]
        if kind.group:
            return {
                **event,
                "regarding": about,
                "note": message,
                "action": "Reconcile",
                "eventTime": f"{now.removesuffix('Z')}.000000Z",
                "reportingController": f"{GROUP}/gitops",
                "reportingInstance": "krate-gitops",
            }
        return {**event, "involvedObject": about, "message": message, "source": {"component": "krate-gitops"}}
