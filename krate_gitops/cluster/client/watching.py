"""A watch that doesn't end: reconnects where it stopped, and notices when a stream has died silently.

A connection that something in between has dropped looks like a quiet one. So the server is asked to end each stream
before ``quiet`` seconds have passed, and a stream that hasn't ended by then is dead.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, NamedTuple

import msgspec

from krate_gitops.cluster.client.calls import Call, query_of
from krate_gitops.cluster.client.failures import ApiError, AuthError, GoneError, Relist, TransientError
from krate_gitops.cluster.client.kinds import ResourceType
from krate_gitops.cluster.client.status import Answer, failure, is_from_future
from krate_gitops.cluster.client.transport import Transport

_LONGEST_LINE = 16 * 1024 * 1024
_LONGEST_WAIT = 30.0
_SHORTEST_STREAM = 0.5
"""Seconds; a stream that ends sooner is followed by a pause."""


class Event(NamedTuple):
    """One change. ``kind`` is ADDED, MODIFIED, DELETED (with the last state) or BOOKMARK (only a version)."""

    kind: str
    object: dict[str, Any]


class _Line(msgspec.Struct):
    type: str
    object: dict[str, Any]


_DECODER = msgspec.json.Decoder(_Line)


async def watch(
    transport: Transport, call: Call, type: ResourceType, *, resource_version: str, quiet: float, bookmarks: bool
) -> AsyncGenerator[Event, None]:
    """Events of ``call``, whose query selects, from a version on.

    Raises ``Relist`` on 410, ``ApiError`` for what waiting doesn't mend. A server out of reach is waited for without
    end, with growing pauses: how long that is bearable is for the caller to say.
    """
    at = resource_version
    failed = 0
    renewed = False
    loop = asyncio.get_running_loop()
    while True:
        used = transport.connection.credentials
        opened = loop.time()
        wait = 0.0
        try:
            async with aclosing(_stream(transport, call, type, at, quiet)) as events:
                async for event in events:
                    failed, renewed = 0, False
                    at = str(event.object["metadata"].get("resourceVersion") or at)
                    if bookmarks or event.kind != "BOOKMARK":
                        yield event
        except AuthError:
            if renewed:
                raise
            renewed = True
            await transport.connection.refresh(used=used)
            continue
        except GoneError as error:
            raise _relist(error) from None
        except TransientError as error:
            if is_from_future(error):
                # The store was set back; waiting for the version could take for ever.
                raise _relist(error) from None
            wait = error.retry_after
            opened = loop.time()
        if loop.time() - opened < _SHORTEST_STREAM:
            # Also where the server only hangs up at once: it must not be asked in a tight loop.
            failed += 1
            await asyncio.sleep(min(transport.backoff.wait(failed, retry_after=wait), _LONGEST_WAIT))
        else:
            failed = 0


async def _stream(
    transport: Transport, call: Call, type: ResourceType, at: str, quiet: float
) -> AsyncGenerator[Event, None]:
    """One connection's events. Ends when the server ends it."""
    ends = str(max(int(quiet * 0.8), 1))
    parameters = (("watch", "1"), ("allowWatchBookmarks", "true"), ("resourceVersion", at), ("timeoutSeconds", ends))
    query = "&".join(part for part in (call.query, query_of(parameters)) if part)
    asked = msgspec.structs.replace(call, query=query)
    async with transport.stream(asked, quiet=quiet) as response:
        begun: list[bytes] = []
        length = 0
        async for chunk in response.content.iter_any():
            *lines, rest = chunk.split(b"\n")
            if lines:
                lines[0] = b"".join((*begun, lines[0]))
                begun, length = [], 0
            begun.append(rest)
            length += len(rest)
            if length > _LONGEST_LINE:
                message = f"{call.request.what}: an event without end"
                raise TransientError("CLUSTER_ANSWER_INVALID", message, location=call.location)
            for line in lines:
                if line.strip():
                    yield _event(line, call, type)
        if last := b"".join(begun).strip():
            yield _event(last, call, type)


def _relist(error: ApiError) -> Relist:
    told = Relist("CLUSTER_VERSION_GONE", error.message, location=error.location)
    told.status, told.reason = error.status, error.reason
    return told


def _event(line: bytes, call: Call, type: ResourceType) -> Event:
    try:
        got = _DECODER.decode(line)
    except (msgspec.MsgspecError, RecursionError):
        message = f"{call.request.what}: a line of the stream is no event"
        raise TransientError("CLUSTER_ANSWER_INVALID", message, location=call.location) from None
    if got.type == "ERROR":
        code = got.object.get("code")
        raise failure(Answer(code if isinstance(code, int) else 500, got.object), call.request)
    if not isinstance(got.object.get("metadata"), dict):
        message = f"{call.request.what}: an event without metadata"
        raise TransientError("CLUSTER_ANSWER_INVALID", message, location=call.location)
    got.object["apiVersion"], got.object["kind"] = type.api_version, type.kind
    return Event(got.type, got.object)
