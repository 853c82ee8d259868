"""What ``mcp`` refuses before it serves anybody."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.repos import RepoBuilder
from tests.unit.cli.conftest import Run

TOKEN = "a-token-of-decent-length"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--http", "0.0.0.0:0"], "token"),
        (["--http", "[::]:0"], "token"),
        (["--http", "memory.example:0"], "token"),
        (["--http", "nonsense"], "[HOST:]PORT"),
        (["--http", "70000"], "[HOST:]PORT"),
        (["--http", "0", "--max-bytes", "10"], "--max-bytes"),
        ([], "--repo"),
    ],
)
def test_what_would_let_in_strangers_or_is_no_address_is_refused(
    run: Run, brain: RepoBuilder, options: list[str], says: str
) -> None:
    done = run("mcp", *(["--repo", brain.path] if options else []), *options)
    assert (done.exit_code, done.stdout) == (2, "")
    assert says in done.stderr


@pytest.mark.parametrize("tokens", ["short\n", f"{TOKEN}\nshort\n", "\n\n", f"{TOKEN}ä\n"])
def test_a_token_that_could_be_guessed_is_refused(run: Run, brain: RepoBuilder, tmp_path: Path, tokens: str) -> None:
    file = tmp_path / "tokens"
    file.write_text(tokens, encoding="utf-8")
    done = run("mcp", "--repo", brain.path, "--http", "0", "--token-file", file)
    assert (done.exit_code, "CONFIG_INVALID" in done.stderr) == (2, True)
    assert TOKEN not in done.stderr


def test_a_token_from_the_environment_counts_and_is_not_repeated(run: Run, brain: RepoBuilder) -> None:
    done = run("mcp", "--repo", brain.path, "--http", "0", KRATE_TOKEN="short")
    assert (done.exit_code, "short" in done.stderr) == (2, False)


def test_a_port_that_is_taken_is_said(run: Run, brain: RepoBuilder) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = run("mcp", "--repo", brain.path, "--http", taken.getsockname()[1])
    assert (done.exit_code, "SERVICE_UNAVAILABLE" in done.stderr) == (3, True)
