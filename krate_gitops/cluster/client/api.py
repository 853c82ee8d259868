"""The API of a cluster: the few verbs that a reconciler needs, each one request, over a pool of kept connections."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import aiohttp
import msgspec

from krate_gitops.cluster.client.calls import JSON, Call, Calls, encoded, query_of
from krate_gitops.cluster.client.connection import Connection
from krate_gitops.cluster.client.creating import create_once
from krate_gitops.cluster.client.discovery import Discoverer, Discovery
from krate_gitops.cluster.client.failures import NotFoundError, NotServedError, TransientError
from krate_gitops.cluster.client.identity import Identity, service_account
from krate_gitops.cluster.client.kinds import ResourceType, collection_path, object_path
from krate_gitops.cluster.client.listing import METADATA_LIST, Listing, list_pages
from krate_gitops.cluster.client.retries import Backoff
from krate_gitops.cluster.client.reviews import PATHS, ResourceAttributes, Rules, review
from krate_gitops.cluster.client.transport import Reply, Transport
from krate_gitops.cluster.client.warnings import Warnings
from krate_gitops.cluster.client.watching import Event, watch
from krate_gitops.errors import UsageError

__all__ = ["Api", "Applied", "Deleted", "Identity", "open_api", "service_account"]

_APPLY = "application/apply-patch+yaml"
_MERGE = "application/merge-patch+json"
_PATCH = "application/json-patch+json"
_METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"


class Applied(NamedTuple):
    """The object as it is after an apply (or would be, in a dry run), and what the server warned of."""

    object: dict[str, Any]
    warnings: tuple[str, ...] = ()
    created: bool = False


class Deleted(NamedTuple):
    """Whether the object is gone. Where it isn't, finalizers hold it, and ``object`` is its last state."""

    gone: bool
    object: dict[str, Any] | None = None


