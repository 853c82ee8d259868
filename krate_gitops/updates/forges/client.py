"""The one way to talk to a forge: bounded in time, size and repetitions, and closed to everything but our own errors.

One connection for each call, no redirects, no proxy, no credentials of the user: a token goes to the address it was
given for and nowhere else. A call is repeated after a rate limit, for then it wasn't carried out, and after a failure
of the way or of the server only where carrying it out twice does no harm.
"""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from krate_gitops.errors import KrateError, UnavailableError, UsageError
from krate_gitops.updates.forges.refusals import Reply, refusal, waiting_time

_T = TypeVar("_T")
_TOKEN = re.compile(r"[\x21-\x7e]{1,4096}")
_LOOPBACK = frozenset(("127.0.0.1", "::1", "localhost"))
_AGENT = "krate-gitops"


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of one call: seconds for each try, seconds of waiting between tries in all, tries, bytes, pages."""

    seconds: float = 30.0
    patience: float = 60.0
    tries: int = 4
    body_bytes: int = 16 << 20
    pages: int = 100


class Token:
    """A token that shows itself to nobody."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        """Raises ``UsageError(CONFIG_INVALID)`` for what can't stand in a header."""
        if not _TOKEN.fullmatch(text):
            raise UsageError("CONFIG_INVALID", "the forge's token is empty, or has characters that no token has")
        self._text = text

    def reveal(self) -> str:
        """The token, for a header."""
        return self._text

    def hide_in(self, text: str) -> str:
        """The text without the token."""
        return text.replace(self._text, "[REDACTED]")

    def __repr__(self) -> str:
        return "Token(…)"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a token is not written down")


class Endpoint(msgspec.Struct, frozen=True):
    """Where a forge's interface is: an address without credentials, such as ``https://api.github.com``."""

    url: str

    def __post_init__(self) -> None:
        """Raises ``UsageError(CONFIG_INVALID)``."""
        try:
            parts = urlsplit(self.url)
            port = parts.port
        except ValueError:
            parts, port = urlsplit(""), None
        is_plain = not (parts.username or parts.password or parts.query or parts.fragment)
        if parts.scheme not in ("https", "http") or not parts.hostname or not is_plain or port == 0:
            raise UsageError("CONFIG_INVALID", "the forge's address is no https address without credentials")
        if not re.fullmatch(r"[\x21-\x7e]+", self.url):
            raise UsageError("CONFIG_INVALID", "the forge's address has characters that no address has")

    @property
    def host(self) -> str:
        """Host, for people."""
        return urlsplit(self.url).hostname or ""

    @property
    def is_private(self) -> bool:
        """Whether nobody on the way can read a token that is sent there."""
        return self.url.startswith("https:") or self.host in _LOOPBACK


class Clock(NamedTuple):
    """How to wait some seconds, and what time it is in seconds since 1970."""

    pause: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.time


