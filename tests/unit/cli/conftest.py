"""A command line that can be run in process, cut off from the machine's own configuration."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from krate_gitops.cli.main import cli
from tests.repos import RepoBuilder

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def _clean_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("KRATE_") or name == "NO_COLOR"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


@pytest.fixture
def run() -> Run:
    """Runs a command line: ``run("ref", "resolve", path).stdout``."""

    def invoke(*arguments: object, command: click.Command = cli, **environment: str) -> Result:
        return CliRunner().invoke(command, [str(argument) for argument in arguments], env=environment)

    return invoke


@pytest.fixture
def brain(tmp_path: Path) -> RepoBuilder:
    """A repository with one commit on ``main`` and one on ``draft``."""
    repo = RepoBuilder(tmp_path / "brain.git")
    repo.commit({"notes/a.md": "# A\n"})
    repo.commit({"notes/b.md": "# B\n"}, branch="draft", parents=[repo.tip("main")])
    return repo
