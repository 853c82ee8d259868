"""``import approve``, ``request-changes``, ``reject``, ``merge`` and ``refresh``: what becomes of an import."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from krate_gitops.cli.commands import KrateCommand
from krate_gitops.cli.import_text import find_import, report
from krate_gitops.cli.invocation import Invocation, pass_invocation
from krate_gitops.cli.output import rows_table, show
from krate_gitops.cli.progress import progress
from krate_gitops.cli.update_changes import LONG_TEXT
from krate_gitops.cli.update_options import Work, desk_of, name_argument, work_options
from krate_gitops.cli.update_review import expected_options

if TYPE_CHECKING:
    from krate_gitops.updates.model import Verdict


@click.command("approve", cls=KrateCommand)
@work_options
@name_argument
@expected_options
@click.option("--comment", type=LONG_TEXT, help="A word to it.")
@click.option(
    "--acknowledge",
    multiple=True,
    type=click.Choice(("injection-suspected",)),
    help="Say that you read what looks like instructions to agents (repeatable).",
)
@pass_invocation
def approve(
    invocation: Invocation,
    work: Work,
    name: str,
    expected_head: str | None,
    expected_diff: str | None,
    comment: str | None,
    acknowledge: tuple[str, ...],
) -> int:
    """Approve an import as it is now.

    The approval is bound to its head, to what it writes and to its report: whatever changes of these voids it.
    """
    from krate_gitops.updates.model import Verdict

    said = {"expected_head": expected_head, "expected_diff": expected_diff, "acknowledge": acknowledge}
    return _say(invocation, work, name, Verdict.APPROVE, comment or "", **said)


@click.command("request-changes", cls=KrateCommand)
@work_options
@name_argument
@click.option("--comment", type=LONG_TEXT, required=True, help="What shall be different.")
@click.option("--expected-head", metavar="COMMIT", help="Refuse when its head isn't this commit any more.")
@pass_invocation
def request_changes(invocation: Invocation, work: Work, name: str, comment: str, expected_head: str | None) -> int:
    """Ask for another revision of an import. Nobody merges it as it is."""
    from krate_gitops.updates.model import Verdict

    _say(invocation, work, name, Verdict.REQUEST_CHANGES, comment, expected_head=expected_head)
    return 0


@click.command("reject", cls=KrateCommand)
@work_options
@name_argument
@click.option("--comment", type=LONG_TEXT, required=True, help="Why.")
@click.option("--expected-head", metavar="COMMIT", help="Refuse when its head isn't this commit any more.")
@pass_invocation
def reject(invocation: Invocation, work: Work, name: str, comment: str, expected_head: str | None) -> int:
    """Turn an import down for good: its request is closed and its branch removed. Its record stays."""
    from krate_gitops.updates.model import Verdict

    _say(invocation, work, name, Verdict.REJECT, comment, expected_head=expected_head)
    return 0


@click.command("merge", cls=KrateCommand)
@work_options
@name_argument
@expected_options
@pass_invocation
def merge(invocation: Invocation, work: Work, name: str, expected_head: str | None, expected_diff: str | None) -> int:
    """Merge an approved import: one commit on the default branch, whose approvals are checked once more."""
    from krate_gitops.updates.imports.review import merge_import

    with progress(invocation) as listen:
        desk = desk_of(invocation, work, listen, needs_forge=True)
        found = find_import(desk, name)
        held = merge_import(desk, found.name, expected_head=expected_head, expected_diff=expected_diff)
    return report(invocation, desk, held)


@click.command("validate", cls=KrateCommand)
@work_options
@name_argument
@pass_invocation
def validate(invocation: Invocation, work: Work, name: str) -> int:
    """Judge an import under review anew, merged onto its target as that is now.

    Ends with 1 when its files don't hold to the brain's rules.
    """
    from krate_gitops.updates.imports.review import revalidate_import

    with progress(invocation) as listen:
        desk = desk_of(invocation, work, listen, needs_forge=True)
        held = revalidate_import(desk, find_import(desk, name).name)
    return report(invocation, desk, held)


@click.command("refresh", cls=KrateCommand)
@work_options
@click.argument("name", metavar="[NAME]", required=False)
@pass_invocation
def refresh(invocation: Invocation, work: Work, name: str | None) -> int:
    """Look what became of an import at its forge and in the repository, or of all that are open."""
    from krate_gitops.updates.imports.ledger import OPEN, ImportLedger
    from krate_gitops.updates.imports.review import look_at_import

    with progress(invocation) as listen:
        desk = desk_of(invocation, work, listen, needs_forge=True)
        if name is not None:
            return report(invocation, desk, look_at_import(desk, find_import(desk, name).name))
        found = [look_at_import(desk, held.name) for held in ImportLedger(desk).listed(phases=OPEN, limit=1_000)]
    items = [{"import": one.name, "phase": one.phase.value} for one in found]
    rows = [(one["import"], one["phase"]) for one in items]
    table = rows_table(("import", "phase"), rows) if rows else "no open imports\n"
    show(invocation.output, {"items": items}, table=table, items=items)
    return 0


def _say(invocation: Invocation, work: Work, name: str, verdict: Verdict, comment: str, **more: Any) -> int:
    from krate_gitops.updates.imports.review import decide_import
    from krate_gitops.updates.review import Opinion

    opinion = Opinion(verdict=verdict, comment=comment, **more)
    with progress(invocation) as listen:
        desk = desk_of(invocation, work, listen, needs_forge=True)
        held = decide_import(desk, find_import(desk, name).name, opinion)
    return report(invocation, desk, held)
