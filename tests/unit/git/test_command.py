"""What reaches git, and what of git's words reaches people."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from krate_gitops.errors import UnavailableError
from krate_gitops.git.command import (
    GitFailedError,
    GitTimeoutError,
    complaint_text,
    redact_credentials,
    run_git,
    run_git_with_remote,
    start_git,
)
from tests.repos import RepoBuilder, git


def test_a_read_ignores_the_users_configuration_and_environment(
    repo: RepoBuilder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "gitconfig"
    config.write_text("[alias]\n\trev-parse = !false\n[krate]\n\tvalue = 1\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", "/nowhere")
    oid = repo.commit({"a.md": "text"})
    assert run_git(repo.git_dir, ["rev-parse", "refs/heads/main"]).decode().strip() == oid
    assert run_git(repo.git_dir, ["config", "krate.value"], answers=(0, 1)) == b""


def test_no_hook_of_a_repository_runs(repo: RepoBuilder, tmp_path: Path) -> None:
    trace = tmp_path / "ran"
    hook = repo.git_dir / "hooks" / "reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {trace}\n")
    hook.chmod(0o755)
    oid = repo.commit({"a.md": "text"})
    run_git(repo.git_dir, ["update-ref", "refs/heads/other", oid])
    assert not trace.exists()


def test_a_promisor_remote_of_a_hostile_repository_starts_nothing(repo: RepoBuilder, tmp_path: Path) -> None:
    trace = tmp_path / "ran"
    repo.commit({"a.md": "text"})
    for name, value in (
        ("core.repositoryFormatVersion", "1"),
        ("extensions.partialClone", "evil"),
        ("remote.evil.url", f"ext::sh -c 'touch {trace}'"),
        ("remote.evil.promisor", "true"),
        ("protocol.allow", "always"),
    ):
        git(repo.git_dir, "config", name, value)
    with pytest.raises(GitFailedError):
        run_git(repo.git_dir, ["cat-file", "blob", "ab" * 20])
    assert not trace.exists()


def test_without_a_repository_the_current_folder_is_not_searched(
    repo: RepoBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repo.path)
    with pytest.raises(GitFailedError):
        run_git(None, ["rev-parse", "--git-dir"])


def test_a_failure_says_what_git_said(repo: RepoBuilder) -> None:
    with pytest.raises(GitFailedError) as caught:
        run_git(repo.git_dir, ["cat-file", "-t", "ab" * 20])
    assert caught.value.code == "MEMORY_REPOSITORY_UNAVAILABLE"
    assert caught.value.exit_code == 3
    assert caught.value.status == 128
    assert "cat-file failed" in caught.value.message


def test_a_deadline_ends_git_and_everything_it_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marker, fake = tmp_path / "still-alive", tmp_path / "slow-ssh"
    fake.write_text(f"#!/bin/sh\nsleep 1\ntouch {marker}\n")
    fake.chmod(0o755)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(fake))
    with pytest.raises(GitTimeoutError, match=r"within 0\.2 seconds"):
        run_git_with_remote(None, ["ls-remote", "ssh://example.com/x"], protocols=["ssh"], deadline=0.2)
    time.sleep(1.0)
    assert not marker.exists()


def test_a_missing_git_program_is_an_error_with_advice(repo: RepoBuilder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UnavailableError) as caught:
        run_git(repo.git_dir, ["version"])
    assert "install git" in caught.value.hint


def test_a_started_child_ends_with_its_block(repo: RepoBuilder) -> None:
    with start_git(repo.git_dir, ["cat-file", "--batch"]) as (requests, answers, _):
        requests.write(b"nothing\n")
        assert answers.read(100) == b"nothing missing\n"
    assert requests.closed


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("fatal: unable to access 'https://me:pw@host/x/'", "fatal: unable to access 'https://host/x/'"),
        ("https://token@host/x", "https://host/x"),
        ("Authorization: Bearer abc def", "Authorization: [REDACTED]"),
        ("proxy-authorization: Basic abc", "proxy-authorization: [REDACTED]"),
        ("mail a@example.com stays", "mail a@example.com stays"),
    ],
)
def test_credentials_are_taken_out_of_messages(said: str, shown: str) -> None:
    assert redact_credentials(said) == shown


def test_what_a_remote_says_is_shown_on_one_printable_line() -> None:
    assert complaint_text(b"remote: \x1b[31mred\r\nnext\xff\n") == "remote: [31mred next\N{REPLACEMENT CHARACTER}"
    assert len(complaint_text(b"x" * 10_000)) < 1_000
