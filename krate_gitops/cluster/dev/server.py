"""Runs a development cluster: in this process until it is told to stop, or in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import msgspec
import uvicorn
import yaml

from krate_gitops.cluster.dev.access.identity import MASTERS
from krate_gitops.cluster.dev.access.users import read_tokens
from krate_gitops.cluster.dev.cluster import Behaviour, Cluster
from krate_gitops.cluster.dev.controllers.definitions import DefinitionController
from krate_gitops.cluster.dev.controllers.garbage import GarbageCollector
from krate_gitops.cluster.dev.controllers.namespaces import NamespaceController
from krate_gitops.cluster.dev.http.app import App
from krate_gitops.errors import UnavailableError

HOST = "127.0.0.1"
ADMIN, LIMITED = "admin", "limited"
_LIMITED_GROUP = "limited-group"
_SECONDS_TO_START = 20.0
_SECONDS_TO_FINISH = 2


class Running(msgspec.Struct, frozen=True):
    """A cluster that answers. ``limited_kubeconfig`` is of a user without rights of his own."""

    url: str
    admin_kubeconfig: Path
    limited_kubeconfig: Path
    token: str


@contextlib.contextmanager
def serve(
    data_dir: Path, *, port: int = 0, behaviour: Behaviour | None = None, host: str = HOST
) -> Iterator[Running]:
    """A cluster in a process of its own, until the block ends. Port 0: a free one.

    Raises ``UnavailableError(CLUSTER_UNAVAILABLE)`` if it doesn't start.
    """
    chosen = behaviour or Behaviour()
    with listen(host, port) as listening:
        port = listening.getsockname()[1]
        data_dir.mkdir(parents=True, exist_ok=True)
        log = data_dir / "server.log"
        command = [sys.executable, "-m", "krate_gitops.cluster.dev.server", str(data_dir), str(listening.fileno())]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        with log.open("ab") as output:
            process = subprocess.Popen(
                [*command, msgspec.json.encode(chosen).decode()],
                pass_fds=(listening.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment,
            )
        try:
            yield _wait(process, data_dir, f"http://{host}:{port}", log)
        finally:
            process.terminate()
            try:
                process.wait(_SECONDS_TO_FINISH + 5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(process: subprocess.Popen[bytes], folder: Path, url: str, log: Path) -> Running:
    """Waits until the server answers. Raises ``UnavailableError``."""
    end = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/readyz", timeout=1):  # noqa: S310 - our own
            return describe(folder, url)
        time.sleep(0.02)
    tail = log.read_text(encoding="utf-8", errors="replace")[-500:]
    raise UnavailableError(
        "CLUSTER_UNAVAILABLE", "the development cluster did not start", hint=tail, location=str(log)
    )


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
    listening.set_inheritable(True)
    return listening


def describe(folder: Path, url: str) -> Running:
    """Users, tokens and kubeconfigs of the cluster in ``folder``, made where they are missing."""
    folder.mkdir(parents=True, exist_ok=True)
    tokens = {user.name: token for token, user in read_tokens(_users(folder)).items()}
    admin, limited = folder / "admin.kubeconfig", folder / "limited.kubeconfig"
    write_kubeconfig(admin, url, ADMIN, tokens[ADMIN])
    if LIMITED in tokens:
        write_kubeconfig(limited, url, LIMITED, tokens[LIMITED])
    return Running(url, admin, limited, tokens[ADMIN])


def _users(folder: Path) -> Path:
    """The users file: an administrator, and somebody without rights."""
    path = folder / "users.csv"
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"{secrets.token_urlsafe(32)},{ADMIN},{ADMIN},{MASTERS}\n")
            file.write(f"{secrets.token_urlsafe(32)},{LIMITED},{LIMITED},{_LIMITED_GROUP}\n")
    return path


def write_kubeconfig(path: Path, url: str, user: str, token: str) -> None:
    """Writes a kubeconfig that only its owner can read."""
    name = "krate-dev"
    value = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{"name": name, "cluster": {"server": url}}],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": user}}],
    }
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        yaml.safe_dump(value, file, sort_keys=False)
    fresh.replace(path)


def run(folder: Path, listening: socket.socket, behaviour: Behaviour, *, ready: Callable[[], None] = lambda: None) -> None:
    """Serves the cluster in ``folder`` until SIGINT or SIGTERM."""
    users = _users(folder)
    cluster = Cluster(folder, users, behaviour)
    controllers = [DefinitionController(cluster)]
    others = [NamespaceController] if behaviour.namespace_controller else []
    running = [*controllers, *(kind(cluster) for kind in others)]
    collector = GarbageCollector(cluster) if behaviour.garbage_collector else None
    app = App(cluster)

    async def lifespan() -> AsyncIterator[None]:
        for controller in running:
            controller.start()
        if collector is not None:
            collector.start()
        compaction = asyncio.ensure_future(_compact(cluster, behaviour.compaction))
        ready()
        yield
        compaction.cancel()
        cluster.watchers.end()

    config = uvicorn.Config(
        _WithLifespan(app, lifespan),
        log_config=None,
        ws="none",
        http="httptools",
        loop="uvloop",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_SECONDS_TO_FINISH,
        timeout_keep_alive=300,
    )
    try:
        uvicorn.Server(config).run(sockets=[listening])
    finally:
        cluster.close()


async def _compact(cluster: Cluster, seconds: float) -> None:
    """Forgets the past from time to time: what was there at the last round is the oldest that can be asked for."""
    while True:
        before = cluster.store.version
        await asyncio.sleep(seconds)
        cluster.store.exact_from = before


class _WithLifespan:
    """Begins and ends what goes on beside the requests."""

    def __init__(self, app: App, lifespan: Callable[[], AsyncIterator[None]]) -> None:
        self._app = app
        self._lifespan = lifespan

    async def __call__(self, scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        """The entry of ASGI."""
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return
        life = self._lifespan()
        await receive()
        await anext(life)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        with contextlib.suppress(StopAsyncIteration):
            await anext(life)
        await send({"type": "lifespan.shutdown.complete"})


def main(arguments: list[str]) -> None:
    """What ``serve`` starts: the folder, an open socket and the behaviour are its arguments."""
    folder, descriptor, behaviour = arguments
    listening = socket.socket(fileno=int(descriptor))
    run(Path(folder), listening, msgspec.json.decode(behaviour.encode(), type=Behaviour))


if __name__ == "__main__":
    main(sys.argv[1:])
