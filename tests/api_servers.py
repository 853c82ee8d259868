"""An API server for tests: the cluster that ``KRATE_TEST_KUBECONFIG`` names, else one of our own; with faults, too.

Tests make their own namespaces and must not mind what else is there. Only an API server is needed: no controllers.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from krate_gitops.cluster.client.connection import Connection, load_connection
from krate_gitops.cluster.client.credentials import Credentials
from tests.faults import FaultProxy, faulty

KUBECONFIG = "KRATE_TEST_KUBECONFIG"


@contextmanager
def api_server(folder: Path) -> Iterator[Path]:
    """The kubeconfig of an administrator. A development server keeps its data in ``folder``."""
    named = os.environ.get(KUBECONFIG)
    if named:
        yield Path(named)
        return
    from krate_gitops.cluster.dev.server import serve

    with serve(folder) as running:
        yield running.admin_kubeconfig


@contextmanager
def faulty_api_server(kubeconfig: Path) -> Iterator[tuple[Connection, FaultProxy]]:
    """A connection to the cluster through a proxy that can break things. TLS ends at the proxy."""
    real = load_connection(kubeconfig, None)
    tls = real.tls()
    told = real.credentials
    with faulty(real.server, tls=None if isinstance(tls, bool) else tls, server_name=told.server_name) as proxy:
        credentials = Credentials(server=proxy.url, authorization=told.authorization, identity=told.identity)
        yield Connection(credentials=credentials, read=lambda: credentials), proxy
