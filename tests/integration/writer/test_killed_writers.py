"""A writer that is killed anywhere leaves nothing half done: the same request again comes to the same end."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from krate_gitops.reconcile.writer.ledger import Ledger
from krate_gitops.reconcile.writer.request import Assign
from krate_gitops.records.audit_record import Stage
from krate_gitops.records.audit_verify import verify
from krate_gitops.records.database import close_databases
from krate_gitops.settings import Settings
from tests.config_writing import Writer
from tests.killed import calls_of, killed_after, run
from tests.repos import git

DESCRIBE = Assign(kind="AgentStack", name="triage", fields={"displayName": "Finds out why"})


def prepared(folder: Path, settings: Settings) -> Writer:
    writer = Writer(folder, settings)
    assert writer.database
    close_databases()
    return writer


def assert_whole(writer: Writer, mode: str, result: Any, *, intents: int = 1) -> None:
    """One commit of the change, one row, an outcome on record, and a sound log."""
    branch = "main" if mode == "direct" else result.branch
    assert git(writer.repo.git_dir, "rev-list", f"{writer.first}..{branch}").decode().split() == [result.commit]
    assert git(writer.repo.git_dir, "fsck", "--strict", "--no-dangling") == b""
    [stored] = writer.stored()
    assert (stored.commit, stored.status) == (result.commit, "Merged" if mode == "direct" else "Proposed")
    assert [one.stage for one in writer.records()] == [Stage.INTENT] * intents + [Stage.OUTCOME]
    with writer.database.reading() as connection:
        assert verify(connection, "acme").ok


@pytest.mark.parametrize("mode", ["pull-request", "direct"])
def test_killed_between_push_and_record(
    tmp_path: Path, database_settings: Settings, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    writer = prepared(tmp_path, database_settings)

    def die(*_: object, **__: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "merged", die)
        patch.setattr(Ledger, "proposed", die)
        assert run(lambda: writer.write(DESCRIBE, mode=mode)) == -signal.SIGKILL
    [stored] = writer.stored()
    assert stored.status == "Pending"
    branch = stored.change.branch
    assert writer.tip(branch) == stored.commit
    result = writer.write(DESCRIBE, mode=mode)
    assert result.commit == stored.commit
    assert_whole(writer, mode, result)


@pytest.mark.parametrize("mode", ["pull-request", "direct"])
def test_killed_between_push_and_record_of_a_remote(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    writer = prepared(tmp_path, Settings(home=home, allow_file_protocol=True))
    writer.location = f"file://{writer.repo.path}"

    def die(*_: object, **__: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "merged", die)
        patch.setattr(Ledger, "proposed", die)
        assert run(lambda: writer.write(DESCRIBE, mode=mode)) == -signal.SIGKILL
    assert_whole(writer, mode, writer.write(DESCRIBE, mode=mode))
    close_databases()


@pytest.mark.parametrize("mode", ["pull-request", "direct"])
def test_another_machine_finishes_what_one_that_died_began(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    """Both use one record store; the commit that the first one built is on its own disk only."""
    shared = f"sqlite:///{tmp_path}/records.sqlite"
    writer = prepared(tmp_path, Settings(home=home / "one", records=shared, allow_file_protocol=True))
    writer.location = f"file://{writer.repo.path}"
    with monkeypatch.context() as patch:
        patch.setattr(
            "krate_gitops.reconcile.writer.delivery.push_branch", lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
        )
        assert run(lambda: writer.write(DESCRIBE, mode=mode)) == -signal.SIGKILL
    [begun] = writer.stored()
    writer.settings = Settings(home=home / "two", records=shared, allow_file_protocol=True)
    other = {"message": "Change what is asked for, from here"}
    result = writer.write(DESCRIBE, mode=mode, **other)
    assert result.commit != begun.commit
    assert_whole(writer, mode, result, intents=2)
    assert writer.records()[-1].source.resolved_commit == result.commit
    writer.settings = Settings(home=home / "one", records=shared, allow_file_protocol=True)
    again = writer.write(DESCRIBE, mode=mode, expected_base=writer.first)
    assert (again.commit, again.repeated) == (result.commit, True)
    close_databases()


@pytest.mark.parametrize("mode", ["pull-request", "direct"])
def test_killed_between_intent_and_push(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    writer = prepared(tmp_path, Settings(home=home))
    with monkeypatch.context() as patch:
        patch.setattr(
            "krate_gitops.reconcile.writer.delivery.push_branch", lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
        )
        assert run(lambda: writer.write(DESCRIBE, mode=mode)) == -signal.SIGKILL
    [stored] = writer.stored()
    assert (stored.status, writer.branches()) == ("Pending", ["main"])
    result = writer.write(DESCRIBE, mode=mode)
    assert result.commit == stored.commit
    assert_whole(writer, mode, result)
    close_databases()


@pytest.mark.parametrize("mode", ["pull-request", "direct"])
@pytest.mark.parametrize("part", [0.05, 0.3, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.96, 0.98, 0.99])
def test_killed_anywhere(tmp_path: Path, home: Path, mode: str, part: float) -> None:
    writer = prepared(tmp_path / "counted", Settings(home=home / "counted"))
    total = calls_of(lambda: writer.write(DESCRIBE, mode=mode))
    assert total > 1000
    writer = prepared(tmp_path / "killed", Settings(home=home / "killed"))
    ended = killed_after(lambda: writer.write(DESCRIBE, mode=mode), int(total * part))
    assert ended == -signal.SIGKILL
    result = writer.write(DESCRIBE, mode=mode)
    if result.status == "unchanged":
        # It was pushed and recorded, and died on its way out.
        [stored] = writer.stored()
        result = writer.write(DESCRIBE, mode=mode, expected_base=stored.change.base_commit)
    assert_whole(writer, mode, result)
    close_databases()
