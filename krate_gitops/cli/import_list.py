"""``import list``: the imports into a brain and where they stand."""

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
    from krate_gitops.updates.imports.ledger import HeldImport

PHASES = (
    "Pending",
    "Collecting",
    "Redacting",
    "Normalizing",
    "Validating",
    "AwaitingReview",
    "Merged",
    "Rejected",
    "Failed",
)


@click.command("list", cls=KrateCommand)
@work_options
@click.option("--phase", "phases", type=click.Choice(PHASES, case_sensitive=False), multiple=True, help="Only these.")
@click.option("--open", "only_open", is_flag=True, help="Only those that haven't ended.")
@click.option("--run", type=WORDS, metavar="ID", help="Only those of this run.")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True, help="Most imports to show.")
@pass_invocation
def list_imports(
    invocation: Invocation, work: Work, phases: tuple[str, ...], only_open: bool, run: str | None, limit: int
) -> None:
    """List the imports into REPO that are on record, newest first."""
    from krate_gitops.records.location import has_records
    from krate_gitops.updates.imports.ledger import OPEN, ImportLedger
    from krate_gitops.updates.imports.mirror import mirrored

    wanted = set(phases) or (set(OPEN) if only_open else None)
    found: list[HeldImport] = []
    if has_records(invocation.settings):
        with progress(invocation) as listen:
            desk = desk_of(invocation, work, listen)
        listed = ImportLedger(desk).listed(phases=wanted, run=run, limit=limit)
        found = [
            one for one in (mirrored(desk, held) for held in listed) if wanted is None or one.phase.value in wanted
        ]
    items = [_item(held) for held in found]
    headings = ("import", "phase", "run", "repository", "keeps", "files", "changed", "pull request")
    rows = [
        (
            one["import"],
            one["phase"],
            one["runId"],
            one["repository"],
            one["retentionTier"],
            one["files"],
            one["updatedAt"],
            one["pullRequestRef"],
        )
        for one in items
    ]
    show(invocation.output, {"items": items}, table=rows_table(headings, rows) if rows else "no imports\n", items=items)


def _item(held: HeldImport) -> dict[str, Any]:
    document = held.document
    spec, status = document.spec, document.status
    return {
        "import": document.name,
        "phase": held.phase.value,
        "runId": spec.source.run_id,
        "repository": spec.source.repository_ref,
        "retentionTier": spec.retention_tier.value,
        "artifactRetention": spec.artifact_retention.value,
        "files": len(status.generated_files),
        "sourceDigest": status.source_digest,
        "targetPath": spec.target_path,
        "updateRef": status.update_ref,
        "pullRequestRef": status.pull_request_ref,
        "memoryCommit": status.memory_commit,
        "error": status.error,
        "createdAt": document.metadata.creation_timestamp,
        "updatedAt": held.stored.updated_at,
    }
