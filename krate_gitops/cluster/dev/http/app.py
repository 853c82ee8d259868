"""The server as an ASGI application: from a request to its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from krate_gitops.cluster.dev.access.attributes import Attributes
from krate_gitops.cluster.dev.cluster import Cluster
from krate_gitops.cluster.dev.controllers.agenda import whereabouts
from krate_gitops.cluster.dev.failure import ApiFailure
from krate_gitops.cluster.dev.http import encode
from krate_gitops.cluster.dev.http.bodies import LARGEST_BODY, too_large
from krate_gitops.cluster.dev.http.negotiation import clauses, plain
from krate_gitops.cluster.dev.http.paths import Target, parse
from krate_gitops.cluster.dev.http.request import Headers, Query, Request, Response, Stream
from krate_gitops.cluster.dev.http.routes import Routes
from krate_gitops.cluster.dev.refusals import PlainNotFoundError

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class App:
    """Answers requests to one cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._routes = Routes(cluster)
        self._log = structlog.get_logger("dev.cluster")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The entry of ASGI."""
        if scope["type"] != "http":
            return
        headers = Headers(scope["headers"])
        accept = clauses(headers.get("accept"))
        warnings: list[str] = []
        try:
            query = Query(scope["query_string"].decode("latin-1"))
            request = Request(scope["method"], scope["path"], query, headers, b"", plain(accept))
            target = parse(request.method, request.path, request.query)
            answer = await self._answer(request, target, accept, receive, warnings)
        except PlainNotFoundError:
            answer = encode.text("404 page not found\n", status=404)
        except ApiFailure as refusal:
            answer = encode.failure(refusal, plain(accept))
        except RecursionError:
            # Bodies are bounded, but patch after patch may nest an object ever deeper.
            answer = encode.failure(ApiFailure(400, "BadRequest", "exceeded max depth"), plain(accept))
        except Exception:
            # Without the message and the values of the exception: objects may hold secrets.
            self._log.error("request_failed", method=scope["method"], path=scope["path"], at=whereabouts())
            problem = ApiFailure(500, "InternalError", "Internal error occurred")
            answer = encode.failure(problem, plain(accept))
        if isinstance(answer, Stream):
            await _stream(answer, warnings, receive, send)
        else:
            await _send(answer, warnings, send, head=scope["method"] == "HEAD")

    async def _answer(
        self, request: Request, target: Target, accept: list[Any], receive: Receive, warnings: list[str]
    ) -> Response | Stream:
        access = self._cluster.access
        user = access.authenticate(request.headers)  # type: ignore[arg-type]
        what = _attributes(target)
        user = access.impersonated(user, request.headers, what)  # type: ignore[arg-type]
        access.authorize(user, what)
        if request.method in ("POST", "PUT", "PATCH", "DELETE"):
            request.body = await _body(request.headers, receive)
        return await self._routes.answer(request, target, user, accept, warnings)


def _attributes(target: Target) -> Attributes:
    if not target.is_resource:
        return Attributes(target.verb, path=target.path)
    return Attributes(
        target.verb,
        target.group,
        target.resource,
        target.subresource,
        target.name,
        target.namespace,
    )


async def _body(headers: Headers, receive: Receive) -> bytes:
    """The body of a request. Raises ``ApiFailure`` 413."""
    length = headers.get("content-length") or "0"
    if length.isdecimal() and int(length) > LARGEST_BODY:
        raise too_large()
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        part = message.get("body", b"")
        size += len(part)
        if size > LARGEST_BODY:
            raise too_large()
        parts.append(part)
        if not message.get("more_body"):
            break
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _headers(content_type: str, others: tuple[tuple[str, str], ...], warnings: list[str]) -> list[tuple[bytes, bytes]]:
    found = [(b"cache-control", b"no-cache, private")] if not any(name == "Cache-Control" for name, _ in others) else []
    if content_type:
        found.append((b"content-type", content_type.encode()))
    found += [(name.lower().encode(), value.encode()) for name, value in others]
    for text in warnings:
        quoted = text.replace("\\", "\\\\").replace('"', '\\"')
        found.append((b"warning", f'299 - "{quoted}"'.encode()))
    return found


async def _send(answer: Response, warnings: list[str], send: Send, *, head: bool) -> None:
    headers = _headers(answer.content_type, answer.headers, warnings)
    headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else answer.body})


async def _stream(answer: Stream, warnings: list[str], receive: Receive, send: Send) -> None:
    """Sends the parts of a stream until it ends or the client goes."""
    headers = _headers(answer.content_type, (), warnings)
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    # The head goes out now: a client that has it knows that the watch has begun.
    await send({"type": "http.response.body", "body": b"", "more_body": True})
    sending = asyncio.ensure_future(_send_parts(answer, send))
    leaving = asyncio.ensure_future(_disconnected(receive))
    try:
        await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (sending, leaving):
            task.cancel()
        await asyncio.gather(sending, leaving, return_exceptions=True)
        await answer.parts.aclose()  # type: ignore[attr-defined]


async def _send_parts(answer: Stream, send: Send) -> None:
    async for part in answer.parts:
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
