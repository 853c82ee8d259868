"""``reconcile plan`` and ``reconcile diff``: what a pass would do. Nothing is written."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from krate_gitops.cli.cluster_options import ClusterSelection, cluster_options
from krate_gitops.cli.commands import KrateCommand
from krate_gitops.cli.invocation import Invocation, pass_invocation
from krate_gitops.cli.output import show, write
from krate_gitops.cli.reconcile_pass import body, ending, exit_code, painted, run

if TYPE_CHECKING:
    from krate_gitops.reconcile.outcome import Outcome


def source_argument(function: Callable[..., Any]) -> Callable[..., Any]:
    """``SOURCE``, and a repository to read in place of its own."""

    @click.argument("source")
    @click.option("--repo", default="", metavar="REPO", help="Read this repository in place of the source's own.")
    @functools.wraps(function)
    def call(*arguments: Any, **options: Any) -> Any:
        return function(*arguments, **options)

    return call


@click.command("plan", cls=KrateCommand)
@source_argument
@cluster_options
@click.option("--exit-code", "tells_changes", is_flag=True, help="End with 1 when there are changes.")
@pass_invocation
def plan(invocation: Invocation, source: str, repo: str, cluster: ClusterSelection, tells_changes: bool) -> int:
    """Show what a pass over SOURCE would do with each object, and why.

    SOURCE is a source of the cluster, NAMESPACE/NAME or NAME, or a file with a GitOpsSource.
    """
    from krate_gitops.reconcile.diff import summary

    _, outcome = run(invocation, cluster, source, repository=repo, dry_run=True)
    lines = [*_head(outcome), *(summary(outcome.draft.steps) if outcome.draft else ()), *_notes(outcome)]
    table = painted([*lines, *ending(outcome)], colour=invocation.colour)
    content = body(outcome)
    show(invocation.output, content, table=table, items=content["entries"])
    if outcome.stop is not None:
        return exit_code(outcome)
    return int(tells_changes and bool(outcome.plan and outcome.plan.has_changes))


@click.command("diff", cls=KrateCommand)
@source_argument
@cluster_options
@click.option("--exit-code", "tells_changes", is_flag=True, help="End with 1 when there are changes.")
@pass_invocation
def diff(invocation: Invocation, source: str, repo: str, cluster: ClusterSelection, tells_changes: bool) -> int:
    """Show line by line what a pass over SOURCE would change. Sensitive values are never shown."""
    from krate_gitops.reconcile.diff import changes
    from krate_gitops.reconcile.plan import plain

    chosen, outcome = run(invocation, cluster, source, repository=repo, dry_run=True)
    found = changes(outcome.draft.steps, chosen) if outcome.draft else []
    if invocation.output == "table":
        for change in found:
            why = f" {' '.join((*change.codes, change.reason))}".rstrip()
            head = f"{change.op.value} {change.identity} {change.path}{why}"
            write(click.style(head, bold=True) if invocation.colour else head)
            write(painted(change.lines, colour=invocation.colour))
        write(painted(ending(outcome), colour=invocation.colour))
    else:
        content = {"source": outcome.source, "changes": [plain(one) for one in found]}
        show(invocation.output, content, table="", items=content["changes"])
    if outcome.stop is not None:
        return exit_code(outcome)
    return int(tells_changes and bool(found))


def _head(outcome: Outcome) -> list[str]:
    if outcome.revision is None:
        return []
    digest = outcome.plan.plan_digest if outcome.plan else ""
    counts = ", ".join(f"{count} {op}" for op, count in outcome.plan.counts.items() if count) if outcome.plan else ""
    lines = [f"{outcome.source} at {outcome.revision.commit} ({outcome.revision.requested})"]
    return [*lines, f"plan {digest}", counts or "nothing to do"] if digest else lines


def _notes(outcome: Outcome) -> list[str]:
    draft = outcome.draft
    if draft is None:
        return []
    lines = [f"! more rights: {step.id.short}: {', '.join(step.increases)}" for step in draft.increases]
    lines += [f". let go: {one.short}: {why}" for one, why in draft.left.gone.items() if why]
    for identity, fields in draft.foreign.items():
        lines += [f". foreign: {identity.short}: {field} of {manager}" for field, manager in fields]
    if draft.guard:
        lines.append(f"! prune guard: {draft.guard}")
    for name, one in outcome.predicted.items():
        failing = [
            condition for condition in one.conditions if condition.status != "True" and condition.type != "Ready"
        ]
        lines.append(f"{'+' if one.ready else '!'} stack {name} will {'' if one.ready else 'not '}be ready")
        lines += [f"    {condition.reason}: {condition.message}" for condition in failing]
    return lines
