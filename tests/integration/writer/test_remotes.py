"""Writing to repositories of others: over HTTP, against their rules, and in a race."""

from __future__ import annotations

import multiprocessing
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from krate_gitops.errors import DeniedError, KrateError, UnavailableError
from krate_gitops.reconcile.writer.refusals import BaseChangedError
from krate_gitops.reconcile.writer.request import Apply, Assign
from krate_gitops.records.audit_verify import verify
from krate_gitops.records.config_changes import Status
from krate_gitops.records.database import close_databases
from krate_gitops.settings import Settings
from tests.config_writing import FILES, Writer
from tests.integration.git.servers import git_backend, serve
from tests.repos import git
from tests.unit.resources.sample import stack

DESCRIBE = Assign(kind="AgentStack", name="triage", fields={"displayName": "Finds out why"})
TRIAGE = "orgs/acme/triage.yaml"
_FORK = multiprocessing.get_context("fork")


@pytest.fixture(params=["http", "file"])
def remote(request: pytest.FixtureRequest, tmp_path: Path, home: Path) -> Iterator[Writer]:
    """A writer whose repository is somebody else's: it works on a mirror."""
    writer = Writer(tmp_path, Settings(home=home, deadline_seconds=60, allow_file_protocol=True))
    git(writer.repo.git_dir, "config", "http.receivepack", "true")
    with serve(git_backend(tmp_path)) as url:
        writer.location = f"{url}/config.git" if request.param == "http" else f"file://{writer.repo.path}"
        yield writer
    close_databases()


def hook(writer: Writer, name: str, script: str) -> None:
    file = writer.repo.git_dir / "hooks" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


PROTECTED = (
    'while read old new ref; do [ "$ref" = refs/heads/main ] && { echo "main is protected" >&2; exit 1; }; done; exit 0'
)


def test_a_proposal_and_a_direct_write_arrive(remote: Writer) -> None:
    proposal = remote.write(DESCRIBE)
    assert remote.tip(proposal.branch or "") == proposal.commit
    direct = remote.write(DESCRIBE, mode="direct")
    assert (direct.status, remote.tip()) == ("Merged", direct.commit)
    assert remote.write(DESCRIBE, mode="direct").status == "unchanged"
    assert git(remote.repo.git_dir, "fsck", "--strict", "--no-dangling") == b""


def test_a_protected_branch_takes_no_direct_write_and_a_proposal_still_arrives(remote: Writer) -> None:
    hook(remote, "pre-receive", PROTECTED)
    with pytest.raises(DeniedError, match="main is protected") as caught:
        remote.write(DESCRIBE, mode="direct")
    assert (caught.value.code, caught.value.exit_code, remote.tip()) == ("KR803", 4, remote.first)
    assert [one.status for one in remote.stored()] == [Status.FAILED]
    assert [(one.decision.allowed, one.decision.codes) for one in remote.records()] == [(True, ()), (False, ("KR803",))]
    assert remote.write(DESCRIBE).status == "Proposed"
    (remote.repo.git_dir / "hooks" / "pre-receive").unlink()
    again = remote.write(DESCRIBE, mode="direct")
    assert (again.status, remote.tip()) == ("Merged", again.commit)
    told = [(one.type, one.stage.value) for one in remote.records() if one.details.get("mode") == "direct"]
    assert told[2:] == [("ConfigCommitMerged", "intent"), ("ConfigCommitMerged", "outcome")]


def test_an_update_hook_that_refuses_every_branch_refuses_proposals(remote: Writer) -> None:
    hook(remote, "update", "echo nobody writes here >&2; exit 1")
    with pytest.raises(DeniedError, match="nobody writes here") as caught:
        remote.write(DESCRIBE)
    assert caught.value.code == "PUSH_REFUSED"
    assert remote.branches() == ["main"]


def test_a_remote_that_takes_no_pushes_at_all_is_told_apart(tmp_path: Path, home: Path) -> None:
    writer = Writer(tmp_path, Settings(home=home, deadline_seconds=60))
    with serve(git_backend(tmp_path)) as url:
        writer.location = f"{url}/config.git"
        with pytest.raises(UnavailableError) as caught:
            writer.write(DESCRIBE)
        assert caught.value.code == "KR705"
    writer.settings = Settings(home=tmp_path / "other", deadline_seconds=5)
    with pytest.raises(UnavailableError):
        writer.write(DESCRIBE)
    close_databases()


def test_what_was_begun_while_the_remote_was_away_is_finished_later(remote: Writer) -> None:
    git(remote.repo.git_dir, "config", "http.receivepack", "false")
    git(remote.repo.git_dir, "config", "receive.maxInputSize", "1")
    with pytest.raises(KrateError):
        remote.write(DESCRIBE, mode="direct")
    git(remote.repo.git_dir, "config", "http.receivepack", "true")
    git(remote.repo.git_dir, "config", "--unset", "receive.maxInputSize")
    result = remote.write(DESCRIBE, mode="direct")
    assert (result.status, remote.tip()) == ("Merged", result.commit)
    assert len(remote.stored()) == 1


# Races


def other(number: int) -> Apply:
    value = {
        "apiVersion": "krate.a5c.ai/v1alpha1",
        "kind": "AgentToolProfile",
        "metadata": {"name": f"profile-{number}"},
        "spec": {
            "organizationRef": "acme", "filesystemPolicy": "read-only", "approvalPolicyByTool": {"git": "allow"},
        },
    }  # fmt: skip
    return Apply(object=value)


