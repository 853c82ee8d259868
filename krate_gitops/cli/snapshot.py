"""``snapshot``: what was told, kept for good."""

from __future__ import annotations

import click

from krate_gitops.cli.commands import KrateGroup, LazyCommand

COMMANDS = {
    "context": LazyCommand("krate_gitops.cli.snapshot_context:context", "Print the memory of a snapshot for a prompt."),
    "create": LazyCommand("krate_gitops.cli.snapshot_create:create", "Ask a question and freeze the answer."),
    "diff": LazyCommand("krate_gitops.cli.snapshot_diff:diff", "Show what has changed since a snapshot."),
    "known-bad": LazyCommand("krate_gitops.cli.snapshot_known_bad:known_bad", "List ranges that are known to be bad."),
    "list": LazyCommand("krate_gitops.cli.snapshot_list:list_command", "List snapshots by what they consumed."),
    "mark-known-bad": LazyCommand(
        "krate_gitops.cli.snapshot_known_bad:mark_known_bad", "Mark history, and the snapshots of it, as bad."
    ),
    "refresh": LazyCommand("krate_gitops.cli.snapshot_create:refresh", "Ask the question of a snapshot anew."),
    "replay": LazyCommand("krate_gitops.cli.snapshot_replay:replay", "Ask again at the same commit, and compare."),
    "show": LazyCommand("krate_gitops.cli.snapshot_show:show_snapshot", "Show a snapshot and what it selected."),
    "verify": LazyCommand("krate_gitops.cli.snapshot_verify:verify", "Check stored snapshots without Git."),
}


@click.group(cls=KrateGroup, table=COMMANDS)
def snapshot() -> None:
    """Freeze, replay and trace what was told to agents."""
