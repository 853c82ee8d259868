"""``update impact``: what agents will be told differently."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from krate_gitops.cli.commands import KrateCommand
from krate_gitops.cli.invocation import Invocation, pass_invocation
from krate_gitops.cli.output import show
from krate_gitops.cli.progress import progress
from krate_gitops.cli.update_changes import NO_TERMS, Asked, change_options, gather, proposal_of, written_in
from krate_gitops.cli.update_options import Work, desk_of, find_update, work_options
from krate_gitops.printable import printable

if TYPE_CHECKING:
    from krate_gitops.updates.carry import Carried
    from krate_gitops.updates.desk import Desk


@click.command("impact", cls=KrateCommand)
@work_options
@change_options
@click.option("--sample", type=click.IntRange(1, 500), help="Most recorded questions to ask again; 50 without it.")
@click.option("--exit-code", is_flag=True, help="End with 1 when something is told differently.")
@pass_invocation
def impact(invocation: Invocation, work: Work, asked: Asked, sample: int | None, exit_code: bool) -> int:
    """Ask recorded questions again, before and after a change, and show what is answered differently.

    The change is an update, by its name in the place of PATH, or what the options say, as with `update propose`.
    """
    from krate_gitops.encoding import plain
    from krate_gitops.updates.impact.measure import SAMPLE
    from krate_gitops.updates.impact.show import impact_lines
    from krate_gitops.updates.impact_section import impact_of

    named = asked.paths[0] if len(asked.paths) == 1 and asked.paths[0].startswith("amu-") else None
    source = None if named else written_in(asked)
    with progress(invocation) as listen:
        desk = desk_of(invocation, work, listen)
        if named is not None:
            tip, root, carried = _of_update(desk, named)
        else:
            tip, root, carried = _of_changes(desk, asked, source)
        found = impact_of(desk, tip, carried.changed, root, sample=sample or SAMPLE)
    for one in carried.conflicts:
        click.echo(printable(f"left out, as it can't be merged: {one.path} {one.place}".rstrip()), err=True)
    table = "".join(f"{line}\n" for line in impact_lines(found, invocation.colour))
    show(invocation.output, plain(found), table=table, items=plain(found.queries))
    return int(exit_code and not found.is_empty)


def _of_update(desk: Desk, name: str) -> tuple[str, str, Carried]:
    """Commit, memory root, and what an update changes: of an open one on its target now, else where it was judged."""
    from krate_gitops.updates.detail import carried_onto
    from krate_gitops.updates.ledger import Ledger
    from krate_gitops.updates.model import TERMINAL

    update = find_update(desk, name).update
    now = desk.tip(update.spec.target_branch) or update.spec.base_commit
    tip = (update.status.validated_commit or now) if update.phase in TERMINAL else now
    carried, root = carried_onto(desk, update, Ledger(desk).contents(update), tip)
    return tip, root, carried


def _of_changes(desk: Desk, asked: Asked, source: object) -> tuple[str, str, Carried]:
    from krate_gitops.updates.preview import carried_of

    gathered = gather(desk, asked, source, default="To see what it would do")
    return carried_of(desk, proposal_of(desk, gathered, NO_TERMS))
