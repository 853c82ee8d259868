"""``update list``: the updates of a brain and where they stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from krate_gitops.cli.commands import KrateCommand
from krate_gitops.cli.invocation import Invocation, pass_invocation
from krate_gitops.cli.options import WORDS
from krate_gitops.cli.output import rows_table, show
from krate_gitops.cli.progress import progress
from krate_gitops.cli.update_options import Work, desk_of, work_options

if TYPE_CHECKING:
    from krate_gitops.updates.ledger import Held

PHASES = (
    "Pending",
    "Validating",
    "AwaitingApproval",
    "ChangesRequested",
    "Approved",
    "Merging",
    "Merged",
    "Rejected",
    "Superseded",
    "Expired",
    "Failed",
)
_READ_AT_ONCE = 1000


@click.command("list", cls=KrateCommand)
@work_options
@click.option("--phase", "phases", type=click.Choice(PHASES, case_sensitive=False), multiple=True, help="Only these.")
@click.option("--open", "only_open", is_flag=True, help="Only those that haven't ended.")
@click.option("--run", type=WORDS, metavar="NAME", help="Only those of this run.")
@click.option("--path", type=WORDS, metavar="PATH", help="Only those that change this file, or files of this folder.")
@click.option("--proposer", type=WORDS, metavar="NAME", help="Only those of this agent or person.")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True, help="Most updates to show.")
@pass_invocation
def list_updates(
    invocation: Invocation,
    work: Work,
    phases: tuple[str, ...],
    only_open: bool,
    run: str | None,
    path: str | None,
    proposer: str | None,
    limit: int,
) -> None:
    """List the updates of REPO that are on record, newest first."""
    from krate_gitops.records.location import has_records
    from krate_gitops.updates.ledger import OPEN, Ledger

    wanted = set(phases) or (set(OPEN) if only_open else None)
    found: list[Held] = []
    if has_records(invocation.settings):
        with progress(invocation) as listen:
            desk = desk_of(invocation, work, listen)
        # What the store can't tell apart is told apart here.
        most = limit if path is None and proposer is None else _READ_AT_ONCE
        listed = Ledger(desk).listed(phases=wanted, source_run=run, limit=most)
        found = [held for held in listed if _fits(held, path, proposer)][:limit]
    items = [_item(held) for held in found]
    headings = ("update", "phase", "proposer", "files", "reason", "changed", "pull request")
    rows = [
        (
            one["update"],
            one["phase"],
            one["proposer"]["name"],
            len(one["paths"]),
            _first(one["reason"]),
            one["updatedAt"],
            one["pullRequestRef"],
        )
        for one in items
    ]
    show(invocation.output, {"items": items}, table=rows_table(headings, rows) if rows else "no updates\n", items=items)


def _fits(held: Held, path: str | None, proposer: str | None) -> bool:
    spec = held.update.spec
    if proposer is not None and spec.proposer.name != proposer:
        return False
    paths = [one for item in spec.changes for one in (item.path, item.target)]
    return path is None or any(one == path or one.startswith(f"{path.rstrip('/')}/") for one in paths)


def _item(held: Held) -> dict[str, Any]:
    update = held.update
    spec, status = update.spec, update.status
    return {
        "update": update.name,
        "phase": update.phase.value,
        "updateKind": spec.update_kind.value,
        "proposer": {"kind": spec.proposer.kind, "name": spec.proposer.name},
        "sourceRun": spec.source_run,
        "paths": [item.target for item in spec.changes],
        "reason": spec.changes[0].reason if spec.changes else "",
        "branch": spec.branch_name,
        "targetBranch": spec.target_branch,
        "headCommit": status.head_commit,
        "mergeCommit": status.merge_commit,
        "pullRequestRef": status.pull_request_ref,
        "createdAt": update.metadata.creation_timestamp,
        "updatedAt": held.stored.updated_at,
    }


def _first(reason: str) -> str:
    return reason if len(reason) <= 50 else reason[:49].rstrip() + "…"
