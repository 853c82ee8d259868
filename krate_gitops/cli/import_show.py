"""``import show``: an import as its reviewers need it."""

from __future__ import annotations

import click

from krate_gitops.cli.commands import KrateCommand
from krate_gitops.cli.import_text import find_import, import_body, import_table
from krate_gitops.cli.invocation import Invocation, pass_invocation
from krate_gitops.cli.output import show
from krate_gitops.cli.progress import progress
from krate_gitops.cli.update_options import Work, desk_of, name_argument, work_options
from krate_gitops.cli.update_text import detail_text


@click.command("show", cls=KrateCommand)
@work_options
@name_argument
@click.option("--no-diff", is_flag=True, help="Leave out the changed lines; fields and edges are shown.")
@pass_invocation
def show_import(invocation: Invocation, work: Work, name: str, no_diff: bool) -> None:
    """Show an import: its run, what is kept, what was taken out, and the update that carries it.

    NAME may be cut, as long as one import alone begins so. Nothing of the run is shown but what would be written.
    """
    from krate_gitops.updates.detail import detail_body, detail_of
    from krate_gitops.updates.imports.mirror import mirrored
    from krate_gitops.updates.ledger import Ledger

    with progress(invocation) as listen:
        desk = desk_of(invocation, work, listen)
        held = mirrored(desk, find_import(desk, name))
        update = held.document.status.update_ref
        detail = detail_of(desk, Ledger(desk).find(update)) if update is not None else None
    body = import_body(desk, held)
    table = import_table(held, invocation.colour)
    if detail is not None:
        body["update"] = detail_body(detail)
        table += "\n" + detail_text(detail, invocation.colour, with_diff=not no_diff)
    show(invocation.output, body, table=table)
