"""An organization of its own for each test, in one cluster for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clusters import World, cluster


@pytest.fixture(scope="session")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Kubeconfig of an administrator of the cluster that is tested against."""
    with cluster(tmp_path_factory.mktemp("cluster")) as path:
        yield path


@pytest.fixture
def world(kubeconfig: Path, tmp_path: Path) -> World:
    """An empty organization with an empty repository."""
    return World(kubeconfig, tmp_path)
