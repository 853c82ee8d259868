"""``config log`` and ``config status``: changes on record, and what became of those of one source."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from krate_gitops.cli.commands import KrateCommand
from krate_gitops.cli.config_write import Place, place_options, target_of
from krate_gitops.cli.invocation import Invocation, pass_invocation
from krate_gitops.cli.output import rows_table, show
from krate_gitops.cli.progress import progress

if TYPE_CHECKING:
    from krate_gitops.records.config_changes import StoredChange


@click.command("log", cls=KrateCommand)
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True, help="Most changes to show.")
@pass_invocation
def log(invocation: Invocation, limit: int) -> None:
    """List the changes of the organisation's sources that are on record, newest first."""
    from krate_gitops.records.config_changes import list_changes
    from krate_gitops.records.database import open_database
    from krate_gitops.records.location import has_records

    found: list[StoredChange] = []
    if has_records(invocation.settings):
        with open_database(invocation.settings).reading() as connection:
            found = list_changes(connection, invocation.settings.organization, limit=limit)
    _show(invocation, found)


@click.command("status", cls=KrateCommand)
@place_options
@pass_invocation
def status(invocation: Invocation, place: Place) -> None:
    """Find out what became of the changes of a source, and record it: proposed, merged or rejected."""
    from krate_gitops.reconcile.writer.proposals import refreshed_changes
    from krate_gitops.records.database import open_database

    with progress(invocation):
        target = target_of(invocation, place)
        database = open_database(invocation.settings)
        found = refreshed_changes(target, settings=invocation.settings, database=database, now=datetime.now(UTC))
    _show(invocation, found)


def _show(invocation: Invocation, found: Sequence[StoredChange]) -> None:
    rows = [
        (
            one.change.name,
            str(one.status),
            one.change.source,
            one.commit[:12],
            one.change.actor,
            one.change.created_at,
            one.change.message.partition("\n")[0],
        )
        for one in found
    ]
    items = [_item(one) for one in found]
    headings = ("change", "status", "source", "commit", "actor", "time", "message")
    table = rows_table(headings, rows) if rows else "no changes\n"
    show(invocation.output, {"items": items}, table=table, items=items)


def _item(one: StoredChange) -> dict[str, Any]:
    from krate_gitops.encoding import plain

    state = plain(one.state) if one.state else {}
    return {**plain(one.change), "commit": one.commit, "status": one.status.value, "state": state}
