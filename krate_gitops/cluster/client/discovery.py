"""Which kinds the server serves, by aggregated discovery: two requests for everything, 304 when nothing changed.

There is no cache on disk: the two answers cost less than keeping a file safe, and a file that others could write would
decide which objects are deleted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Protocol

import msgspec

from krate_gitops.cluster.client.calls import JSON, Call
from krate_gitops.cluster.client.failures import ApiError, TransientError
from krate_gitops.cluster.client.kinds import ResourceType
from krate_gitops.cluster.client.transport import Reply

_AGGREGATED = ",".join(
    (
        "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
        "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList",
        JSON,
    )
)


class Discovery:
    """The kinds of a server at one moment."""

    def __init__(self, types: Iterable[ResourceType], *, stale: Iterable[str] = ()) -> None:
        """``types`` come with the preferred version of each group first."""
        self._all: dict[tuple[str, str], dict[str, ResourceType]] = {}
        for one in types:
            self._all.setdefault((one.group, one.kind), {}).setdefault(one.version, one)
        self.stale = frozenset(stale)
        """Groups (``group/version``) that the server can't tell about now, as their own server is down.

        That a kind of theirs isn't found means nothing.
        """

    def find(self, group: str, kind: str, version: str = "") -> ResourceType | None:
        """A kind in the version asked for, else in the server's preferred one. None where it isn't served."""
        versions = self._all.get((group, kind))
        if versions is None:
            return None
        return versions.get(version) if version else next(iter(versions.values()))

    def is_known_absent(self, group: str, kind: str) -> bool:
        """Whether the kind is certainly not served: it isn't there, and its group could be asked."""
        return (group, kind) not in self._all and not any(one.split("/")[0] == group for one in self.stale)


class Sender(Protocol):
    """What discovery needs of a pool."""

    async def __call__(self, call: Call) -> Reply:
        """Sends a call and gives its successful reply."""


class Discoverer:
    """Asks for the kinds once, and after that only whether they changed."""

    def __init__(self, send: Sender) -> None:
        self._send = send
        self._lock = asyncio.Lock()
        self._replies: dict[str, Reply] = {}
        self._known: Discovery | None = None

    async def get(self, *, refresh: bool) -> Discovery:
        """The kinds as they were first asked for, or with ``refresh`` as they are now. Raises ``ApiError``."""
        if self._known is not None and not refresh:
            return self._known
        before = self._known
        async with self._lock:
            if self._known is not None and self._known is not before:
                return self._known  # somebody else asked meanwhile
            core, groups = await asyncio.gather(self._fetch("/api"), self._fetch("/apis"))
            if self._known is None or core is not self._replies.get("/api") or groups is not self._replies.get("/apis"):
                self._known = await self._read(core, groups)
                self._replies = {"/api": core, "/apis": groups}
            return self._known

    async def _fetch(self, path: str) -> Reply:
        before = self._replies.get(path)
        headers = (("If-None-Match", before.etag),) if before is not None and before.etag else ()
        call = Call(verb="discovery", method="GET", path=path, accept=_AGGREGATED, headers=headers, location=path)
        reply = await self._send(call)
        return before if reply.status == 304 and before is not None else reply

    async def _read(self, core: Reply, groups: Reply) -> Discovery:
        types: list[ResourceType] = []
        stale: list[str] = []
        for reply, path in ((core, "/api"), (groups, "/apis")):
            if "APIGroupDiscoveryList" in reply.content_type:
                _read_aggregated(_decoded(reply, _Groups, path), types, stale)
            else:
                await self._read_each(reply, path, types, stale)
        if not any(one.group == "" for one in types):
            # Whatever answered, it is no API server; a kind that isn't served would count as gone.
            raise TransientError("CLUSTER_ANSWER_INVALID", "discovery /api: the answer names no kind", location="/api")
        return Discovery(types, stale=stale)

    async def _read_each(self, reply: Reply, path: str, types: list[ResourceType], stale: list[str]) -> None:
        """A server without aggregated discovery has a document for each version of each group."""
        if path == "/api":
            wanted = [("", version) for version in _decoded(reply, _CoreVersions, path).versions]
        else:
            wanted = [
                (group.name, version)
                for group in _decoded(reply, _PlainGroups, path).groups
                for version in group.in_order_of_preference()
            ]

        async def one(group: str, version: str) -> _Resources | None:
            place = f"/apis/{group}/{version}" if group else f"/api/{version}"
            try:
                got = await self._send(Call(verb="discovery", method="GET", path=place, location=place))
            except ApiError:
                return None
            return _decoded(got, _Resources, place)

        found = await asyncio.gather(*(one(group, version) for group, version in wanted))
        for (group, version), resources in zip(wanted, found, strict=True):
            if resources is None:
                stale.append(f"{group}/{version}")
            else:
                types.extend(resources.types(group, version))


