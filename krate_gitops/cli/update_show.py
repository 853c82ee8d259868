"""``update show``: an update as its reviewers need it."""

from __future__ import annotations

import click

from krate_gitops.cli.commands import KrateCommand
from krate_gitops.cli.invocation import Invocation, pass_invocation
from krate_gitops.cli.output import show
from krate_gitops.cli.progress import progress
from krate_gitops.cli.update_options import Work, desk_of, find_update, name_argument, work_options
from krate_gitops.cli.update_text import detail_text, links


@click.command("show", cls=KrateCommand)
@work_options
@name_argument
@click.option("--impact", "with_impact", is_flag=True, help="Add what agents will be told differently.")
@click.option("--no-diff", is_flag=True, help="Leave out the changed lines; fields and edges are shown.")
@pass_invocation
def show_update(invocation: Invocation, work: Work, name: str, with_impact: bool, no_diff: bool) -> None:
    """Show an update: what it changes, what is wrong with it, what it waits for.

    NAME may be cut, as long as one update alone begins so. Records come first, with their fields and edges, then the
    lines. Secrets are never shown.
    """
    from krate_gitops.encoding import plain
    from krate_gitops.updates.detail import detail_body, detail_of
    from krate_gitops.updates.impact.show import impact_lines
    from krate_gitops.updates.impact_section import impact_of

    with progress(invocation) as listen:
        desk = desk_of(invocation, work, listen)
        detail = detail_of(desk, find_update(desk, name))
        impact = impact_of(desk, detail.tip, detail.changed, detail.root) if with_impact and detail.changed else None
    body = {**detail_body(detail), "links": links(detail.update)}
    table = detail_text(detail, invocation.colour, with_diff=not no_diff)
    if impact is not None:
        body["impact"] = plain(impact)
        table += "\n" + "".join(f"{line}\n" for line in impact_lines(impact, invocation.colour))
    show(invocation.output, body, table=table)
