"""A forge for tests: a real HTTP server that answers as the forge does, holds every request against the forge's
published description, and can fail on demand.
"""

from __future__ import annotations

import abc
import contextlib
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from tests.integration.forges.description import Description, Operation
from tests.integration.forges.world import Refused, World

TOKEN = "token-3f9c1d7e5b"


class Seen(NamedTuple):
    """A request as it came."""

    method: str
    path: str
    query: str
    body: bytes


class Answer(NamedTuple):
    """An answer; ``content`` is sent as JSON unless it is bytes or None."""

    status: int
    content: Any = None
    headers: dict[str, str] = {}  # noqa: RUF012


class Fault(NamedTuple):
    """Answers requests whose method and path match, in place of the forge, ``times`` times. None hangs up."""

    pattern: str
    answer: Answer | Callable[[BaseHTTPRequestHandler], None] | None
    times: int = 1
    after: bool = False
    """Whether the forge carries the request out first."""


class FakeForge(abc.ABC):
    """A running forge."""

    root = ""
    """Where the described paths begin."""

    def __init__(self, description: Description) -> None:
        self.world = World()
        self.seen: list[Seen] = []
        self.violations: list[str] = []
        self.faults: list[Fault] = []
        self.token = TOKEN
        self.url = ""
        self._description = description
        self._lock = threading.RLock()

    def fail(
        self, pattern: str, answer: Answer | Callable[..., None] | None, *, times: int = 1, after: bool = False
    ) -> None:
        self.faults.append(Fault(pattern, answer, times, after))

    def count(self, pattern: str) -> int:
        return sum(1 for one in self.seen if re.fullmatch(pattern, f"{one.method} {one.path}"))

    @contextlib.contextmanager
    def running(self) -> Iterator[str]:
        forge = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    forge.answer(self)

            do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads, server.block_on_close = True, False
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_address[1]}{self.root}"
        try:
            yield self.url
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        path, _, query = request.path.partition("?")
        body = request.rfile.read(int(request.headers.get("Content-Length", "0")))
        seen = Seen(request.command, path.removeprefix(self.root), query, body)
        with self._lock:
            self.seen.append(seen)
            fault = self._fault(seen)
        if fault is not None and not fault.after:
            _send_fault(request, fault)
            return
        answer = self._authenticated(request, seen)
        if fault is not None:
            _send_fault(request, fault)
            return
        _send(request, answer)

    def _fault(self, seen: Seen) -> Fault | None:
        for at, fault in enumerate(self.faults):
            if re.fullmatch(fault.pattern, f"{seen.method} {seen.path}"):
                if fault.times == 1:
                    del self.faults[at]
                else:
                    self.faults[at] = fault._replace(times=fault.times - 1)
                return fault
        return None

    def _authenticated(self, request: BaseHTTPRequestHandler, seen: Seen) -> Answer:
        if request.headers.get("Authorization") != self.authorization(self.token):
            return Answer(401, {"message": "Bad credentials"})
        with self._lock:
            operation = self.check(seen)
            try:
                answer = self.route(seen, parse_qs(seen.query), json.loads(seen.body) if seen.body else {})
            except Refused as refused:
                return Answer(refused.status, {"message": str(refused)})
            if operation is not None and answer.content is not None and answer.status < 300:
                faults = operation.check_answer(answer.status, json.dumps(answer.content).encode())
                self.violations += [f"answer of {operation.name}: {fault}" for fault in faults]
            return answer

    def check(self, seen: Seen) -> Operation | None:
        """Notes what of a request isn't as described."""
        found = self._description.operation(seen.method, self.described_path(seen.path))
        if found is None:
            self.violations.append(f"{seen.method} {seen.path} isn't described")
            return None
        operation, values = found
        faults = operation.check_path(values)
        faults += operation.check_query(seen.query, more=frozenset(self.more_parameters(operation.name)))
        faults += operation.check_body(seen.body, more=self.more_fields(operation.name))
        self.violations += [f"{operation.name}: {fault}" for fault in faults]
        return operation

    def described_path(self, path: str) -> str:
        return path

    def more_parameters(self, name: str) -> frozenset[str]:
        """Query parameters of newer versions than the one described."""
        return frozenset()

    def more_fields(self, name: str) -> dict[str, Any]:
        """Fields of newer versions than the one described, with their schemas."""
        return {}

    @abc.abstractmethod
    def authorization(self, token: str) -> str: ...

    @abc.abstractmethod
    def route(self, seen: Seen, query: dict[str, list[str]], content: dict[str, Any]) -> Answer: ...


def _send_fault(request: BaseHTTPRequestHandler, fault: Fault) -> None:
    if fault.answer is None:
        request.close_connection = True
        request.connection.close()
    elif isinstance(fault.answer, Answer):
        _send(request, fault.answer)
    else:
        fault.answer(request)


def _send(request: BaseHTTPRequestHandler, answer: Answer) -> None:
    content = answer.content
    data = b"" if content is None else content if isinstance(content, bytes) else json.dumps(content).encode()
    request.send_response(answer.status)
    for name, value in answer.headers.items():
        request.send_header(name, value)
    if answer.status != 204:
        request.send_header("Content-Length", str(len(data)))
    request.end_headers()
    if answer.status != 204:
        request.wfile.write(data)


def trickle(seconds: float) -> Callable[[BaseHTTPRequestHandler], None]:
    """Sends a header a byte at a time, for longer than anybody should wait."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        end = time.monotonic() + seconds
        request.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while time.monotonic() < end:
            request.wfile.write(b"z")
            request.wfile.flush()
            time.sleep(0.02)

    return answer


def one_of(query: dict[str, list[str]], name: str, default: str = "") -> str:
    return query.get(name, [default])[0]


def paged(items: list[Any], query: dict[str, list[str]], size_name: str, largest: int) -> tuple[list[Any], int, bool]:
    """The items of a page, the page's number, and whether there are more."""
    size = min(int(one_of(query, size_name, "30")), largest)
    number = int(one_of(query, "page", "1"))
    start = (number - 1) * size
    return items[start : start + size], number, start + size < len(items)
