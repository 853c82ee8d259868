"""``permissions``: what a stack would be allowed."""

from __future__ import annotations

import click

from krate_gitops.cli.commands import KrateGroup, LazyCommand

COMMANDS = {
    "review": LazyCommand("krate_gitops.cli.permissions_review:review", "Say what a stack needs, and what is missing."),
}


@click.group("permissions", cls=KrateGroup, table=COMMANDS)
def permissions() -> None:
    """Review what agent stacks may do."""
