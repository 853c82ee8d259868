"""The protocol over streamable HTTP: one path, POST alone, nothing kept between requests.

Without sessions there are none to take over, to forget or to run out of. Both protocol revisions work without: the
older one allows it, the newer one has none.
"""

from __future__ import annotations

import hmac
import ipaddress
import socket
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec
import uvicorn
from mcp.server.lowlevel import Server
from mcp.server.transport_security import TransportSecuritySettings
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from krate_gitops.errors import UnavailableError
from krate_gitops.server.mcp.protocol import CALLER
from krate_gitops.server.mcp.signals import stopping

PATH = "/mcp"
LOOPBACK = frozenset(("localhost", "127.0.0.1", "::1"))
_LARGEST_REQUEST = 4 << 20
_SECONDS_TO_FINISH = 5


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """Who may ask. ``hosts`` are names this server is reached by; without ``tokens`` everybody who reaches it may."""

    hosts: frozenset[str] = LOOPBACK
    any_address: bool = False
    """Whether a Host that is an address and no name is let in: no name of an attacker can resolve to it."""
    tokens: Sequence[str] = msgspec.field(default=())


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises ``UnavailableError(SERVICE_UNAVAILABLE)``."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise UnavailableError(
            "SERVICE_UNAVAILABLE",
            f"can't listen on {host}:{port}: {error.strerror or error}",
            hint="choose another port, or end what uses this one",
        ) from error


def serve_http(server: Server[Any], listening: socket.socket, access: Access) -> None:
    """Serves until a signal says stop; ``KeyboardInterrupt`` if that was SIGINT."""
    app = server.streamable_http_app(
        streamable_http_path=PATH,
        json_response=True,
        stateless_http=True,
        max_request_body_size=_LARGEST_REQUEST,
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),  # the gate does it
    )
    # No logging configuration: uvicorn's own would print its access log to standard output.
    config = uvicorn.Config(
        Gate(app, access),
        log_config=None,
        ws="none",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_SECONDS_TO_FINISH,
    )
    # uvicorn handles the signals itself, and hands them on to whoever handled them before when it has ended.
    with stopping(lambda: None):
        uvicorn.Server(config).run(sockets=[listening])


class Gate:
    """Lets through what is meant for this server and comes from somebody who may ask; says whose request it is."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        await self._app({**scope, CALLER: self._caller(headers)}, receive, send)

    def _refusal(self, scope: Scope, headers: Headers) -> JSONResponse | None:
        """The answer to a request that is not let through; who asks is looked at last, or it would tell of the rest."""
        if not self._is_ours(_host_name(headers.get("host", ""))):
            return _refused(421, "INVALID_REQUEST", "this server has another name; see --allow-host")
        origin = headers.get("origin")
        if origin is not None and not self._is_ours(_origin_name(origin)):
            return _refused(403, "POLICY_DENIED", "pages of that origin may not ask here; see --allow-host")
        if self._caller(headers) is None:
            refusal = _refused(401, "UNAUTHENTICATED", "a bearer token is needed")
            refusal.headers["WWW-Authenticate"] = "Bearer"
            return refusal
        if scope["path"] == PATH and scope["method"] != "POST":
            refusal = _refused(405, "INVALID_REQUEST", "there are no sessions and no streams; use POST")
            refusal.headers["Allow"] = "POST"
            return refusal
        return None

    def _is_ours(self, name: str | None) -> bool:
        if name is None:
            return False
        return name in self._access.hosts or (self._access.any_address and _is_address(name))

    def _caller(self, headers: Headers) -> str | None:
        """Whose budget it is: that of a token by its place in the list, or everybody's; None for a stranger."""
        if not self._access.tokens:
            return "http"
        scheme, _, given = headers.get("authorization", "").partition(" ")
        offered = given.strip().encode() if scheme.lower() == "bearer" else b""
        # All are compared, so that the time does not tell which one was nearly right.
        matches = [hmac.compare_digest(offered, token.encode()) for token in self._access.tokens]
        return f"token-{matches.index(True) + 1}" if any(matches) else None


def _host_name(value: str) -> str | None:
    """The host of a Host header, without its port and in lower case; None for what is none."""
    return _origin_name(f"http://{value}")


def _origin_name(value: str) -> str | None:
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        return None
    bare = not (parts.path or parts.query or parts.fragment or "@" in parts.netloc)
    return parts.hostname if bare and parts.scheme in ("http", "https") else None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _refused(status: int, code: str, message: str) -> JSONResponse:
    return JSONResponse({"error": {"code": code, "message": message}}, status_code=status)
