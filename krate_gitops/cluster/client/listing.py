"""Lists: page after page, decoded at once, each item with its kind."""

from __future__ import annotations

import gc
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import msgspec

from krate_gitops.cluster.client.calls import Call, query_of
from krate_gitops.cluster.client.failures import GoneError, TooLargeError, TransientError
from krate_gitops.cluster.client.kinds import ResourceType
from krate_gitops.cluster.client.transport import Reply

_MOST_ITEMS = 200_000


class Listing(NamedTuple):
    """All objects of a kind at one version of the store. ``pages`` is the number of requests that told of them."""

    items: list[dict[str, Any]]
    resource_version: str
    pages: int


class _Metadata(msgspec.Struct, rename={"resource_version": "resourceVersion", "more": "continue"}):
    resource_version: str = ""
    more: str = ""


class _Page(msgspec.Struct):
    """Both members must be there: an answer of something else must not look like an empty list."""

    metadata: _Metadata
    items: list[dict[str, Any]] | None


_DECODER = msgspec.json.Decoder(_Page)


async def list_pages(send: Callable[[Call], Awaitable[Reply]], call: Call, type: ResourceType, *, page: int) -> Listing:
    """Follows the pages of ``call``, whose query says what to select.

    The pages belong to one version. Where the server has forgotten it in the middle, the list begins anew, once.
    Raises ``ApiError``.
    """
    try:
        return await _all_pages(send, call, type, page)
    except GoneError:
        return await _all_pages(send, call, type, page)


async def _all_pages(send: Callable[[Call], Awaitable[Reply]], call: Call, type: ResourceType, page: int) -> Listing:
    items: list[dict[str, Any]] = []
    more, pages, version = "", 0, ""
    while True:
        paging = query_of((("limit", str(page) if page else ""), ("continue", more)))
        query = "&".join(part for part in (call.query, paging) if part)
        reply = await send(msgspec.structs.replace(call, query=query))
        pages += 1
        try:
            got = _decoded(reply.body)
        except (msgspec.MsgspecError, RecursionError):
            message = f"{call.request.what}: the answer isn't a list of objects"
            raise TransientError("CLUSTER_ANSWER_INVALID", message, location=call.location) from None
        version = version or got.metadata.resource_version
        items.extend(got.items or ())
        if len(items) > _MOST_ITEMS:
            message = f"{call.request.what}: more than {_MOST_ITEMS:,} objects"
            raise TooLargeError("CLUSTER_TOO_LARGE", message, location=call.location)
        if not got.metadata.more:
            break
        if got.metadata.more == more:
            message = f"{call.request.what}: the server gives the same page again"
            raise TransientError("CLUSTER_ANSWER_INVALID", message, location=call.location)
        more = got.metadata.more
    if not all(isinstance(item.get("metadata"), dict) for item in items):
        message = f"{call.request.what}: an object without metadata"
        raise TransientError("CLUSTER_ANSWER_INVALID", message, location=call.location)
    for item in items:
        # Items of built-in kinds come without, and those with metadata alone under another name.
        item["apiVersion"], item["kind"] = type.api_version, type.kind
    return Listing(items, version, pages)


def _decoded(body: bytes) -> _Page:
    """One page. Values of JSON hold no cycles, and looking for some meanwhile takes twice as long as the decoding."""
    paused = gc.isenabled()
    gc.disable()
    try:
        return _DECODER.decode(body)
    finally:
        if paused:
            gc.enable()
