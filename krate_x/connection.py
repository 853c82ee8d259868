"""Where the API server is and how to get in: from a kubeconfig or from within a cluster."""

from __future__ import annotations

import asyncio
import os
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import msgspec

from krate_gitops.cluster.client.credentials import (
    Credentials,
    from_kubeconfig,
    in_cluster,
    is_in_cluster,
    without_userinfo,
)
from krate_gitops.cluster.client.identity import Identity
from krate_gitops.errors import UnavailableError, UsageError

_PLUGIN_SECONDS = 120.0
"""Longest a credential plugin may take. A person may have to log in meanwhile."""
_DEFAULT_PATH = "~/.kube/config"


class Connection(msgspec.Struct, kw_only=True, eq=False):
    """A server and a source of credentials, which are read again when they end. Shows no secret."""

    credentials: Credentials
    read: Callable[[], Credentials]
    """Reads the credentials again; may run a plugin, so it may take long and fail."""
    read_at: float = msgspec.field(default_factory=time.monotonic)
    _tls: ssl.SSLContext | None = None
    _reading: tuple[asyncio.AbstractEventLoop, asyncio.Lock] | None = None

    @property
    def server(self) -> str:
        """Base URL of the server, without a slash at its end."""
        return self.credentials.server

    @property
    def identity(self) -> Identity | None:
        """Whom the kubeconfig asks to speak for, if anybody."""
        return self.credentials.identity

    @property
    def is_stale(self) -> bool:
        """Whether the credentials should be read again before they are used."""
        return time.monotonic() - self.read_at > self.credentials.good_for

    def tls(self) -> ssl.SSLContext | bool:
        """What to trust in the server, and the client's certificate; True where the URL is plain http.

        Raises ``UsageError`` for files that aren't what they should be.
        """
        if self.server.startswith("http://"):
            return True
        if self._tls is None:
            self._tls = _tls_context(self.credentials)
        return self._tls

    async def refresh(self, *, used: Credentials | None = None) -> None:
        """Reads the credentials again, once for all who wait.

        With ``used``, only if they are still the ones in use: several requests may be refused at once.
        """
        async with self._lock():
            if self.credentials is used if used is not None else self.is_stale:
                fresh = await asyncio.to_thread(self.read)
                if fresh.certificate_file or fresh.ca_file != self.credentials.ca_file:
                    # The files may hold something new under the same names. Connections hang on the context, so
                    # requests from now on make new ones.
                    self._tls = None
                self.credentials = fresh
                self.read_at = time.monotonic()

    def _lock(self) -> asyncio.Lock:
        """A lock belongs to one event loop, and a connection may outlive several."""
        loop = asyncio.get_running_loop()
        if self._reading is None or self._reading[0] is not loop:
            self._reading = (loop, asyncio.Lock())
        return self._reading[1]

    def __repr__(self) -> str:
        return f"Connection({without_userinfo(self.server)!r})"


def load_connection(kubeconfig: Path | None, context: str | None) -> Connection:
    """The connection that a kubeconfig describes.

    Without a path: the files in ``KUBECONFIG``, else ``~/.kube/config``, else the credentials of the pod. ``context``
    None is the current one. Raises ``UsageError`` for files that can't be used, ``UnavailableError`` where there is no
    configuration or a credential plugin fails.
    """
    paths = _paths(kubeconfig)
    if paths is None:
        if context is not None:
            raise UsageError("KUBECONFIG_INVALID", f"there is no kubeconfig with a context {context!r}")
        return Connection(credentials=in_cluster(), read=in_cluster)

    def read() -> Credentials:
        return _in_time(lambda: from_kubeconfig(paths, context), seconds=_PLUGIN_SECONDS)

    return Connection(credentials=read(), read=read)


def _paths(kubeconfig: Path | None) -> str | None:
    if kubeconfig is not None:
        if not kubeconfig.is_file():
            raise UsageError("KUBECONFIG_INVALID", f"there is no file {kubeconfig}")
        return str(kubeconfig)
    named = os.environ.get("KUBECONFIG", "")
    if named:
        return named
    default = Path(_DEFAULT_PATH).expanduser()
    # In a pod, a home without a kubeconfig is the normal case.
    return str(default) if default.is_file() and not (is_in_cluster() and not default.stat().st_size) else None


def _in_time(read: Callable[[], Credentials], *, seconds: float) -> Credentials:
    """Runs ``read`` with a limit: the package waits for a plugin for ever."""
    got: list[Credentials | BaseException] = []

    def run() -> None:
        try:
            got.append(read())
        except BaseException as error:
            got.append(error)

    thread = Thread(target=run, name="credentials", daemon=True)
    thread.start()
    thread.join(seconds)
    if not got:
        raise UnavailableError(
            "CLUSTER_CREDENTIALS_FAILED", f"the credentials took longer than {seconds:.0f} s to read"
        )
    if isinstance(got[0], BaseException):
        raise got[0]
    return got[0]


def _tls_context(credentials: Credentials) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=credentials.ca_file or None)
        # The authority's own certificate is trusted as it is; those of many clusters lack what strict checks ask for.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if not credentials.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if credentials.certificate_file:
            context.load_cert_chain(credentials.certificate_file, credentials.key_file or None)
    except (OSError, ValueError) as error:
        what = getattr(error, "reason", None) or type(error).__name__
        raise UsageError(
            "KUBECONFIG_INVALID", f"a certificate or key of the kubeconfig can't be used: {what}"
        ) from None
    return context