class _Kind(msgspec.Struct):
    kind: str = ""


class _Sub(msgspec.Struct):
    subresource: str


class _Resource(msgspec.Struct, rename="camel"):
    resource: str
    response_kind: _Kind | None = None
    scope: str = "Namespaced"
    verbs: list[str] = msgspec.field(default_factory=list)
    subresources: list[_Sub] = msgspec.field(default_factory=list)


class _Version(msgspec.Struct):
    version: str
    resources: list[_Resource] = msgspec.field(default_factory=list)
    freshness: str = "Current"


class _Named(msgspec.Struct):
    name: str = ""


class _Group(msgspec.Struct):
    metadata: _Named = msgspec.field(default_factory=_Named)
    versions: list[_Version] = msgspec.field(default_factory=list)


class _Groups(msgspec.Struct):
    items: list[_Group]


class _CoreVersions(msgspec.Struct):
    versions: list[str]


class _PlainVersion(msgspec.Struct):
    version: str = ""


class _PlainGroup(msgspec.Struct, rename="camel"):
    name: str
    versions: list[_PlainVersion] = msgspec.field(default_factory=list)
    preferred_version: _PlainVersion = msgspec.field(default_factory=_PlainVersion)

    def in_order_of_preference(self) -> list[str]:
        names = [one.version for one in self.versions]
        return sorted(names, key=lambda name: name != self.preferred_version.version)


class _PlainGroups(msgspec.Struct):
    groups: list[_PlainGroup]


class _PlainResource(msgspec.Struct):
    name: str
    kind: str
    namespaced: bool = False
    verbs: list[str] = msgspec.field(default_factory=list)


class _Resources(msgspec.Struct):
    resources: list[_PlainResource]

    def types(self, group: str, version: str) -> Iterable[ResourceType]:
        below: dict[str, set[str]] = {}
        for one in self.resources:
            plural, slash, subresource = one.name.partition("/")
            if slash:
                below.setdefault(plural, set()).add(subresource)
        for one in self.resources:
            if "/" not in one.name:
                verbs, subresources = frozenset(one.verbs), frozenset(below.get(one.name, ()))
                yield ResourceType(group, version, one.kind, one.name, one.namespaced, verbs, subresources)


def _read_aggregated(groups: _Groups, types: list[ResourceType], stale: list[str]) -> None:
    for group in groups.items:
        for version in group.versions:
            if version.freshness != "Current":
                stale.append(f"{group.metadata.name}/{version.version}")
            for one in version.resources:
                if one.response_kind is None or not one.response_kind.kind:
                    continue  # only a parent of subresources
                types.append(
                    ResourceType(
                        group.metadata.name,
                        version.version,
                        one.response_kind.kind,
                        one.resource,
                        one.scope == "Namespaced",
                        frozenset(one.verbs),
                        frozenset(sub.subresource for sub in one.subresources),
                    )
                )


def _decoded(reply: Reply, shape: type[Any], path: str) -> Any:
    try:
        return msgspec.json.decode(reply.body, type=shape)
    except (msgspec.MsgspecError, RecursionError):
        raise TransientError(
            "CLUSTER_ANSWER_INVALID", f"discovery {path}: the answer isn't discovery", location=path
        ) from None
