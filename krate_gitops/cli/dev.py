"""``dev``: what one needs to try things out."""

from __future__ import annotations

import click

from krate_gitops.cli.commands import KrateGroup, LazyCommand

COMMANDS = {
    "cluster": LazyCommand(
        "krate_gitops.cli.dev_cluster:cluster", "Run a small Kubernetes API server for development."
    ),
}


@click.group(cls=KrateGroup, table=COMMANDS)
def dev() -> None:
    """Try things out: a small Kubernetes API server for development."""
