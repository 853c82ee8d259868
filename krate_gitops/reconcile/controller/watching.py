"""What asks for a pass: a source that changed, and an owned object that somebody touched."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from typing import Any

from krate_gitops.cluster.client.failures import ApiError, Relist
from krate_gitops.cluster.client.kinds import ResourceType
from krate_gitops.reconcile.controller.queue import Key
from krate_gitops.reconcile.ownership import ENGINE, PROGRAM, SOURCE
from krate_gitops.reconcile.source import ACCEPT_REWIND, APPROVE_PLAN, DRIFT_ACK, RECONCILE_AT
from krate_gitops.reconcile.tools import Tools
from krate_gitops.resources.kinds.inventory import MODELS

_CONSENTS = (ACCEPT_REWIND, APPROVE_PLAN, DRIFT_ACK, RECONCILE_AT)
_RELIST_PAUSE = 5.0

Seen = Callable[[str, dict[str, Any]], None]
"""Told of every object: ADDED, MODIFIED or DELETED, and the object."""


async def follow(
    tools: Tools, kind: ResourceType, seen: Seen, *, label_selector: str = "", metadata_only: bool
) -> None:
    """Lists and watches a kind in all namespaces, for ever. After a gap everything is told again."""
    api = tools.api
    while True:
        try:
            listing = await api.list(kind, label_selector=label_selector, metadata_only=metadata_only)
            for item in listing.items:
                seen("ADDED", item)
            stream = api.watch(
                kind,
                resource_version=listing.resource_version,
                label_selector=label_selector,
                metadata_only=metadata_only,
            )
            async for event in stream:
                seen(event.kind, event.object)
        except Relist:
            tools.log("debug", "relist", kind=kind.kind)
        except ApiError as error:
            tools.log("warning", "watch failed", kind=kind.kind, code=error.code, message=error.message)
        # Many watches that fail together must not come back together.
        await asyncio.sleep(_RELIST_PAUSE * random.uniform(0.5, 1.5))  # noqa: S311 - no secret hangs on it


class SourceChanges:
    """Tells whether a change of a source is one that asks for a pass: ours of the status are not."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Any, ...]] = {}

    def is_news(self, event: str, source: Mapping[str, Any]) -> bool:
        """Whether the generation, a consent or the deletion is new."""
        metadata = source.get("metadata") or {}
        uid = str(metadata.get("uid"))
        if event == "DELETED":
            self._known.pop(uid, None)
            return True
        annotations = metadata.get("annotations") or {}
        state = (
            metadata.get("generation"),
            metadata.get("deletionTimestamp"),
            *(annotations.get(key) for key in _CONSENTS),
        )
        is_new = self._known.get(uid) != state
        self._known[uid] = state
        return is_new


class ObjectChanges:
    """Tells which source an object's change concerns, if the change is more than a status."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Any, ...]] = {}

    def source_of(self, event: str, one: Mapping[str, Any]) -> Key | None:
        """The source to look at; None for what is no news. The first sight of an object is none."""
        metadata = one.get("metadata") or {}
        uid = str(metadata.get("uid"))
        labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
        owner = Key(str(metadata.get("namespace") or ""), str(labels.get(SOURCE) or ""))
        if event == "DELETED":
            self._known.pop(uid, None)
            return owner
        state = (metadata.get("generation"), metadata.get("deletionTimestamp"), labels, annotations)
        before = self._known.get(uid)
        self._known[uid] = state
        return owner if before is not None and before != state else None


def owned_kinds(find: Callable[[str, str], ResourceType | None], group: str) -> list[ResourceType]:
    """Our kinds whose objects sources own, as far as they are served.

    ConfigMaps, which a source may be admitted, are looked at each interval: to watch those of all namespaces would take
    a right that nothing else needs.
    """
    return [kind for name in MODELS if name != "GitOpsSource" and (kind := find(group, name)) is not None]


OWNED = f"{ENGINE}={PROGRAM}"
"""Selector of objects that a source of this program owns."""
