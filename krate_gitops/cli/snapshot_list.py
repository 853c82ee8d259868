"""``snapshot list``: which snapshots there are, and which of them were told something."""

from __future__ import annotations

import math
from datetime import datetime

import click

from krate_gitops.cli.commands import KrateCommand
from krate_gitops.cli.invocation import Invocation, pass_invocation
from krate_gitops.cli.options import COMMIT, INSTANT, WORDS
from krate_gitops.cli.output import rows_table, show
from krate_gitops.cli.snapshot_options import records_if_any


@click.command("list", cls=KrateCommand)
@click.option("--memory-repository", type=WORDS, metavar="NAME", help="Only of this repository.")
@click.option("--commit", type=COMMIT, metavar="COMMIT", help="Only those pinned to this commit, by its full id.")
@click.option("--record", type=WORDS, metavar="ID", help="Only those that selected this record.")
@click.option("--path", type=WORDS, metavar="PATH", help="Only those that selected something of this file.")
@click.option("--run", type=WORDS, metavar="NAME", help="Only those of this dispatch run.")
@click.option("--since", type=INSTANT, metavar="RFC3339", help="Only those made at or after this time.")
@click.option("--known-bad/--not-known-bad", default=None, help="Only those that are, or are not, known to be bad.")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True, help="Snapshots on a page.")
@click.option("--cursor", metavar="CURSOR", help="Go on where the last page ended.")
@pass_invocation
def list_command(
    invocation: Invocation,
    memory_repository: str | None,
    commit: str | None,
    record: str | None,
    path: str | None,
    run: str | None,
    since: datetime | None,
    known_bad: bool | None,
    limit: int,
    cursor: str | None,
) -> None:
    """List snapshots, newest first: all, or those that consumed a commit, a record or a file."""
    from krate_gitops.encoding import plain
    from krate_gitops.git.instants import format_instant
    from krate_gitops.memory.recall import list_documents
    from krate_gitops.records.consumers import SnapshotFilter

    wanted = SnapshotFilter(
        memory_repository=memory_repository,
        commit=commit,
        record=record,
        path=path,
        run=run,
        since=None if since is None else format_instant(math.ceil(since.timestamp())),
        known_bad=known_bad,
    )
    organization = invocation.settings.organization
    page = list_documents(records_if_any(invocation), organization, wanted, limit=limit, cursor=cursor)
    headings = ("snapshot", "created", "repository", "commit", "records", "excerpts", "documents", "run", "known bad")
    rows = [
        (
            one.metadata.name,
            one.status.created_at,
            one.spec.memory_repository,
            one.spec.resolved_commit[:12],
            one.spec.record_count,
            one.spec.excerpt_count,
            one.spec.document_count,
            one.spec.dispatch_run,
            "" if one.status.known_bad is None else one.status.known_bad.reason,
        )
        for one in page.items
    ]
    more = f"\nmore: --cursor {page.next_cursor}\n" if page.next_cursor else ""
    table = rows_table(headings, rows) + more if rows else "no snapshots\n"
    show(invocation.output, plain(page), table=table, items=plain(page)["items"])
