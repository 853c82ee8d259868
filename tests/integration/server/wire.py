"""A server in a process of its own, and the SDK's client to talk to it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mcp import StdioServerParameters

LEGACY, MODERN = "legacy", "2026-07-28"
ERAS = (LEGACY, MODERN)


def environment(home: Path, **more: str) -> dict[str, str]:
    """Nobody's settings, and the package under test."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KRATE_", "XDG_"))}
    return kept | {"KRATE_HOME": str(home), "XDG_CONFIG_HOME": str(home / "config"), **more}


def command(repo: Path, *options: object) -> list[str]:
    return ["-m", "krate_gitops", "mcp", "--repo", str(repo), "--jobs", "1", "--org", "acme", *map(str, options)]


def over_stdio(repo: Path, home: Path, *options: object) -> StdioServerParameters:
    """For ``Client``: it starts the process and ends it."""
    return StdioServerParameters(command=sys.executable, args=command(repo, *options), env=environment(home))


@contextmanager
def over_http(repo: Path, home: Path, *options: object, **more: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The URL of a server on a free port, and its process."""
    arguments = [sys.executable, *command(repo, "--http", 0, *options)]
    with subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(home, **more)
    ) as process:
        try:
            assert process.stderr is not None
            found = re.search(r"http://\S+", line := process.stderr.readline())
            assert found, line
            yield found[0], process
        finally:
            process.terminate()
            process.wait(30)
