"""A small brain and the command line, for tests of ``update``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from krate_gitops.records.database import close_databases
from tests.repos import RepoBuilder, git
from tests.unit.cli.conftest import Run
from tests.updates import FILES, SEEDED, changed

PROPOSER, OWNER, OTHER = (f"{name} <{name.lower()}@acme.example>" for name in ("Zoe", "Dana", "Ravi"))
RUNBOOK = "runbooks/a.md"
EDITED = changed(FILES[RUNBOOK])


class Updates:
    """A repository, bare or checked out, and ``krate-gitops update`` on it."""

    def __init__(self, run: Run, folder: Path, *, bare: bool = True) -> None:
        self._run = run
        self.folder = folder
        self.home = folder / "home"
        self.repo = RepoBuilder(folder / "brain", bare=bare)
        self.seed = self.repo.commit(dict(FILES), at=SEEDED, message="seed")
        if not bare:
            self.repo.checkout()

    def __call__(self, command: str, *arguments: object, actor: str = PROPOSER, **environment: str) -> Result:
        place = ("--home", self.home, "update", command, self.repo.path)
        options = ("--jobs", 1, *([] if "--agent" in arguments else ["--actor", actor]))
        return self._run(*place, *options, *arguments, **environment)

    def json(self, command: str, *arguments: object, code: int = 0, actor: str = PROPOSER, **environment: str) -> Any:
        done = self(command, *arguments, "-o", "json", actor=actor, **environment)
        assert done.exit_code == code, done.output
        return json.loads(done.stdout)

    def refused(self, command: str, *arguments: object, actor: str = PROPOSER, **environment: str) -> tuple[int, str]:
        """Exit code and error code of a command that fails, without a traceback."""
        done = self(command, *arguments, "-o", "json", actor=actor, **environment)
        assert "Traceback" not in done.output
        return done.exit_code, json.loads(done.stdout)["error"]["code"]

    def file(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def proposed(self, *options: object, **how: Any) -> str:
        """Name of an update of a runbook."""
        path = self.file("edited.md", EDITED)
        found = self.json("propose", "--put", f"{RUNBOOK}=@{path}", "--rationale", "It was wrong.", *options, **how)
        return str(found["update"])

    def approved(self, *options: object, **how: Any) -> str:
        """Name of an approved update of a runbook."""
        name = self.proposed(*options, **how)
        assert self.json("approve", name, actor=OWNER)["phase"] == "Approved"
        return name

    def git(self, *arguments: str) -> str:
        place = (
            [] if self.repo.git_dir == self.repo.path else ["-C", str(self.repo.path), f"--work-tree={self.repo.path}"]
        )
        return git(self.repo.git_dir, *place, *arguments).decode()

    def branches(self) -> list[str]:
        return self.git("for-each-ref", "--format=%(refname:short)", "refs/heads/krate/").split()

    def objects(self) -> set[Path]:
        return set((self.repo.git_dir / "objects").rglob("*"))


@pytest.fixture
def updates(run: Run, tmp_path: Path) -> Iterator[Updates]:
    yield Updates(run, tmp_path)
    close_databases()


@pytest.fixture
def checkout(run: Run, tmp_path: Path) -> Iterator[Updates]:
    yield Updates(run, tmp_path, bare=False)
    close_databases()
