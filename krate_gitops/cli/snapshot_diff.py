"""``snapshot diff``: what has changed since."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from krate_gitops.cli.brain_diff import change_lines
from krate_gitops.cli.commands import KrateCommand
from krate_gitops.cli.invocation import Invocation, pass_invocation
from krate_gitops.cli.options import jobs_option
from krate_gitops.cli.output import show
from krate_gitops.cli.progress import progress
from krate_gitops.cli.snapshot_options import (
    denials_on_record,
    opened_anew,
    place_options,
    records_if_any,
    reopened,
    snapshot_argument,
    usable,
)

if TYPE_CHECKING:
    from krate_gitops.memory.snapshot_diff import SnapshotDiff


@click.command("diff", cls=KrateCommand)
@snapshot_argument
@click.option(
    "--against", metavar="current|REF|SNAPSHOT", default="current", show_default=True, help="What to compare with."
)
@place_options
@jobs_option
@click.option("--patch", is_flag=True, help="Show the changed lines too.")
@click.option("--selected", is_flag=True, help="Only what the snapshot had selected.")
@click.option("--exit-code", is_flag=True, help="End with 1 when there are differences.")
@pass_invocation
def diff(
    invocation: Invocation,
    reference: str,
    against: str,
    repo: str | None,
    root: str | None,
    ontology: Path | None,
    patch: bool,
    selected: bool,
    exit_code: bool,
) -> int:
    """Show what was added, removed, changed and moved since a snapshot, and whether it had been selected."""
    from krate_gitops.encoding import plain
    from krate_gitops.memory.snapshot_diff import diff_snapshot, other_ref, other_snapshot

    kept = usable(invocation, reference)
    organization, repository = invocation.settings.organization, kept.snapshot.spec.memory_repository
    with denials_on_record(invocation):
        other = other_snapshot(records_if_any(invocation), organization, repository, against)
    with progress(invocation) as listen:
        if other is None:
            brain = opened_anew(invocation, kept, repo, root, ontology, listen)
            other = other_ref(brain, against)
        else:
            brain = reopened(invocation, kept, repo, root, ontology, listen)
        found = diff_snapshot(brain, kept, other, patch=patch, only_selected=selected)
    show(invocation.output, plain(found), table=_table(found), items=plain(found)["changes"])
    return int(exit_code and bool(found.changes))


def _table(found: SnapshotDiff) -> str:
    lines = [line for change in found.changes for line in change_lines(change)]
    counts = ", ".join(f"{count} {kind}" for kind, count in found.counts.items() if count)
    stretch = f"{found.from_commit[:12]}..{found.to_commit[:12]}"
    lines.append(f"{stretch}: {counts or 'no differences'}; {found.selected} of what was selected")
    return "\n".join(lines) + "\n"
