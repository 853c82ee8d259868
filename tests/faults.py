"""A proxy that breaks things on purpose, in front of an API server or, without one, in its place.

It speaks HTTP/1.1 to the client, and with TLS to the server where that wants it. Each request is compared with the
faults that were asked for; the first that fits is used up by it. What was seen is kept, so that a test can count.

    with faulty(server_url) as proxy:
        proxy.inject(refusal(429, "TooManyRequests", retry_after=1), method="PATCH")
        ... use proxy.url ...
        assert len(proxy.requests("PATCH")) == 2

It runs in a thread of its own, so it serves clients of any kind.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

_READ = 1 << 16


@dataclass(frozen=True)
class Seen:
    """One request. ``at`` is in seconds of the monotonic clock; ``connection`` numbers the client's connections."""

    method: str
    target: str
    headers: Mapping[str, Sequence[str]]
    body: bytes
    at: float
    connection: int
    fault: str
    """Name of the fault that met it, empty if it went through."""

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> str:
        return urlsplit(self.target).query

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Fault:
    """What happens to a request.

    ``answer`` is a whole HTTP answer that is given instead of the server's, or makes one from the request. ``cut`` says
    where the connection ends without a word: ``before`` the server sees the request, ``after`` it has answered,
    ``within`` its answer, or ``behind`` its whole answer. ``swallow`` lets that many bytes of the answer's body through
    and then nothing, with the connection open. ``hold`` are seconds before anything else. ``before`` and ``after`` are
    called before the server sees the request, and after it has answered but before the client hears of it.
    """

    name: str
    answer: bytes | Callable[[Seen], bytes] | None = None
    cut: str = ""
    swallow: int = -1
    hold: float = 0.0
    before: Callable[[Seen], None] | None = None
    after: Callable[[Seen], None] | None = None


def cut_before() -> Fault:
    """The connection ends before the server sees the request, as when it closes one that was kept open."""
    return Fault("cut before", cut="before")


def lose_answer() -> Fault:
    """The server does what was asked, and the connection ends before its answer."""
    return Fault("lose answer", cut="after")


def cut_within() -> Fault:
    """The connection ends in the middle of the answer."""
    return Fault("cut within", cut="within")


def close_behind() -> Fault:
    """The answer arrives, and then the connection is closed, unannounced."""
    return Fault("close behind", cut="behind")


def black_hole(after: int = 0) -> Fault:
    """The connection stays open, and after so many bytes of the answer's body nothing comes any more."""
    return Fault("black hole", swallow=after)


def hold(seconds: float) -> Fault:
    """The request arrives late."""
    return Fault("hold", hold=seconds)


def at_that_moment(
    *, before: Callable[[Seen], None] | None = None, after: Callable[[Seen], None] | None = None
) -> Fault:
    """Something else happens then: a process is killed, or another client changes the object. Nothing is broken."""
    return Fault("moment", before=before, after=after)


def answer(status: int, body: bytes | str | Mapping[str, Any] = b"", headers: Mapping[str, str] | None = None) -> bytes:
    """A whole HTTP answer. A mapping becomes JSON."""
    fields = {"Content-Type": "application/json", **(headers or {})}
    data = json.dumps(body).encode() if isinstance(body, Mapping) else body.encode() if isinstance(body, str) else body
    if fields.get("Transfer-Encoding") != "chunked":
        fields["Content-Length"] = str(len(data))
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} X\r\n{head}\r\n".encode() + data