class Api:
    """One identity's view of a cluster. Cheap to copy: ``impersonating`` and ``within`` share the pool.

    Every call has a deadline of ``timeout`` seconds from its start (``within`` sets another), and ends earlier when the
    caller's own ``asyncio.timeout`` does. All raise ``ApiError``.
    """

    def __init__(
        self, transport: Transport, discoverer: Discoverer, *, identity: Identity | None, timeout: float
    ) -> None:
        self._transport = transport
        self._discoverer = discoverer
        self.identity = identity
        self.timeout = timeout

    def impersonating(self, identity: Identity) -> Api:
        """The same pool, speaking for somebody else. Raises ``UsageError`` for names that no header can carry."""
        for text in (identity.user, *identity.groups):
            if not text or any(ord(character) < 0x20 or ord(character) == 0x7F for character in text):
                raise UsageError(
                    "INVALID_REQUEST", "a user or group to impersonate is empty or holds control characters"
                )
        return Api(self._transport, self._discoverer, identity=identity, timeout=self.timeout)

    def within(self, timeout: float) -> Api:
        """The same with another deadline for each call, in seconds."""
        return Api(self._transport, self._discoverer, identity=self.identity, timeout=timeout)

    @property
    def calls(self) -> Calls:
        """What the whole pool has sent so far."""
        return self._transport.calls

    @property
    def warnings(self) -> tuple[str, ...]:
        """Different ``Warning`` texts that the whole pool has received so far."""
        return self._transport.warnings.texts

    @property
    def server(self) -> str:
        """Base URL of the server."""
        return self._transport.connection.server

    async def discovery(self, *, refresh: bool = False) -> Discovery:
        """The kinds that are served. Two requests the first time, none after that but with ``refresh``."""
        return await self._discoverer.get(refresh=refresh)

    async def get(
        self, type: ResourceType, name: str, namespace: str = "", *, metadata_only: bool = False
    ) -> dict[str, Any] | None:
        """One object; None where it, or its namespace, isn't there.

        Raises ``NotServedError`` where the kind isn't served.
        """
        call = Call(
            verb="get",
            method="GET",
            path=object_path(type, name, namespace),
            accept=_METADATA if metadata_only else JSON,
            location=_location(type, name, namespace),
        )
        try:
            found = _object(await self._send(call), call)
        except NotServedError:
            raise
        except NotFoundError:
            return None
        if metadata_only:
            found["apiVersion"], found["kind"] = type.api_version, type.kind
        return found

    async def apply(
        self,
        type: ResourceType,
        obj: Mapping[str, Any],
        *,
        manager: str,
        force: bool = False,
        dry_run: bool = False,
        subresource: str = "",
        uid: str = "",
    ) -> Applied:
        """Server-side apply with strict field validation. With ``uid``, only to that very object.

        Raises ``FieldConflictError``, ``ReplacedError`` (another object, or none, where ``uid`` was given),
        ``ImmutableError``, ``InvalidError`` and whatever else an API server refuses.
        """
        name, namespace = _identity_of(type, obj)
        if uid:
            obj = {**obj, "metadata": {**obj["metadata"], "uid": uid}}
        location = _location(type, name, namespace)
        call = Call(
            verb="dry-run" if dry_run else "apply",
            method="PATCH",
            path=object_path(type, name, namespace, subresource=subresource),
            query=query_of((*_write(manager, dry_run), ("force", "true" if force else ""))),
            body=encoded(obj, location=location),
            content_type=_APPLY,
            location=location,
            sent=obj,
        )
        reply = await self._send(call)
        return Applied(_object(reply, call), reply.warnings, reply.status == 201)

    async def create(
        self, type: ResourceType, obj: Mapping[str, Any], *, manager: str, dry_run: bool = False
    ) -> dict[str, Any]:
        """Creates an object, once: where an answer got lost, the server is asked whether the object is there.

        Raises ``AlreadyExistsError`` where another one of its name is there. An object without a name
        (``generateName``) can't be asked for: its lost answer is a ``TransientError`` with ``sent`` true.
        """
        name, namespace = _identity_of(type, obj, generated=True)
        location = _location(type, name, namespace)
        call = Call(
            verb="create",
            method="POST",
            path=collection_path(type, namespace),
            query=query_of(_write(manager, dry_run)),
            body=encoded(obj, location=location),
            repeatable=dry_run,
            location=location,
            sent=obj,
        )

        async def send() -> dict[str, Any]:
            return _object(await self._send(call), call)

        async def look() -> dict[str, Any] | None:
            return await self.get(type, name, namespace)

        if not name or dry_run:
            return await send()
        return await create_once(send, look, obj, manager=manager)

    async def merge_patch(
        self,
        type: ResourceType,
        name: str,
        namespace: str,
        patch: Mapping[str, Any],
        *,
        manager: str,
        subresource: str = "",
        dry_run: bool = False,
    ) -> dict[str, Any]:
        """JSON merge patch. With ``metadata.resourceVersion`` in it a changed object is a ``ConflictError``."""
        return await self._patch(type, name, namespace, patch, _MERGE, manager, subresource, dry_run)

    async def json_patch(
        self,
        type: ResourceType,
        name: str,
        namespace: str,
        patch: Sequence[Mapping[str, Any]],
        *,
        manager: str,
        subresource: str = "",
        dry_run: bool = False,
    ) -> dict[str, Any]:
        """JSON patch, a list of operations. Isn't repeated where its answer got lost, as it may add twice."""
        return await self._patch(type, name, namespace, patch, _PATCH, manager, subresource, dry_run)

    async def replace_status(self, type: ResourceType, obj: Mapping[str, Any], *, manager: str) -> dict[str, Any]:
        """Writes the status of an object as it was read: a changed one is a ``ConflictError``.

        Raises ``UsageError`` where the object has no ``resourceVersion``.
        """
        name, namespace = _identity_of(type, obj)
        location = _location(type, name, namespace)
        if not obj["metadata"].get("resourceVersion"):
            raise UsageError("INVALID_REQUEST", f"{location}: its status can't be replaced without a resourceVersion")
        call = Call(
            verb="status",
            method="PUT",
            path=object_path(type, name, namespace, subresource="status"),
            query=query_of(_write(manager, dry_run=False)),
            body=encoded(obj, location=location),
            location=location,
            sent=obj,
        )
        return _object(await self._send(call), call)

    async def delete(
        self,
        type: ResourceType,
        name: str,
        namespace: str = "",
        *,
        uid: str = "",
        resource_version: str = "",
        propagation: str = "Background",
        dry_run: bool = False,
    ) -> Deleted:
        """Deletes an object; one that is absent counts as gone.

        Raises ``ReplacedError`` where an object with another UID has that name, ``ConflictError`` where it has another
        version, ``NotServedError`` where the kind isn't served. Repeated on a lost answer only with ``uid``.
        """
        location = _location(type, name, namespace)
        options: dict[str, Any] = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation}
        preconditions = {"uid": uid, "resourceVersion": resource_version}
        if any(preconditions.values()):
            options["preconditions"] = {key: value for key, value in preconditions.items() if value}
        if dry_run:
            options["dryRun"] = ["All"]
        call = Call(
            verb="dry-run" if dry_run else "delete",
            method="DELETE",
            path=object_path(type, name, namespace),
            body=encoded(options, location=location),
            repeatable=bool(uid) or dry_run,
            location=location,
        )
        try:
            told = _object(await self._send(call), call)
        except NotServedError:
            raise
        except NotFoundError:
            return Deleted(gone=True)
        if told.get("kind") == "Status":
            return Deleted(gone=True)
        return Deleted(gone=not _is_held(told), object=told)

    async def can_i(
        self, verb: str, group: str, resource: str, *, namespace: str = "", name: str = "", subresource: str = ""
    ) -> bool:
        """Whether this identity may do it."""
        wanted = ResourceAttributes(verb, group, resource, namespace, name, subresource)
        return await self._review("SelfSubjectAccessReview", {"resourceAttributes": wanted.fields()})

    async def subject_can(self, user: str, groups: Sequence[str], attributes: ResourceAttributes) -> bool:
        """Whether somebody else may do it; asking needs a permission of its own."""
        spec = {"user": user, "groups": list(groups), "resourceAttributes": attributes.fields()}
        return await self._review("SubjectAccessReview", spec)

    async def rules(self, namespace: str) -> Rules:
        """What this identity may do in a namespace, in one request. Read ``Rules.incomplete`` before trusting it."""
        status = await self._reviewed("SelfSubjectRulesReview", {"namespace": namespace})
        try:
            return msgspec.convert(status, Rules, strict=False)
        except msgspec.ValidationError:
            raise TransientError("CLUSTER_ANSWER_INVALID", "SelfSubjectRulesReview: the answer has no rules") from None

    def watch(
        self,
        type: ResourceType,
        namespace: str = "",
        *,
        resource_version: str,
        label_selector: str = "",
        field_selector: str = "",
        metadata_only: bool = False,
        quiet: float = 75.0,
        bookmarks: bool = False,
    ) -> AsyncGenerator[Event, None]:
        """Changes since a version, for ever: reconnects by itself.

        A stream that has been silent for ``quiet`` seconds is given up and opened again. Bookmarks are used, and
        yielded only if asked for. Whoever leaves it early closes it with ``contextlib.aclosing``. Raises ``Relist``
        where the server has forgotten the version, ``ApiError`` for what waiting doesn't mend.
        """
        call = Call(
            verb="watch",
            method="GET",
            path=collection_path(type, namespace),
            query=query_of((("labelSelector", label_selector), ("fieldSelector", field_selector))),
            accept=_METADATA if metadata_only else JSON,
            location=_location(type, "", namespace),
            identity=self.identity,
        )
        return watch(self._transport, call, type, resource_version=resource_version, quiet=quiet, bookmarks=bookmarks)

    async def raw(
        self,
        method: str,
        path: str,
        *,
        query: str = "",
        body: Mapping[str, Any] | None = None,
        content_type: str = JSON,
        accept: str = JSON,
        repeatable: bool | None = None,
        verb: str = "raw",
    ) -> Reply:
        """Any request. ``path`` is quoted and ``query`` encoded already; GET is repeatable unless said otherwise."""
        call = Call(
            verb=verb,
            method=method,
            path=path,
            query=query,
            body=None if body is None else encoded(body, location=path),
            content_type=content_type,
            accept=accept,
            repeatable=method == "GET" if repeatable is None else repeatable,
            location=path,
            sent=body,
        )
        return await self._send(call)

    async def list(
        self,
        type: ResourceType,
        namespace: str = "",
        *,
        label_selector: str = "",
        field_selector: str = "",
        metadata_only: bool = False,
        page: int = 500,
    ) -> Listing:
        """All objects of a kind, in a namespace or everywhere, ``page`` at a time.

        Each item has ``apiVersion`` and ``kind``. The deadline is for each page.
        """
        call = Call(
            verb="list",
            method="GET",
            path=collection_path(type, namespace),
            query=query_of((("labelSelector", label_selector), ("fieldSelector", field_selector))),
            accept=METADATA_LIST if metadata_only else JSON,
            location=_location(type, "", namespace),
        )
        return await list_pages(self._send, call, type, page=page)

    async def _patch(
        self,
        type: ResourceType,
        name: str,
        namespace: str,
        patch: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        content_type: str,
        manager: str,
        subresource: str,
        dry_run: bool,
    ) -> dict[str, Any]:
        location = _location(type, name, namespace)
        call = Call(
            verb="dry-run" if dry_run else "patch",
            method="PATCH",
            path=object_path(type, name, namespace, subresource=subresource),
            query=query_of(_write(manager, dry_run)),
            body=encoded(patch, location=location),
            content_type=content_type,
            repeatable=content_type == _MERGE or dry_run,
            location=location,
            sent={**patch, "kind": type.kind} if isinstance(patch, Mapping) else None,
        )
        return _object(await self._send(call), call)

    async def _review(self, kind: str, spec: dict[str, Any]) -> bool:
        return (await self._reviewed(kind, spec)).get("allowed") is True

    async def _reviewed(self, kind: str, spec: dict[str, Any]) -> dict[str, Any]:
        call = Call(
            verb="review",
            method="POST",
            path=PATHS[kind],
            body=encoded(review(kind, spec), location=kind),
            location=kind,
        )
        status = _object(await self._send(call), call).get("status")
        return status if isinstance(status, dict) else {}

    async def _send(self, call: Call) -> Reply:
        if self.identity is not None:
            call = msgspec.structs.replace(call, identity=self.identity)
        return await self._transport.send(call, timeout=self.timeout)


