"""``reconcile apply`` and ``reconcile prune``: one pass that writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from krate_gitops.cli.cluster_options import ClusterSelection, cluster_options
from krate_gitops.cli.commands import KrateCommand
from krate_gitops.cli.invocation import Invocation, pass_invocation
from krate_gitops.cli.output import show
from krate_gitops.cli.reconcile_pass import body, ending, exit_code, painted, run
from krate_gitops.cli.reconcile_plan import source_argument

if TYPE_CHECKING:
    from krate_gitops.reconcile.outcome import Outcome


@click.command("apply", cls=KrateCommand)
@source_argument
@cluster_options
@click.option("--dry-run", is_flag=True, help="Do everything but write objects.")
@pass_invocation
def apply(invocation: Invocation, source: str, repo: str, cluster: ClusterSelection, dry_run: bool) -> int:
    """Make the cluster as SOURCE says, in one pass: apply in order, prune, heal, and report.

    A file with a GitOpsSource is brought into the cluster first.
    """
    _, outcome = run(invocation, cluster, source, repository=repo, dry_run=dry_run, install=not dry_run)
    return _print(invocation, outcome)


@click.command("prune", cls=KrateCommand)
@source_argument
@cluster_options
@pass_invocation
def prune(invocation: Invocation, source: str, repo: str, cluster: ClusterSelection) -> int:
    """Remove what the commit of SOURCE no longer has, under all guards, and write nothing else."""
    _, outcome = run(invocation, cluster, source, repository=repo, dry_run=False, prune_only=True)
    return _print(invocation, outcome)


def _print(invocation: Invocation, outcome: Outcome) -> int:
    from krate_gitops.reconcile.diff import summary

    lines = []
    if outcome.revision is not None:
        lines.append(f"{outcome.source} at {outcome.revision.commit} ({outcome.revision.requested})")
    if outcome.draft is not None:
        lines += summary(outcome.draft.steps)
    for failure in outcome.work.failures if outcome.work else ():
        lines.append(f"! failed: {failure.step.id.short}: {failure.code}: {failure.message}")
    counts = ", ".join(f"{count} {name}" for name, count in outcome.counts.items() if count)
    lines.append(f"{outcome.phase}: {counts or 'nothing to do'}")
    lines += [
        f"  {one['type']} is {one['status']}: {one['reason']}: {one['message']}"
        for one in outcome.conditions
        if one["status"] != "True" and one["type"] not in ("Suspended", "Ready")
    ]
    content = body(outcome)
    table = painted([*lines, *ending(outcome)], colour=invocation.colour)
    show(invocation.output, content, table=table, items=content["entries"])
    return exit_code(outcome)
