from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from krate_gitops.cluster.client.connection import Connection, load_connection
from krate_gitops.cluster.client.kinds import ResourceType
from tests.api_servers import KUBECONFIG, api_server, faulty_api_server
from tests.faults import FaultProxy
from tests.integration.cluster.client.scripted import talk

NAMESPACE = ResourceType("", "v1", "Namespace", "namespaces", False)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of its own authority for ``api.example.com``, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    file, key = folder / "cert.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", str(key), "-out", str(file), "-days", "2", "-subj", "/CN=api.example.com"]
    command += ["-addext", "subjectAltName=DNS:api.example.com"]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("no openssl program")
    return file, key


@pytest.fixture(scope="session")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An administrator's way into an API server."""
    if KUBECONFIG not in os.environ and find_spec("krate_gitops.cluster.dev.server") is None:
        pytest.skip(f"no development server here, and {KUBECONFIG} names no other")
    with api_server(tmp_path_factory.mktemp("cluster")) as file:
        yield file


@pytest.fixture(scope="session")
def cluster(kubeconfig: Path) -> Connection:
    """A connection to it."""
    return load_connection(kubeconfig, None)


@pytest.fixture
def faults(kubeconfig: Path) -> Iterator[tuple[Connection, FaultProxy]]:
    """A connection through a proxy that breaks what the test asks for."""
    with faulty_api_server(kubeconfig) as both:
        yield both


@pytest.fixture
def namespace(cluster: Connection) -> Iterator[str]:
    """A namespace of the test's own. It is left behind Terminating where no controller finishes it."""
    name = f"krate-client-{secrets.token_hex(4)}"
    manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    talk(cluster, lambda api: api.create(NAMESPACE, manifest, manager="test"))
    yield name
    talk(cluster, lambda api: api.delete(NAMESPACE, name))
