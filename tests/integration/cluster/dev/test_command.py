"""``dev cluster`` as it is run in a shell."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from krate_gitops.cluster.client.connection import load_connection


@contextmanager
def command(folder: Path, *arguments: str) -> Iterator[str]:
    """The line that a running cluster prints on standard output."""
    started = subprocess.Popen(
        [sys.executable, "-m", "krate_gitops", "dev", "cluster", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with started:
        assert started.stdout is not None
        try:
            yield started.stdout.readline().strip()
        finally:
            started.send_signal(signal.SIGINT)
            started.wait(30)


def test_the_kubeconfig_it_names_is_found_from_everywhere(tmp_path: Path) -> None:
    with command(tmp_path, "--data", "kept") as line:
        kubeconfig = tmp_path / "kept" / "admin.kubeconfig"
        assert line == f"export KUBECONFIG={kubeconfig}"
        assert load_connection(kubeconfig, None).credentials.server.startswith("https://127.0.0.1:")
    assert kubeconfig.is_file()


def test_without_a_directory_nothing_is_left(tmp_path: Path) -> None:
    with command(tmp_path) as line:
        kubeconfig = Path(line.removeprefix("export KUBECONFIG="))
        assert kubeconfig.is_file()
    assert not kubeconfig.parent.exists()
    assert list(tmp_path.iterdir()) == []
