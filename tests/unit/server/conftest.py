from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.memory.world import policy
from tests.unit.server.brain import Served, served


@pytest.fixture(scope="package")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """All of the brain."""
    with served(tmp_path_factory.mktemp("owner")) as made:
        yield made


@pytest.fixture(scope="package")
def guest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Runbooks and notes, but not those of the lawyers; nothing restricted."""
    folder = tmp_path_factory.mktemp("guest")
    rights = policy(
        {
            "include": {"graphKinds": ["Runbook", "Service"], "paths": ["notes/**"]},
            "exclude": {"paths": ["notes/legal/**"], "graphKinds": ["Customer"]},
        },
        folder,
    )
    with served(folder, rights) as made:
        yield made
