"""``notifications``: who had to be told what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from krate_gitops.cli.commands import KrateCommand
from krate_gitops.cli.invocation import Invocation, pass_invocation
from krate_gitops.cli.options import WORDS
from krate_gitops.cli.output import show
from krate_gitops.cli.snapshot_options import records_if_any
from krate_gitops.printable import printable, printable_block

if TYPE_CHECKING:
    from krate_gitops.records.notifications import Notification


@click.command("notifications", cls=KrateCommand)
@click.option("--recipient", type=WORDS, metavar="NAME", help="Only those for NAME, such as user:ann or team:payments.")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True, help="Notifications on a page.")
@click.option(
    "--before", type=click.IntRange(min=1), metavar="NUMBER", help="Go on where the last page ended (nextBefore)."
)
@pass_invocation
def notifications(invocation: Invocation, recipient: str | None, limit: int, before: int | None) -> None:
    """List who had to be told what, such as that memory was bad.

    Newest first. Notifications are written when history is marked as known to be bad: to whoever asked for the
    snapshots that hold it, and to the owners of the records and repositories it is about. This program sends nothing;
    whatever does, reads them here.
    """
    from krate_gitops.encoding import plain
    from krate_gitops.records.notifications import NotificationPage, list_notifications

    database = records_if_any(invocation)
    page = NotificationPage([], None)
    if database is not None:
        with database.reading() as connection:
            page = list_notifications(
                connection, invocation.settings.organization, recipient=recipient, limit=limit, before=before
            )
    items = plain(page.items)
    more = f"more: --before {page.next_before}\n" if page.next_before else ""
    table = "\n".join(map(_block, page.items)) + more if items else "no notifications\n"
    show(invocation.output, {"items": items, "nextBefore": page.next_before}, table=table, items=items)


def _block(one: Notification) -> str:
    lines = "".join(f"  {line}\n" for line in printable_block(one.text).split("\n"))
    return f"{printable(one.created_at)}  {printable(one.recipient)}  {printable(one.subject)}\n{lines}"