@asynccontextmanager
async def open_api(
    connection: Connection,
    *,
    concurrency: int = 16,
    timeout: float = 60.0,
    on_warning: Callable[[str], None] | None = None,
    backoff: Backoff | None = None,
) -> AsyncIterator[Api]:
    """A pool to one server, for as long as the ``async with`` lasts.

    ``concurrency`` is how many requests are under way at once, watches not counted; ``timeout`` is the deadline of each
    call in seconds; ``on_warning`` is told each new ``Warning`` text once. Nothing is sent before the first call.
    """
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=30.0)
    async with aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False, auto_decompress=True
    ) as session:
        transport = Transport(
            connection,
            session,
            concurrency=concurrency,
            warnings=Warnings(on_warning),
            backoff=backoff or Backoff(),
        )

        async def send(call: Call) -> Reply:
            # As whoever the kubeconfig says, whomever an Api impersonates: kinds are the same for all.
            return await transport.send(msgspec.structs.replace(call, identity=connection.identity), timeout=timeout)

        yield Api(transport, Discoverer(send), identity=connection.identity, timeout=timeout)


def _identity_of(type: ResourceType, obj: Mapping[str, Any], *, generated: bool = False) -> tuple[str, str]:
    """Name and namespace of a manifest, which must be of that kind."""
    metadata = obj.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    if not isinstance(metadata, Mapping) or not (name or (generated and metadata.get("generateName"))):
        raise UsageError("INVALID_REQUEST", f"a {type.kind} without metadata.name")
    if obj.get("kind") != type.kind or obj.get("apiVersion") != type.api_version:
        told = f"{obj.get('apiVersion')} {obj.get('kind')}"
        raise UsageError("INVALID_REQUEST", f"{told} {name} was to be sent as {type.api_version} {type.kind}")
    return str(name or ""), str(metadata.get("namespace") or "")


def _write(manager: str, dry_run: bool) -> tuple[tuple[str, str], ...]:
    return (("fieldManager", manager), ("fieldValidation", "Strict"), ("dryRun", "All" if dry_run else ""))


def _location(type: ResourceType, name: str, namespace: str) -> str:
    place = "/".join(part for part in (namespace, name) if part)
    return f"{type.resource} {place}" if place else type.resource


def _object(reply: Reply, call: Call) -> dict[str, Any]:
    try:
        told: dict[str, Any] = msgspec.json.decode(reply.body, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError):
        told = {}
    if not isinstance(told.setdefault("metadata", {}) if call.verb == "review" else told.get("metadata"), dict):
        message = f"{call.request.what}: the answer is no object"
        raise TransientError("CLUSTER_ANSWER_INVALID", message, location=call.location)
    return told


def _is_held(told: Mapping[str, Any]) -> bool:
    """Whether an object that a delete gave back is still there."""
    metadata = told["metadata"]
    spec = told.get("spec") or {}
    waits = bool(metadata.get("finalizers")) or bool(metadata.get("deletionGracePeriodSeconds"))
    return waits or (told.get("kind") == "Namespace" and bool(isinstance(spec, Mapping) and spec.get("finalizers")))
