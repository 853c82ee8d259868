"""Runs a development cluster: in this process until it is told to stop, or in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import uvicorn

from krate_gitops.cluster.dev.certificates import certificates
from krate_gitops.cluster.dev.cluster import Behaviour, Cluster
from krate_gitops.cluster.dev.controllers.definitions import DefinitionController
from krate_gitops.cluster.dev.controllers.garbage import GarbageCollector
from krate_gitops.cluster.dev.controllers.namespaces import NamespaceController
from krate_gitops.cluster.dev.folder import Running, describe, users_file
from krate_gitops.cluster.dev.http.app import App
from krate_gitops.errors import UnavailableError

HOST = "127.0.0.1"

_SECONDS_TO_START = 30.0
_SECONDS_TO_FINISH = 2
_SECONDS_TO_DIE = 5


@contextlib.contextmanager
def serve(data_dir: Path, *, port: int = 0, behaviour: Behaviour | None = None, host: str = HOST) -> Iterator[Running]:
    """A cluster in a process of its own, until the block ends. Port 0: a free one.

    Raises ``UnavailableError(CLUSTER_UNAVAILABLE)`` if it doesn't start.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    log = data_dir / "server.log"
    with listen(host, port) as listening:
        running = describe(data_dir, host, listening.getsockname()[1])
        process = _start(data_dir, listening, host, behaviour or Behaviour(), log)
    try:
        _wait(process, running, log)
        yield running
    finally:
        process.terminate()
        try:
            process.wait(_SECONDS_TO_FINISH + _SECONDS_TO_DIE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _start(
    folder: Path, listening: socket.socket, host: str, behaviour: Behaviour, log: Path
) -> subprocess.Popen[bytes]:
    arguments = [str(folder), str(listening.fileno()), host, msgspec.json.encode(behaviour).decode()]
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "krate_gitops.cluster.dev.server", *arguments],
            pass_fds=(listening.fileno(),),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )


def _wait(process: subprocess.Popen[bytes], running: Running, log: Path) -> None:
    """Waits until the server answers. Raises ``UnavailableError``."""
    context = ssl.create_default_context(cafile=str(running.authority))
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    end = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), opener.open(f"{running.url}/readyz", timeout=2):
            return
        time.sleep(0.02)
    tail = log.read_text(encoding="utf-8", errors="replace")[-500:]
    raise UnavailableError("CLUSTER_UNAVAILABLE", "the development cluster did not start", hint=tail, location=str(log))


def listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections. Raises ``UnavailableError`` where the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(1024)
    except OSError as error:
        listening.close()
        raise UnavailableError(
            "CLUSTER_UNAVAILABLE", f"can't listen on {host}:{port}: {error.strerror}", hint="choose another --port"
        ) from error
    return listening


def run(
    folder: Path,
    listening: socket.socket,
    behaviour: Behaviour,
    *,
    host: str = HOST,
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Serves the cluster in ``folder`` until SIGINT or SIGTERM; calls ``ready`` when it does.

    Raises ``UnavailableError`` for a folder that can't be used.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = certificates(folder, host)
    cluster = Cluster(folder, users_file(folder), behaviour)
    config = uvicorn.Config(
        _WithLifespan(App(cluster), _Life(cluster, ready)),
        log_config=None,
        ws="none",
        http="httptools",
        loop="uvloop",
        access_log=False,
        server_header=False,
        ssl_certfile=str(files.certificate),
        ssl_keyfile=str(files.key),
        timeout_graceful_shutdown=_SECONDS_TO_FINISH,
        timeout_keep_alive=300,
    )
    try:
        _Server(config, cluster).run(sockets=[listening])
    finally:
        cluster.close()


class _Server(uvicorn.Server):
    """A server that ends watches when it is told to stop, and doesn't wait for clients to do so."""

    def __init__(self, config: uvicorn.Config, cluster: Cluster) -> None:
        super().__init__(config)
        self._cluster = cluster

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends what goes on."""
        self._cluster.watchers.end()
        await super().shutdown(sockets)


class _Life:
    """What goes on beside the requests."""

    def __init__(self, cluster: Cluster, ready: Callable[[], None]) -> None:
        self._cluster = cluster
        self._ready = ready
        behaviour = cluster.behaviour
        self._definitions = DefinitionController(cluster)
        self._namespaces = NamespaceController(cluster) if behaviour.namespace_controller else None
        self._collector = GarbageCollector(cluster) if behaviour.garbage_collector else None

    @contextlib.asynccontextmanager
    async def lived(self) -> AsyncIterator[None]:
        """Begins it, and ends it with the block."""
        for controller in (self._definitions, self._namespaces, self._collector):
            if controller is not None:
                controller.start()
        compaction = asyncio.ensure_future(self._compact(self._cluster.behaviour.compaction))
        self._ready()
        try:
            yield
        finally:
            compaction.cancel()

    async def _compact(self, seconds: float) -> None:
        """Forgets the past from time to time: what was there at the last round is the oldest that can be asked for."""
        while True:
            before = self._cluster.store.version
            await asyncio.sleep(seconds)
            self._cluster.store.exact_from = before


class _WithLifespan:
    """An application with the beginning and the end that ASGI servers announce."""

    def __init__(self, app: App, life: _Life) -> None:
        self._app = app
        self._life = life

    async def __call__(
        self,
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[dict[str, Any]]],
        send: Callable[[dict[str, Any]], Awaitable[None]],
    ) -> None:
        """The entry of ASGI."""
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return
        await receive()
        async with self._life.lived():
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})


def main(arguments: list[str]) -> None:
    """What ``serve`` starts: folder, open socket, host and behaviour are its arguments."""
    folder, descriptor, host, behaviour = arguments
    listening = socket.socket(fileno=int(descriptor))
    run(Path(folder), listening, msgspec.json.decode(behaviour.encode(), type=Behaviour), host=host)


if __name__ == "__main__":
    main(sys.argv[1:])
