"""``update merge``, ``validate``, ``refresh``, ``convert`` and ``revert``: what carries an update on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from krate_gitops.cli.commands import KrateCommand
from krate_gitops.cli.invocation import Invocation, pass_invocation
from krate_gitops.cli.output import rows_table, show
from krate_gitops.cli.progress import progress
from krate_gitops.cli.update_changes import LONG_TEXT
from krate_gitops.cli.update_options import Work, desk_of, find_update, name_argument, work_options
from krate_gitops.cli.update_propose import report
from krate_gitops.cli.update_review import expected_options
from krate_gitops.printable import printable

if TYPE_CHECKING:
    from krate_gitops.updates.ledger import Held
    from krate_gitops.updates.take_back import TakenBack


@click.command("merge", cls=KrateCommand)
@work_options
@name_argument
@expected_options
@pass_invocation
def merge(invocation: Invocation, work: Work, name: str, expected_head: str | None, expected_diff: str | None) -> int:
    """Merge an approved update: one commit on its target, whose approvals are checked once more.

    A checkout of the target gets the files too, where nothing that isn't committed is in the way.
    """
    from krate_gitops.updates.land import merge as merge_it

    with progress(invocation) as listen:
        desk = desk_of(invocation, work, listen, needs_forge=True)
        held = find_update(desk, name)
        held = merge_it(desk, held.name, expected_head=expected_head, expected_diff=expected_diff)
    return report(invocation, desk, held, is_new=False)


@click.command("validate", cls=KrateCommand)
@work_options
@name_argument
@pass_invocation
def validate(invocation: Invocation, work: Work, name: str) -> int:
    """Judge an open update anew, merged onto its target as that is now; one that nobody was shown yet is shown.

    Ends with 1 when it needs another revision.
    """
    from krate_gitops.updates.propose import revalidate

    with progress(invocation) as listen:
        desk = desk_of(invocation, work, listen, needs_forge=True)
        held = revalidate(desk, find_update(desk, name))
    return report(invocation, desk, held, is_new=False)


@click.command("refresh", cls=KrateCommand)
@work_options
@click.argument("name", metavar="[NAME]", required=False)
@pass_invocation
def refresh(invocation: Invocation, work: Work, name: str | None) -> int:
    """Look what became of an update at its forge and in the repository, or of all that are open.

    What somebody merged, closed, reviewed or pushed there is recorded; what was begun and left is carried on; branches
    of updates that ended are removed.
    """
    from krate_gitops.updates.look import look, look_at_all

    with progress(invocation) as listen:
        desk = desk_of(invocation, work, listen, needs_forge=True)
        if name is not None:
            held = look(desk, find_update(desk, name).name)
            return report(invocation, desk, held, is_new=False)
        found = look_at_all(desk)
    _listed(invocation, found)
    return 0


def _listed(invocation: Invocation, found: list[Held]) -> None:
    items = [{"update": one.name, "phase": one.update.phase.value} for one in found]
    rows = [(one["update"], one["phase"]) for one in items]
    table = rows_table(("update", "phase"), rows) if rows else "no open updates\n"
    show(invocation.output, {"items": items}, table=table, items=items)


@click.command("convert", cls=KrateCommand)
@work_options
@name_argument
@click.option(
    "--to",
    type=click.Choice(("proposed-pr", "review-branch")),
    default="proposed-pr",
    show_default=True,
    help="A pull request, or a branch that is reviewed here.",
)
@pass_invocation
def convert(invocation: Invocation, work: Work, name: str, to: str) -> int:
    """Show a patch-artifact, which is only stored, to reviewers."""
    from krate_gitops.updates.convert import convert as convert_it
    from krate_gitops.updates.model import UpdateKind

    with progress(invocation) as listen:
        desk = desk_of(invocation, work, listen, needs_forge=True)
        held = convert_it(desk, find_update(desk, name).name, UpdateKind(to))
    return report(invocation, desk, held, is_new=False)


@click.command("revert", cls=KrateCommand)
@work_options
@click.argument("what", metavar="UPDATE|COMMIT")
@click.option("--reason", type=LONG_TEXT, required=True, help="What is wrong with it.")
@click.option("--mark-known-bad", is_flag=True, help="Mark the history since then first, for the files it changed.")
@pass_invocation
def revert(invocation: Invocation, work: Work, what: str, reason: str, mark_known_bad: bool) -> int:
    """Propose an update that takes a merged one, or a commit of the default branch, back.

    It is reviewed as any other. When it is merged, known-bad ranges that begin with what it takes back are closed.
    History is never rewritten: what leaked must be revoked at its issuer.
    """
    from krate_gitops.updates.take_back import take_back

    with progress(invocation) as listen:
        desk = desk_of(invocation, work, listen, needs_forge=True)
        name = find_update(desk, what).name if what.startswith("amu-") else what
        taken = take_back(desk, name, reason=reason, mark_known_bad=mark_known_bad)
    for one in (*taken.settled, *taken.ignored):
        click.echo(printable(f"left alone: {one.path}: {one.why}"), err=True)
    return report(invocation, desk, taken.held, is_new=taken.is_new, more=_of(taken))


def _of(taken: TakenBack) -> dict[str, Any]:
    from krate_gitops.encoding import plain

    return {
        "takesBack": taken.commit,
        "settled": plain(taken.settled),
        "ignored": plain(taken.ignored),
        "knownBad": None if taken.marked is None else plain(taken.marked),
    }
