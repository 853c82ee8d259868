"""``audit query``: pages, counts and exports of the audit log."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from krate_gitops.cli.audit_options import filter_options
from krate_gitops.cli.commands import KrateCommand
from krate_gitops.cli.invocation import Invocation, pass_invocation
from krate_gitops.cli.output import into_file, rows_table, show, write
from krate_gitops.errors import UsageError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from krate_gitops.records.audit_filter import AuditFilter
    from krate_gitops.records.audit_query import Counts, Page

_PAGE = 50
_HEADINGS = ("sequence", "time", "type", "actor", "target", "decision", "reason")


@click.command("query", cls=KrateCommand)
@filter_options
@click.option("--limit", type=click.IntRange(1, 500), help="Most records of a page; 50 without it.")
@click.option("--cursor", metavar="CURSOR", help="Next page, as the page before printed it.")
@click.option("--after", type=click.IntRange(0), metavar="SEQUENCE", help="Records after this number, oldest first.")
@click.option("--events", is_flag=True, help="Print the events that records are, for those that are one.")
@click.option("--counts", is_flag=True, help="Count by class, type and hour instead of printing records.")
@click.option(
    "--export",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    metavar="FILE",
    help="Write all that match to FILE, or to standard output for -, as JSON Lines with a closing hash.",
)
@pass_invocation
def query(
    invocation: Invocation,
    filters: Mapping[str, Any],
    limit: int | None,
    cursor: str | None,
    after: int | None,
    events: bool,
    counts: bool,
    export: Path | None,
) -> None:
    """Print records of the audit log of the organisation, newest first.

    All filters that are given must hold.
    """
    if sum((cursor is not None, after is not None, counts, export is not None)) > 1:
        raise UsageError("INVALID_REQUEST", "--cursor, --after, --counts and --export exclude each other")
    if limit is not None and (counts or export is not None):
        raise UsageError("INVALID_REQUEST", "--limit is for pages; --counts and --export take all that match")
    if events and (counts or export is not None):
        raise UsageError("INVALID_REQUEST", "--events is for pages; --counts and --export are of records")
    with _log(invocation, filters) as (connection, wanted):
        if counts:
            _show_counts(invocation, connection, wanted)
        elif export is not None:
            _export(connection, wanted, export)
        else:
            page = _page(connection, wanted, limit=limit or _PAGE, cursor=cursor, after=after)
            (_show_events if events else _show_page)(invocation, page)


@contextlib.contextmanager
def _log(invocation: Invocation, filters: Mapping[str, Any]) -> Iterator[tuple[Connection | None, AuditFilter]]:
    """A view of the store, or nothing where there is none: looking is no reason to make one."""
    from krate_gitops.records.audit_filter import AuditFilter
    from krate_gitops.records.database import open_database
    from krate_gitops.records.location import has_records

    settings = invocation.settings
    wanted = AuditFilter(organization=settings.organization, **filters)
    if not has_records(settings):
        yield None, wanted
        return
    with open_database(settings).reading() as connection:
        yield connection, wanted


def _page(
    connection: Connection | None, wanted: AuditFilter, *, limit: int, cursor: str | None, after: int | None
) -> Page:
    from krate_gitops.records.audit_query import Page, tail
    from krate_gitops.records.audit_query import query as query_log

    if connection is None:
        return Page()
    if after is not None:
        return tail(connection, wanted, after=after, limit=limit)
    return query_log(connection, wanted, limit=limit, cursor=cursor)


def _show_page(invocation: Invocation, page: Page) -> None:
    from krate_gitops.encoding import plain

    rows = [
        (
            record.sequence,
            record.time,
            record.type,
            record.actor.name,
            f"{record.target.kind}/{record.target.name}",
            "allowed" if record.decision.allowed else "denied",
            record.decision.reason,
        )
        for record in page.items
    ]
    table = rows_table(_HEADINGS, rows) if rows else "no records\n"
    more = f"\nmore: --cursor {page.next_cursor}\n" if page.next_cursor else ""
    items = plain(page.items)
    show(invocation.output, {"items": items, "nextCursor": page.next_cursor}, table=table + more, items=items)


def _show_events(invocation: Invocation, page: Page) -> None:
    from krate_gitops.encoding import plain
    from krate_gitops.records.events import event_of

    found = [event for record in page.items if (event := event_of(record)) is not None]
    rows = [(event.id, event.time, event.type, f"{event.subject.kind}/{event.subject.name}") for event in found]
    table = rows_table(("id", "time", "event", "subject"), rows) if rows else "no events\n"
    more = f"\nmore: --cursor {page.next_cursor}\n" if page.next_cursor else ""
    items = plain(found)
    show(invocation.output, {"items": items, "nextCursor": page.next_cursor}, table=table + more, items=items)


def _show_counts(invocation: Invocation, connection: Connection | None, wanted: AuditFilter) -> None:
    from krate_gitops.encoding import plain
    from krate_gitops.records.audit_query import Counts, count

    counts: Counts = Counts() if connection is None else count(connection, wanted)
    fields = plain(counts)
    rows = [
        (name.removeprefix("by").lower(), key, number)
        for name, group in fields.items()
        if isinstance(group, dict)
        for key, number in group.items()
    ]
    table = rows_table(("by", "value", "records"), [*rows, ("all", "", counts.total)])
    show(invocation.output, fields, table=table)


def _export(connection: Connection | None, wanted: AuditFilter, file: Path) -> None:
    from krate_gitops.records.audit_export import export_lines

    if str(file) == "-":
        for line in export_lines(connection, wanted):
            write(line)
        return
    # Only whole: an export without its closing line proves nothing.
    into_file(file, lambda stream: sum(stream.write(line.encode()) for line in export_lines(connection, wanted)))