class ForgeClient:
    """Calls below one address, with one token."""

    def __init__(
        self,
        endpoint: Endpoint,
        token: Token | None,
        *,
        scheme: str = "Bearer",
        headers: Mapping[str, str] | None = None,
        limits: Limits | None = None,
        clock: Clock | None = None,
    ) -> None:
        """``scheme`` stands before the token. Raises ``UsageError(CONFIG_INVALID)`` for a token over plain http."""
        if token is not None and not endpoint.is_private:
            raise UsageError(
                "CONFIG_INVALID",
                f"a token isn't sent to {endpoint.host} over plain http",
                hint="use the https address of the forge",
            )
        self.endpoint = endpoint
        self.limits = limits or Limits()
        self._token = token
        self._headers = {"Accept": "application/json", "User-Agent": _AGENT, **(headers or {})}
        if token is not None:
            self._headers["Authorization"] = f"{scheme} {token.reveal()}"
        self._clock = clock or Clock()

    def __repr__(self) -> str:
        return f"ForgeClient({self.endpoint.url!r})"

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        body: object = None,
        repeats: bool | None = None,
    ) -> Reply:
        """The answer to a call, which has a status of 2xx. ``path`` comes quoted, ``body`` is sent as JSON.

        ``repeats`` says that the call may be carried out twice; by itself that is GET. Raises ``UnavailableError``
        (``FORGE_UNAVAILABLE``, ``FORGE_NOT_FOUND``, ``RATE_LIMITED``), ``DeniedError(FORGE_DENIED)`` and
        ``KrateError(FORGE_CONFLICT)``.
        """
        may_repeat = method == "GET" if repeats is None else repeats
        patience = self.limits.patience
        for number in range(1, self.limits.tries + 1):
            reply, fault = self._try(method, path, query, body)
            if reply is not None and 200 <= reply.status < 300:
                return reply
            wait = waiting_time(reply, number, now=self._clock.now(), may_repeat=may_repeat)
            if wait is None or number == self.limits.tries or wait > patience:
                break
            patience -= wait
            self._clock.pause(wait)
        if reply is None:
            raise self._unreachable(fault)
        raise refusal(reply, self.endpoint.host, now=self._clock.now(), hide=self._hide)

    def ask(
        self,
        method: str,
        path: str,
        kind: type[_T],
        *,
        query: Mapping[str, str | int] | None = None,
        body: object = None,
        repeats: bool | None = None,
    ) -> _T:
        """The answer as a value of ``kind``. Raises as ``call``, and ``FORGE_UNAVAILABLE`` for another form."""
        return self._decoded(self.call(method, path, query=query, body=body, repeats=repeats), kind)

    def pages(
        self, path: str, kind: type[_T], *, size_name: str, size: int, query: Mapping[str, str | int] | None = None
    ) -> Iterator[_T]:
        """Items of a list, page by page, for as long as the forge says that there are more.

        Addresses of further pages are never followed, pages are only counted. Raises as ``ask``, and
        ``FORGE_UNAVAILABLE`` for a list that doesn't end.
        """
        seen = 0
        for number in range(1, self.limits.pages + 1):
            reply = self.call("GET", path, query={**(query or {}), size_name: size, "page": number})
            items: list[_T] = self._decoded(reply, list[kind])  # type: ignore[valid-type]
            seen += len(items)
            yield from items
            if not items or not reply.has_more(seen):
                return
        raise UnavailableError(
            "FORGE_UNAVAILABLE",
            f"{self.endpoint.host} lists more than {seen} items",
            hint="close what is no longer needed",
        )

    def _decoded(self, reply: Reply, kind: type[_T]) -> _T:
        try:
            return msgspec.json.decode(reply.body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise UnavailableError(
                "FORGE_UNAVAILABLE",
                f"{self.endpoint.host} answers in a form that isn't understood",
                hint="check that the address is that of the forge's interface, and that its version is supported",
            ) from None

    def _hide(self, text: str) -> str:
        return self._token.hide_in(text) if self._token else text

    def _unreachable(self, fault: str) -> KrateError:
        return UnavailableError(
            "FORGE_UNAVAILABLE",
            f"{self.endpoint.host} can't be reached: {self._hide(fault)}",
            hint="check the address and the network; the same again is safe",
        )

    def _try(
        self, method: str, path: str, query: Mapping[str, str | int] | None, body: object
    ) -> tuple[Reply | None, str]:
        """An answer, or what came between."""
        connection = self._connection()
        watch = _Watch(connection, self.limits.seconds)
        try:
            with watch:
                return self._converse(connection, method, path, query, body), ""
        except (OSError, http.client.HTTPException, ValueError) as error:
            if watch.rang or isinstance(error, TimeoutError):
                return None, f"no whole answer within {self.limits.seconds:g} seconds"
            return None, _plain(error)
        finally:
            connection.close()

    def _converse(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        query: Mapping[str, str | int] | None,
        body: object,
    ) -> Reply:
        target = urlsplit(self.endpoint.url).path.rstrip("/") + path
        if query:
            target += f"?{urlencode(query, quote_via=quote)}"
        headers, content = dict(self._headers), None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = msgspec.json.encode(body)
        connection.request(method, target, body=content, headers=headers)
        response = connection.getresponse()
        limit = self.limits.body_bytes
        data = response.read(limit + 1)
        if len(data) > limit:
            raise http.client.HTTPException(f"the answer has more than {limit} bytes")
        return Reply(response.status, {name.lower(): value for name, value in response.getheaders()}, data)

    def _connection(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.endpoint.url)
        host, seconds = parts.hostname or "", self.limits.seconds
        if parts.scheme == "https":
            return http.client.HTTPSConnection(host, parts.port, timeout=seconds, context=ssl.create_default_context())
        return http.client.HTTPConnection(host, parts.port, timeout=seconds)


class _Watch:
    """Cuts a connection after some seconds in all: a time-out of a socket starts anew with every byte that trickles."""

    def __init__(self, connection: http.client.HTTPConnection, seconds: float) -> None:
        self.rang = False
        self._connection = connection
        self._timer = threading.Timer(seconds, self._ring)
        self._timer.daemon = True

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        if self.rang:
            raise TimeoutError

    def _ring(self) -> None:
        self.rang = True
        sock: socket.socket | None = self._connection.sock
        if sock is not None:
            with contextlib.suppress(OSError):
                # Of the plain socket: that of TLS would begin to say good-bye, from the wrong thread.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)


def quoted(*segments: str | int) -> str:
    """A path of segments, each with its slashes quoted: ``/repos/acme/brain``."""
    return "".join(f"/{quote(str(one), safe='')}" for one in segments)


def _plain(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate isn't trusted: {error.verify_message}"
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return "".join(c if c.isprintable() else " " for c in str(said))[:200]