def racing(remote: Writer, monkeypatch: pytest.MonkeyPatch, steps: list[dict[str, Any]]) -> None:
    """Somebody else commits right before each push of ours."""
    from krate_gitops.reconcile.writer import delivery

    push = delivery.push_branch

    def late(*arguments: Any, **options: Any) -> Any:
        if steps:
            remote.repo.commit(steps.pop(0))
        return push(*arguments, **options)

    monkeypatch.setattr(delivery, "push_branch", late)


def test_a_lost_race_is_run_again_on_the_new_tip(remote: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    racing(remote, monkeypatch, [{"orgs/acme/a.yaml": stack(name="a")}, {"docs.md": "x"}, {"docs.md": "y"}])
    result = remote.write(DESCRIBE, mode="direct")
    assert result.status == "Merged"
    assert "name: a" in remote.content("orgs/acme/a.yaml")
    assert "Finds out why" in remote.content(TRIAGE)
    assert git(remote.repo.git_dir, "rev-list", "--count", "--min-parents=2", "main").strip() == b"0"
    assert [one.status for one in remote.stored()] == [Status.MERGED, *[Status.SUPERSEDED] * 3]


def test_four_lost_races_are_a_conflict_and_nothing_is_forced(remote: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    racing(remote, monkeypatch, [{"docs.md": f"{number}"} for number in range(4)])
    with pytest.raises(KrateError, match="KR804") as caught:
        remote.write(DESCRIBE, mode="direct")
    assert caught.value.code == "PUSH_CONFLICT"
    assert remote.content("docs.md") == "3"
    assert "Finds out why" not in remote.content(TRIAGE)
    assert remote.records()[-1].decision.codes == ("PUSH_CONFLICT",)


def test_what_others_wrote_into_the_same_place_meanwhile_is_not_undone(
    remote: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    racing(remote, monkeypatch, [{TRIAGE: FILES[TRIAGE] + "  displayName: Theirs\n"}])
    with pytest.raises(BaseChangedError) as caught:
        remote.write(DESCRIBE, mode="direct")
    assert caught.value.paths == (TRIAGE,)
    assert "Theirs" in remote.content(TRIAGE)


def test_another_field_of_the_same_object_is_no_conflict(remote: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    racing(remote, monkeypatch, [{TRIAGE: FILES[TRIAGE].replace("codex", "claude-code", 1)}])
    remote.write(DESCRIBE, mode="direct")
    assert "claude-code" in remote.content(TRIAGE)
    assert "Finds out why" in remote.content(TRIAGE)


def test_a_rewritten_branch_is_not_written_over(remote: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    from krate_gitops.reconcile.writer import delivery

    second = remote.repo.commit({"docs.md": "x"})
    push = delivery.push_branch

    def rewound(*arguments: Any, **options: Any) -> Any:
        git(remote.repo.git_dir, "update-ref", "refs/heads/main", remote.first, second)
        monkeypatch.setattr(delivery, "push_branch", push)
        return push(*arguments, **options)

    monkeypatch.setattr(delivery, "push_branch", rewound)
    result = remote.write(DESCRIBE, mode="direct")
    assert result.base_commit == remote.first
    listed = git(remote.repo.git_dir, "rev-list", "main").decode().split()
    assert listed == [result.commit, remote.first]


@pytest.mark.parametrize("place", ["http", "path"])
def test_writers_in_many_processes_lose_nothing(tmp_path: Path, home: Path, place: str) -> None:
    writer = Writer(tmp_path, Settings(home=home, deadline_seconds=60))
    git(writer.repo.git_dir, "config", "http.receivepack", "true")
    assert writer.database
    close_databases()
    addresses, answers = _FORK.Queue(), _FORK.Queue()

    def work(number: int) -> None:
        random.seed(number)
        address = addresses.get(timeout=60)
        writer.location = f"{address}/config.git" if place == "http" else writer.location
        try:
            result = writer.write(other(number), mode="direct")
            answers.put((number, result.status, result.commit))
        except KrateError as error:
            answers.put((number, error.code, error.message))

    # Before there is a server: a child would keep the connections open that it was born with.
    processes = [_FORK.Process(target=work, args=(number,)) for number in range(6)]
    for process in processes:
        process.start()
    with serve(git_backend(tmp_path)) as url:
        for _ in processes:
            addresses.put(url)
        told = [answers.get(timeout=120) for _ in processes]
        for process in processes:
            process.join(60)
    assert {status for _, status, _ in told} <= {"Merged", "PUSH_CONFLICT"}, told
    merged = {number: commit for number, status, commit in told if status == "Merged"}
    assert merged
    history = git(writer.repo.git_dir, "rev-list", "main").decode().split()
    assert set(history) == {writer.first, *merged.values()}
    for number in merged:
        assert f"profile-{number}" in writer.content(f"orgs/acme/agenttoolprofiles/profile-{number}.yaml")
    with writer.database.reading() as connection:
        assert verify(connection, "acme").ok
    close_databases()


def test_processes_that_ask_for_the_same_get_one_commit(tmp_path: Path, database_settings: Settings) -> None:
    writer = Writer(tmp_path, database_settings)
    assert writer.database
    close_databases()
    answers = _FORK.Queue()

    def work() -> None:
        answers.put(writer.write(DESCRIBE).commit)

    processes = [_FORK.Process(target=work) for _ in range(5)]
    for process in processes:
        process.start()
    commits = {answers.get(timeout=120) for _ in processes}
    for process in processes:
        process.join(60)
    assert len(commits) == 1
    assert len(writer.stored()) == 1
    close_databases()
