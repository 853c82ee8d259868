"""The API of a cluster: the few verbs that a reconciler needs, each one request, over a pool of kept connections."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import msgspec

from krate_gitops.cluster.client.calls import JSON, Call, Calls, encoded
from krate_gitops.cluster.client.connection import Connection
from krate_gitops.cluster.client.creating import create_once
from krate_gitops.cluster.client.discovery import Discoverer, Discovery
from krate_gitops.cluster.client.failures import NotFoundError, NotServedError
from krate_gitops.cluster.client.identity import Identity, service_account
from krate_gitops.cluster.client.kinds import ResourceType
from krate_gitops.cluster.client.listing import Listing, list_pages
from krate_gitops.cluster.client.replies import Applied, Deleted, is_held, object_of
from krate_gitops.cluster.client.requests import (
    MERGE,
    PATCH,
    apply_call,
    create_call,
    delete_call,
    get_call,
    identity_of,
    list_call,
    patch_call,
    review_call,
)
from krate_gitops.cluster.client.retries import Backoff
from krate_gitops.cluster.client.reviews import ResourceAttributes, Rules, rules_of
from krate_gitops.cluster.client.transport import Reply, Transport
from krate_gitops.cluster.client.warnings import Warnings
from krate_gitops.cluster.client.watching import Event, watch
from krate_gitops.errors import UsageError

__all__ = [
    "Api",
    "Applied",
    "Deleted",
    "Event",
    "Identity",
    "Listing",
    "ResourceAttributes",
    "open_api",
    "service_account",
]

# Python before these doesn't end a TLS connection whose peer breaks off while it is closed: the library does it then.
_LOSES_CLOSED = sys.version_info < (3, 12, 8)


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
        call = get_call(type, name, namespace, metadata_only=metadata_only)
        try:
            found = await self._told(call)
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
        call = apply_call(type, obj, manager=manager, force=force, dry_run=dry_run, subresource=subresource, uid=uid)
        reply = await self._send(call)
        return Applied(object_of(reply, call), reply.warnings, reply.status == 201)

    async def create(
        self, type: ResourceType, obj: Mapping[str, Any], *, manager: str, dry_run: bool = False
    ) -> dict[str, Any]:
        """Creates an object, once: where an answer got lost, the server is asked whether the object is there.

        Raises ``AlreadyExistsError`` where another one of its name is there. An object without a name
        (``generateName``) can't be asked for: its lost answer is a ``TransientError`` with ``sent`` true.
        """
        call = create_call(type, obj, manager=manager, dry_run=dry_run)
        name, namespace = identity_of(type, obj, generated=True)
        if not name or dry_run:
            return await self._told(call)
        return await create_once(
            lambda: self._told(call), lambda: self.get(type, name, namespace), obj, manager=manager
        )

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
        call = patch_call(
            type, name, namespace, patch,
            content_type=MERGE, manager=manager, subresource=subresource, dry_run=dry_run,
        )  # fmt: skip
        return await self._told(call)

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
        call = patch_call(
            type, name, namespace, patch,
            content_type=PATCH, manager=manager, subresource=subresource, dry_run=dry_run,
        )  # fmt: skip
        return await self._told(call)

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
        call = delete_call(
            type, name, namespace, uid=uid, resource_version=resource_version, propagation=propagation, dry_run=dry_run
        )
        try:
            told = await self._told(call)
        except NotServedError:
            raise
        except NotFoundError:
            return Deleted(gone=True)
        if told.get("kind") == "Status":
            return Deleted(gone=True)
        return Deleted(gone=not is_held(told), object=told)

    async def can_i(
        self, verb: str, group: str, resource: str, *, namespace: str = "", name: str = "", subresource: str = ""
    ) -> bool:
        """Whether this identity may do it."""
        wanted = ResourceAttributes(verb, group, resource, namespace, name, subresource)
        status = await self._reviewed("SelfSubjectAccessReview", {"resourceAttributes": wanted.fields()})
        return status.get("allowed") is True

    async def subject_can(self, user: str, groups: Sequence[str], attributes: ResourceAttributes) -> bool:
        """Whether somebody else may do it; asking needs a permission of its own."""
        spec = {"user": user, "groups": [*groups], "resourceAttributes": attributes.fields()}
        return (await self._reviewed("SubjectAccessReview", spec)).get("allowed") is True

    async def rules(self, namespace: str) -> Rules:
        """What this identity may do in a namespace, in one request. Read ``Rules.incomplete`` before trusting it."""
        return rules_of(await self._reviewed("SelfSubjectRulesReview", {"namespace": namespace}))

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
        call = list_call(
            type, namespace,
            label_selector=label_selector, field_selector=field_selector, metadata_only=metadata_only, verb="watch",
        )  # fmt: skip
        call = msgspec.structs.replace(call, identity=self.identity)
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
        call = list_call(
            type, namespace, label_selector=label_selector, field_selector=field_selector, metadata_only=metadata_only
        )
        return await list_pages(self._send, call, type, page=page)

    async def _reviewed(self, kind: str, spec: dict[str, Any]) -> dict[str, Any]:
        status = (await self._told(review_call(kind, spec))).get("status")
        return status if isinstance(status, dict) else {}

    async def _told(self, call: Call) -> dict[str, Any]:
        return object_of(await self._send(call), call)

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
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=30.0, enable_cleanup_closed=_LOSES_CLOSED)
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
