"""``reconcile``: everything one does with sources of agent resources and a cluster."""

from __future__ import annotations

import click

from krate_gitops.cli.commands import KrateGroup, LazyCommand

COMMANDS = {
    "apply": LazyCommand("krate_gitops.cli.reconcile_apply:apply", "Make the cluster as Git says, in one pass."),
    "approve": LazyCommand("krate_gitops.cli.reconcile_consent:approve", "Release the plan of a digest."),
    "diff": LazyCommand("krate_gitops.cli.reconcile_plan:diff", "Show line by line what a pass would change."),
    "plan": LazyCommand("krate_gitops.cli.reconcile_plan:plan", "Show what a pass would do, and why."),
    "prune": LazyCommand("krate_gitops.cli.reconcile_apply:prune", "Remove what Git no longer has, and nothing else."),
    "resume": LazyCommand("krate_gitops.cli.reconcile_consent:resume", "Switch reconciliation of a source on again."),
    "status": LazyCommand("krate_gitops.cli.reconcile_status:status", "Show sources, their conditions and objects."),
    "suspend": LazyCommand("krate_gitops.cli.reconcile_consent:suspend", "Switch reconciliation of a source off."),
}


@click.group("reconcile", cls=KrateGroup, table=COMMANDS)
def reconcile() -> None:
    """Plan, review and apply agent resources from Git to a cluster."""