def status_body(
    code: int,
    reason: str = "",
    message: str = "",
    *,
    causes: Sequence[Mapping[str, str]] = (),
    details: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A ``Status`` that says no."""
    told: dict[str, Any] = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code}
    told |= {"message": message or f"injected {code}"} | ({"reason": reason} if reason else {})
    if causes or details:
        told["details"] = {**(details or {}), **({"causes": list(causes)} if causes else {})}
    return told


def refusal(
    code: int,
    reason: str = "",
    message: str = "",
    *,
    retry_after: int | None = None,
    causes: Sequence[Mapping[str, str]] = (),
    details: Mapping[str, Any] | None = None,
) -> Fault:
    """The server, or a proxy before it, says no without doing anything."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    body = status_body(code, reason, message, causes=causes, details=details)
    return Fault(f"refusal {code}", answer=answer(code, body, headers))


def replies(make: bytes | Callable[[Seen], bytes], name: str = "reply") -> Fault:
    """Any answer of the test's own."""
    return Fault(name, answer=make)


@dataclass
class _Rule:
    fault: Fault
    method: str
    path: str
    query: str
    left: float
    skip: int

    def takes(self, seen: Seen) -> bool:
        if self.left <= 0 or (self.method and seen.method != self.method):
            return False
        if self.path not in seen.path or self.query not in seen.query:
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.left -= 1
        return True


@dataclass
class _Peer:
    """One client connection and its connection to the server."""

    number: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    server: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    def close(self) -> None:
        for writer in (self.writer, *((self.server[1],) if self.server else ())):
            with suppress(Exception):
                writer.transport.abort()
        self.server = None


@dataclass
class FaultProxy:
    """See the module. Made by ``faulty``."""

    upstream: str = ""
    tls: ssl.SSLContext | None = None
    server_name: str = ""
    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    _rules: list[_Rule] = field(default_factory=list)
    _peers: dict[int, _Peer] = field(default_factory=dict)
    _count: int = 0
    _loop: asyncio.AbstractEventLoop | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def inject(
        self, fault: Fault, *, method: str = "", path: str = "", query: str = "", times: float = 1, skip: int = 0
    ) -> None:
        """Lets ``fault`` happen to the next ``times`` requests of that method whose path and query contain the texts.

        The first ``skip`` of them go through. Earlier rules come first.
        """
        with self._lock:
            self._rules.append(_Rule(fault, method, path, query, times, skip))

    def clear(self) -> None:
        """Forgets the faults that are still to come."""
        with self._lock:
            self._rules.clear()

    def requests(self, method: str = "", path: str = "", query: str = "") -> list[Seen]:
        """What was asked so far."""
        with self._lock:
            return [
                one
                for one in self.seen
                if (not method or one.method == method) and path in one.path and query in one.query
            ]

    def cut_all(self) -> None:
        """Ends all connections, as a server that is restarted does."""
        assert self._loop is not None
        done = threading.Event()

        def close() -> None:
            for peer in list(self._peers.values()):
                peer.close()
            done.set()

        self._loop.call_soon_threadsafe(close)
        done.wait(5)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._count += 1
        peer = self._peers[self._count] = _Peer(self._count, reader, writer)
        try:
            while await self._exchange(peer):
                pass
        except (OSError, EOFError, asyncio.CancelledError):
            pass  # the stream's own callback reports a cancelled task as an error
        finally:
            peer.close()
            self._peers.pop(peer.number, None)

    async def _exchange(self, peer: _Peer) -> bool:
        """One request and its answer. False when the connection has ended."""
        try:
            head = await peer.reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return False
        first, headers = _parse(head)
        raw = b"".join([chunk async for chunk in _body(headers, peer.reader)])
        method, target, _ = first.split(" ", 2)
        fault, seen = self._note(method, target, headers, raw, peer.number)
        if fault.hold:
            await asyncio.sleep(fault.hold)
        if fault.before is not None:
            fault.before(seen)
        if fault.cut == "before":
            return False
        if fault.answer is not None:
            made = fault.answer if isinstance(fault.answer, bytes) else fault.answer(seen)
            peer.writer.write(made)
            await peer.writer.drain()
            return b"connection: close" not in made.partition(b"\r\n\r\n")[0].lower()
        if not self.upstream:
            peer.writer.write(answer(404, status_body(404, "NotFound", "no server behind this proxy")))
            await peer.writer.drain()
            return True
        return await self._forward(peer, head, raw, seen, fault)

    def _note(
        self, method: str, target: str, headers: dict[str, list[str]], raw: bytes, connection: int
    ) -> tuple[Fault, Seen]:
        seen = Seen(method, target, headers, raw, time.monotonic(), connection, "")
        with self._lock:
            fault = next((rule.fault for rule in self._rules if rule.takes(seen)), Fault(""))
            seen = replace(seen, fault=fault.name)
            self.seen.append(seen)
        return fault, seen

    async def _forward(self, peer: _Peer, head: bytes, raw: bytes, seen: Seen, fault: Fault) -> bool:
        if peer.server is None:
            peer.server = await self._connect()
        reader, writer = peer.server
        writer.write(self._for_server(head) + raw)
        await writer.drain()
        told = await reader.readuntil(b"\r\n\r\n")
        if fault.after is not None:
            fault.after(seen)
        line, fields = _parse(told)
        status = int(line.split(" ", 2)[1])
        bodiless = seen.method == "HEAD" or status in (204, 304)
        body = _body(fields, reader, until_end=True) if not bodiless else _nothing()
        if fault.cut == "after":
            async for _ in body:
                pass
            return False
        peer.writer.write(told)
        passed = 0
        async for chunk in body:
            if fault.swallow >= 0 and passed + len(chunk) > fault.swallow:
                await peer.writer.drain()
                await peer.reader.read()  # until the client gives up
                return False
            if fault.cut == "within":
                peer.writer.write(chunk[: max(len(chunk) // 2, 1)])
                await peer.writer.drain()
                await asyncio.sleep(0.05)
                return False
            passed += len(chunk)
            peer.writer.write(chunk)
            await peer.writer.drain()
        if fault.swallow >= 0:
            await peer.reader.read()
            return False
        await peer.writer.drain()
        if fault.cut == "behind":
            await asyncio.sleep(0.01)
            return False
        closing = "close" in ",".join(fields.get("connection", [])).lower()
        return not closing and "close" not in ",".join(seen.headers.get("connection", [])).lower()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        parts = urlsplit(self.upstream)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        name = self.server_name or None if self.tls else None
        return await asyncio.open_connection(parts.hostname, port, ssl=self.tls, server_hostname=name, limit=_READ * 16)

    def _for_server(self, head: bytes) -> bytes:
        host = urlsplit(self.upstream).netloc.encode()
        lines = head.split(b"\r\n")
        return b"\r\n".join(b"Host: " + host if line.lower().startswith(b"host:") else line for line in lines)


def _parse(head: bytes) -> tuple[str, dict[str, list[str]]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    headers: dict[str, list[str]] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            headers.setdefault(name.strip().lower(), []).append(value.strip())
    return first, headers


async def _body(
    headers: Mapping[str, Sequence[str]], reader: asyncio.StreamReader, *, until_end: bool = False
) -> AsyncIterator[bytes]:
    """A body as it is on the wire, framing included, in pieces as they arrive."""
    if "chunked" in ",".join(headers.get("transfer-encoding", ())).lower():
        while True:
            line = await reader.readuntil(b"\r\n")
            size = int(line.split(b";")[0], 16)
            yield line + await reader.readexactly(size + 2)
            if size == 0:
                return
    length = headers.get("content-length")
    if length is not None:
        left = int(length[0])
        while left and (chunk := await reader.read(min(left, _READ))):
            left -= len(chunk)
            yield chunk
    elif until_end:
        while chunk := await reader.read(_READ):
            yield chunk


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""


@contextmanager
def faulty(
    upstream: str = "",
    *,
    tls: ssl.SSLContext | None = None,
    server_name: str = "",
    serve_tls: ssl.SSLContext | None = None,
) -> Iterator[FaultProxy]:
    """A proxy on a port of its own, in front of the server at ``upstream``; ``tls`` is used towards that server.

    Without ``upstream`` only injected answers are given, and 404. With ``serve_tls`` clients must speak TLS too.
    """
    proxy = FaultProxy(upstream=upstream, tls=tls, server_name=server_name)
    ready = threading.Event()
    stop: asyncio.Event | None = None

    async def run() -> None:
        nonlocal stop
        stop = asyncio.Event()
        proxy._loop = asyncio.get_running_loop()
        server = await asyncio.start_server(proxy._serve, "127.0.0.1", 0, limit=_READ * 16, ssl=serve_tls)
        port = server.sockets[0].getsockname()[1]
        proxy.url = f"{'https' if serve_tls else 'http'}://127.0.0.1:{port}"
        ready.set()
        await stop.wait()
        server.close()
        for peer in list(proxy._peers.values()):
            peer.close()
        await asyncio.sleep(0)
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    thread = threading.Thread(target=lambda: asyncio.run(run()), name="faults", daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield proxy
    finally:
        assert proxy._loop is not None
        assert stop is not None
        proxy._loop.call_soon_threadsafe(stop.set)
        thread.join(10)
