"""``brain mirror``, ``brain verify-mirror`` and ``notifications`` as a user runs them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import Result

from krate_gitops.records.database import close_databases
from tests.repos import RepoBuilder, git
from tests.unit.cli.conftest import Run
from tests.unit.memory.world import ONTOLOGY, markdown


class Shell:
    """A brain, and the command line."""

    def __init__(self, run: Run, folder: Path) -> None:
        self._run = run
        self.home = folder / "home"
        self.repo = RepoBuilder(folder / "brain.git")
        runbook = markdown("Runbook", "runbook:a", "A needle.\n", title="Needle", owners=["team:core"])
        self.first = self.repo.commit({**ONTOLOGY, "runbooks/a.md": runbook})
        self.to = folder / "to.git"

    def __call__(self, *arguments: object) -> Result:
        return self._run("--home", self.home, *arguments)

    def json(self, *arguments: object, code: int = 0) -> Any:
        result = self(*arguments, "-o", "json")
        assert result.exit_code == code, result.output
        return json.loads(result.stdout)


@pytest.fixture
def shell(run: Run, tmp_path: Path) -> Iterator[Shell]:
    yield Shell(run, tmp_path)
    close_databases()


def test_mirror_tells_what_it_did(shell: Shell) -> None:
    result = shell("brain", "mirror", shell.repo.path, shell.to)
    assert result.exit_code == 0, result.output
    assert "1: 1 new, 0 moved on, 0 unchanged" in result.stdout
    again = shell.json("brain", "mirror", shell.repo.path, shell.to)
    assert again == {
        "to": str(shell.to), "refs": 1, "created": 0, "updated": 0, "unchanged": 1, "deleted": 0,
        "defaultBranch": "main", "head": "main", "objectFormat": "sha1",
    }  # fmt: skip


def test_a_diverged_mirror_is_a_no(shell: Shell) -> None:
    shell("brain", "mirror", shell.repo.path, shell.to)
    git(shell.to, "branch", "theirs", "main")
    error = shell.json("brain", "mirror", shell.repo.path, shell.to, code=1)["error"]
    assert (error["code"], error["location"]) == ("MIRROR_DIVERGED", "refs/heads/theirs")
    pruned = shell.json("brain", "mirror", shell.repo.path, shell.to, "--prune")
    assert pruned["deleted"] == 1


def test_a_source_that_is_not_there_is_unavailable(shell: Shell, tmp_path: Path) -> None:
    assert shell("brain", "mirror", tmp_path / "nowhere", shell.to).exit_code == 3
    assert shell("brain", "verify-mirror", shell.repo.path, tmp_path / "nowhere").exit_code == 3


def test_verify_mirror_ends_with_0_or_1_and_shows_every_gate(shell: Shell) -> None:
    shell("brain", "mirror", shell.repo.path, shell.to)
    same = shell("brain", "verify-mirror", shell.repo.path, shell.to)
    assert same.exit_code == 0, same.output
    assert same.stdout.endswith("the same brain; no recent questions to ask on both\n")
    assert "DIFFERS" not in same.stdout
    git(shell.to, "update-ref", "refs/notes/extra", shell.first)
    different = shell("brain", "verify-mirror", shell.repo.path, shell.to)
    assert different.exit_code == 1
    assert "refs: refs/notes/extra\n" in different.stdout
    value = shell.json("brain", "verify-mirror", shell.repo.path, shell.to, code=1)
    assert value["match"] is False
    assert {"name", "repository", "other", "match"} <= value["gates"][0].keys()
    [refs] = [gate for gate in value["gates"] if not gate["match"]]
    assert (refs["name"], refs["repositoryCount"], refs["otherCount"]) == ("refs", 1, 2)


def test_verify_mirror_asks_recent_questions_on_both(shell: Shell) -> None:
    shell("brain", "mirror", shell.repo.path, shell.to)
    made = shell("snapshot", "create", shell.repo.path, "needle")
    assert made.exit_code == 0, made.output
    assert "1 question asked on both" in shell("brain", "verify-mirror", shell.repo.path, shell.to).stdout
    value = shell.json("brain", "verify-mirror", shell.repo.path, shell.to)
    assert [one["match"] for one in value["replays"]] == [True]
    assert shell.json("brain", "verify-mirror", shell.repo.path, shell.to, "--replay", 0)["replays"] == []


def test_who_is_concerned_by_bad_history_is_listed(shell: Shell) -> None:
    assert shell("notifications").stdout == "no notifications\n"
    shell("snapshot", "create", shell.repo.path, "needle", "--run", "adr-1")
    marked = shell(
        "snapshot", "mark-known-bad", shell.repo.path, "--from", shell.first,
        "--reason", "wrong", "--record", "runbook:a",
    )  # fmt: skip
    assert marked.exit_code == 0, marked.output
    assert "notified   2 recipients\n" in marked.stdout
    listed = shell("notifications")
    assert "team:core  Memory of brain is known to be bad\n" in listed.stdout
    assert f"  Commits from {shell.first} on, not fixed yet: wrong\n" in listed.stdout
    assert "  Runs that were given it: adr-1\n" in listed.stdout
    only = shell.json("notifications", "--recipient", "team:core")
    assert [one["recipient"] for one in only["items"]] == ["team:core"]
    assert only["nextBefore"] is None
    first = shell.json("notifications", "--limit", 1)
    second = shell.json("notifications", "--limit", 1, "--before", first["nextBefore"])
    assert first["items"] != second["items"]
    assert yaml.safe_load(shell("notifications", "-o", "yaml").stdout)["items"][0]["facts"]["reason"] == "wrong"
    assert len(shell("notifications", "-o", "jsonl").stdout.splitlines()) == 2


def test_a_notification_from_a_hostile_brain_moves_no_cursor(shell: Shell) -> None:
    runbook = markdown("Runbook", "runbook:b", "B\n", title="B", owners=["team:\x1b[2J\n evil"])
    commit = shell.repo.commit({"runbooks/b.md": runbook})
    shell("snapshot", "mark-known-bad", shell.repo.path, "--from", commit, "--reason", "x", "--record", "runbook:b")
    listed = shell("notifications")
    assert "\x1b" not in listed.stdout
    assert len(listed.stdout.splitlines()) == 3
