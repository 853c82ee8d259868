"""``brain diff``: what changed between two commits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from krate_gitops.cli.commands import KrateCommand
from krate_gitops.cli.consumer_options import consumer_options
from krate_gitops.cli.invocation import Invocation, pass_invocation
from krate_gitops.cli.opening import open_brain, policy_for
from krate_gitops.cli.options import ontology_option, policy_option, repo_argument, root_option
from krate_gitops.cli.output import show
from krate_gitops.cli.progress import progress
from krate_gitops.printable import printable, printable_block

if TYPE_CHECKING:
    from krate_gitops.git.request import RefRequest
    from krate_gitops.memory.compare import Change, Comparison
    from krate_gitops.memory.request import Consumer


@click.command("diff", cls=KrateCommand)
@repo_argument
@click.argument("ref1", metavar="REF1")
@click.argument("ref2", metavar="REF2")
@root_option
@ontology_option
@policy_option
@consumer_options
@click.option("--patch", is_flag=True, help="Show the changed lines too.")
@click.option("--exit-code", is_flag=True, help="End with 1 when there are differences.")
@pass_invocation
def diff(
    invocation: Invocation,
    repo: str,
    ref1: str,
    ref2: str,
    root: str | None,
    ontology: Path | None,
    policy: Path | None,
    consumer: Consumer,
    patch: bool,
    exit_code: bool,
) -> int:
    """Show what changed between two commits."""
    from krate_gitops.encoding import plain
    from krate_gitops.memory.compare import compare

    with progress(invocation) as listen:
        brain = open_brain(invocation, repo, root=root, ontology=ontology, progress=listen)
        rights = policy_for(invocation, policy, consumer)
        found = brain.read_under(
            _any_commit(ref1),
            rights,
            lambda before, _: brain.read_under(
                _any_commit(ref2), rights, lambda after, _: compare(before, after, rights, patch=patch)
            ),
        )
    changes = plain(found)["changes"]
    show(invocation.output, plain(found), table=_table(found), items=changes)
    return int(exit_code and bool(changes))


def _any_commit(ref: str) -> RefRequest:
    from krate_gitops.git.request import RefMode, RefRequest

    return RefRequest(mode=RefMode.EXPLICIT_REF, requested_ref=ref, require_approved_commit=False)


_SIGNS = {"added": "+", "removed": "-", "changed": "~", "moved": ">"}


def change_lines(change: Change) -> list[str]:
    """A change for people: what happened, to what, and the patch where there is one."""
    name = f"{change.id} ({change.kind})  {change.path}" if change.id else change.path
    origin = f"  from {change.old_path}" if change.old_path else ""
    status = ""
    if change.old_status != change.new_status and change.old_status and change.new_status:
        status = f"  {change.old_status} → {change.new_status}"
    selected = "  selected" if change.in_selection else ""
    line = f"{_SIGNS[change.type]} {change.item:<8} {printable(name + origin + status)}{selected}"
    return [line, printable_block(change.patch)] if change.patch else [line]


def _table(found: Comparison) -> str:
    lines = [line for change in found.changes for line in change_lines(change)]
    counts = ", ".join(f"{count} {kind}" for kind, count in found.counts.items() if count)
    lines.append(f"{found.from_commit[:12]}..{found.to_commit[:12]}: {counts or 'no differences'}")
    return "\n".join(lines) + "\n"
