"""A development cluster for tests: one process for the whole run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from krate_gitops.cluster.dev.cluster import Behaviour
from krate_gitops.cluster.dev.folder import Running
from krate_gitops.cluster.dev.server import serve


@pytest.fixture(scope="session")
def bare_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A cluster without controllers, as the recorded one was; its past is soon forgotten."""
    behaviour = Behaviour(namespace_controller=False, garbage_collector=False, compaction=5.0)
    with serve(tmp_path_factory.mktemp("bare-cluster"), behaviour=behaviour) as running:
        yield running


@pytest.fixture(scope="session")
def whole_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A cluster as ``dev cluster`` runs it."""
    with serve(tmp_path_factory.mktemp("cluster")) as running:
        yield running
