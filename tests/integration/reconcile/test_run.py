"""``krate-gitops run`` as a process: probes, the lease, and its end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from tests.clusters import World
from tests.controllers import eventually, free_lease, lease, set_lease


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def process(world: World, port: int) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "krate_gitops", "run", "--kubeconfig", str(world.kubeconfig), "--port", str(port)]
    environment = {**os.environ, "KRATE_HOME": str(world.settings.home)}
    with (world.repo.path.parent / f"run-{port}.log").open("wb") as log:
        started = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            yield started
        finally:
            started.kill()
            started.wait()


def probe(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode().strip()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode().strip()
    except OSError:
        return 0, ""


def leads(port: int) -> bool:
    return probe(port, "/readyz") == (200, "leading")


def test_a_process_reconciles_is_probed_and_gives_the_lease_back_when_it_is_told_to_end(world: World) -> None:
    free_lease(world)
    world.install(interval="30s", source={"repoURL": "https://127.0.0.1:1/config.git"})
    port = free_port()
    with process(world, port) as started:
        eventually(lambda: leads(port))
        assert probe(port, "/healthz") == (200, "ok")
        eventually(lambda: world.condition("SourceResolved") == ("False", "Unreachable"))
        assert leads(port), "a source that is broken makes the process no less ready"
        assert str(started.pid) in lease(world)["holderIdentity"]
        started.send_signal(signal.SIGTERM)
        assert started.wait(20) == 0
    assert lease(world)["holderIdentity"] == ""


def test_a_second_process_stands_by_and_takes_over_when_the_first_is_killed(world: World) -> None:
    free_lease(world)
    ports = free_port(), free_port()
    with process(world, ports[0]) as first:
        eventually(lambda: leads(ports[0]))
        with process(world, ports[1]) as second:
            eventually(lambda: probe(ports[1], "/readyz") == (200, "standing by"))
            first.kill()
            first.wait()
            # The wait of the dead one's lease is cut short, so that the test is.
            set_lease(world, leaseDurationSeconds=1)
            eventually(lambda: leads(ports[1]))
            assert str(second.pid) in lease(world)["holderIdentity"]
