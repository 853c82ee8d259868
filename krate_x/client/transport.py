"""A pool of connections to one API server: bounded concurrency, deadlines, retries, renewed credentials."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from typing import NamedTuple

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from krate_gitops import __version__
from krate_gitops.cluster.client.calls import Call, Calls
from krate_gitops.cluster.client.connection import Connection
from krate_gitops.cluster.client.failures import AuthError, TooLargeError, TransientError
from krate_gitops.cluster.client.retries import Backoff, may_repeat
from krate_gitops.cluster.client.status import Answer, failure
from krate_gitops.cluster.client.warnings import Warnings
from krate_gitops.errors import UnavailableError

_CONNECT_SECONDS = 10.0
_LEAST_ATTEMPT = 5.0
"""Seconds that one attempt gets at least, where the deadline has them."""
_MOST_BYTES = 256 * 1024 * 1024
"""Longest answer. A page of 500 large objects is far below it."""
_LARGE = 1 << 20
_USER_AGENT = f"krate-gitops/{__version__}"


class Reply(NamedTuple):
    """A successful answer. ``warnings`` are texts of ``Warning`` headers."""

    status: int
    body: bytes
    etag: str = ""
    content_type: str = ""
    warnings: tuple[str, ...] = ()


class Transport:
    """Sends calls over kept connections. One for all identities; not for several event loops."""

    def __init__(
        self,
        connection: Connection,
        session: aiohttp.ClientSession,
        *,
        concurrency: int,
        warnings: Warnings,
        backoff: Backoff,
    ) -> None:
        self.connection = connection
        self.calls = Calls()
        self.warnings = warnings
        self.backoff = backoff
        self._session = session
        self._slots = asyncio.Semaphore(concurrency)

    async def send(self, call: Call, *, timeout: float) -> Reply:
        """One call, with its retries, in ``timeout`` seconds from the moment it has a place among the concurrent ones.

        A call that waits to be repeated keeps its place: a server that is busy isn't asked for more meanwhile.
        Raises ``ApiError``, or ``UnavailableError`` where the server's certificate isn't trusted.
        """
        async with self._slots:
            loop = asyncio.get_running_loop()
            deadline = loop.time() + timeout
            attempt = 1
            renewed = False
            while True:
                used = self.connection.credentials
                try:
                    return await self._attempt(call, deadline - loop.time(), retry=attempt > 1)
                except AuthError:
                    if renewed:
                        raise
                    renewed = True
                    await self.connection.refresh(used=used)
                except TransientError as error:
                    wait = self.backoff.wait(attempt, retry_after=error.retry_after)
                    if (
                        not may_repeat(error, repeatable=call.repeatable)
                        or attempt >= self.backoff.attempts
                        or loop.time() + wait >= deadline
                    ):
                        raise
                    await asyncio.sleep(wait)
                attempt += 1

    async def _attempt(self, call: Call, remaining: float, *, retry: bool) -> Reply:
        """One request. Raises ``ApiError``, which is ``TransientError`` where no whole answer came."""
        # Half of what is left, so that a request that got lost leaves time for another.
        seconds = max(remaining / 2, min(remaining, _LEAST_ATTEMPT)) if call.repeatable else remaining
        try:
            async with asyncio.timeout(max(seconds, 0.001)), self._open(call, retry=retry) as response:
                body = await _read(response, call)
                if not _is_success(response.status):
                    raise failure(Answer(response.status, body, response.headers), call.request)
                headers = response.headers
                warned = headers.getall("Warning", None)
                return Reply(
                    response.status,
                    body,
                    headers.get("ETag", ""),
                    headers.get("Content-Type", ""),
                    self.warnings.note(warned) if warned else (),
                )
        except TimeoutError:
            raise _lost(call, f"no answer within {seconds:.1f} s", sent=True) from None

    @asynccontextmanager
    async def stream(self, call: Call, *, quiet: float) -> AsyncIterator[aiohttp.ClientResponse]:
        """An answer that is read while it comes; ``quiet`` seconds without a byte end it with ``TransientError``.

        It takes no place among the concurrent calls. Raises ``ApiError``; doesn't retry.
        """
        try:
            async with self._open(call, retry=False, quiet=quiet) as response:
                if not _is_success(response.status):
                    answer = Answer(response.status, await _read(response, call), response.headers)
                    raise failure(answer, call.request)
                yield response
        except TimeoutError:
            raise _lost(call, f"nothing came for {quiet:.0f} s", sent=True) from None

    @asynccontextmanager
    async def _open(
        self, call: Call, *, retry: bool, quiet: float | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        connection = self.connection
        if connection.is_stale:
            await connection.refresh()
        credentials = connection.credentials
        url = URL(f"{credentials.server}{call.path}{'?' if call.query else ''}{call.query}", encoded=True)
        self.calls.count(call.verb, retry=retry)
        try:
            async with self._session.request(
                call.method,
                url,
                data=_payload(call.body),
                headers=_headers(call, credentials.authorization),
                ssl=connection.tls(),
                server_hostname=credentials.server_name or None,
                proxy=credentials.proxy or None,
                allow_redirects=False,  # it would carry the credentials to another host
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS, sock_read=quiet),
            ) as response:
                yield response
        except aiohttp.ClientSSLError as error:
            told = (
                getattr(getattr(error, "certificate_error", error), "verify_message", "") or "the TLS handshake failed"
            )
            raise UnavailableError("CLUSTER_TLS", f"{call.request.what}: {told}", location=call.location) from None
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            reason = getattr(getattr(error, "os_error", None), "strerror", "") or "no connection"
            raise _lost(call, f"can't reach the API server: {reason}", sent=False) from None
        except aiohttp.ServerTimeoutError:
            raise TimeoutError from None
        except (aiohttp.ClientError, OSError) as error:
            if isinstance(error, TimeoutError):
                raise
            raise _lost(call, f"the connection broke ({type(error).__name__})", sent=True) from None


def _payload(body: bytes | None) -> bytes | BytesIO | None:
    """Large bodies as a file: the library writes those in pieces, and warns of others."""
    return BytesIO(body) if body is not None and len(body) >= _LARGE else body


def _headers(call: Call, authorization: str) -> CIMultiDict[str]:
    headers = CIMultiDict({"Accept": call.accept, "User-Agent": _USER_AGENT, "Accept-Encoding": "gzip"})
    if authorization:
        headers["Authorization"] = authorization
    if call.body is not None:
        headers["Content-Type"] = call.content_type
    if call.identity is not None:
        headers["Impersonate-User"] = call.identity.user
        for group in call.identity.groups:
            headers.add("Impersonate-Group", group)
    headers.extend(call.headers)
    return headers


def _is_success(status: int) -> bool:
    """A redirection is none: no API server answers with one, and it isn't followed."""
    return 200 <= status < 300 or status == 304


async def _read(response: aiohttp.ClientResponse, call: Call) -> bytes:
    length = response.content_length
    if length is not None and length <= 1 << 20 and "Content-Encoding" not in response.headers:
        return await response.read()
    chunks, size = [], 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > _MOST_BYTES:
            message = f"{call.request.what}: the answer is longer than {_MOST_BYTES:,} bytes"
            raise TooLargeError("CLUSTER_TOO_LARGE", message, location=call.location)
        chunks.append(chunk)
    return b"".join(chunks)


def _lost(call: Call, why: str, *, sent: bool) -> TransientError:
    error = TransientError("CLUSTER_UNREACHABLE", f"{call.request.what}: {why}", location=call.location)
    error.sent = sent
    return error
