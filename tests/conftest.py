"""Fixtures shared by all tests."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from krate_gitops.records.database import close_databases
from krate_gitops.settings import Settings
from tests.records import NoServer, PostgresServer, shared_server


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Folder with real brains and the generator; tests that need it skip where it is absent."""
    folder = Path(os.environ.get("KRATE_SHARED", Path(__file__).parents[2] / "shared"))
    if not (folder / "data" / "atlas-brain.bundle").exists():
        pytest.skip("no shared test data beside the checkout (set KRATE_SHARED)")
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty home for mirrors and the index store."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A PostgreSQL server, shared with the other processes of a test run."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "postgresql"
    folder.mkdir(exist_ok=True)
    with contextlib.ExitStack() as stack:
        try:
            server = stack.enter_context(shared_server(folder))
        except NoServer as why:
            pytest.skip(f"no PostgreSQL: {why}")
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_settings(request: pytest.FixtureRequest, home: Path) -> Iterator[Settings]:
    """Settings of an installation with an empty record store, on each of both databases."""
    if request.param == "sqlite":
        yield Settings(home=home)
        close_databases()
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    with server.database() as url:
        yield Settings(home=home, records=url)
        close_databases()
