"""``index``: the index store."""

from __future__ import annotations

import time

import click

from krate_gitops.cli.commands import KrateGroup
from krate_gitops.cli.invocation import Invocation, pass_invocation
from krate_gitops.cli.output import fields_table, rows_table, show
from krate_gitops.cli.progress import progress
from krate_gitops.encoding import plain

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


@click.group(cls=KrateGroup)
def index() -> None:
    """List, clean up and check the index store."""


@index.command("list")
@pass_invocation
def list_command(invocation: Invocation) -> None:
    """Print the indexes of the store, newest first for each repository."""
    from krate_gitops.index.inventory import list_indexes
    from krate_gitops.index.store import Store

    store = Store(invocation.settings.home)
    held = list_indexes(store, now=time.time())
    headings = ("repository", "commit", "root", "documents", "records", "shards", "mib", "age", "state")
    rows = [
        (
            row.repository,
            row.commit[:12],
            row.root,
            row.documents,
            row.records,
            row.shards,
            f"{row.bytes / 1_048_576:.1f}",
            _age(row.age_seconds),
            row.state,
        )
        for row in held
    ]
    items = plain(held)
    show(
        invocation.output,
        {"store": str(store.root), "indexes": items},
        table=rows_table(headings, rows) if rows else f"no indexes in {store.root}\n",
        items=items,
    )


@index.command("gc")
@click.option("--max-age-days", type=click.IntRange(0), default=90, show_default=True, help="Oldest index to keep.")
@click.option("--keep", type=click.IntRange(0), default=50, show_default=True, help="Most indexes a repository keeps.")
@click.option(
    "--guard-minutes",
    type=click.IntRange(0),
    default=60,
    show_default=True,
    help="Leave alone what is younger: a build may be under way.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@pass_invocation
def gc_command(invocation: Invocation, max_age_days: int, keep: int, guard_minutes: int, dry_run: bool) -> None:
    """Remove old indexes, and what no index needs any more."""
    from krate_gitops.index.collect import Retention, collect
    from krate_gitops.index.store import Store

    retention = Retention(max_age_days=max_age_days, per_repository=keep, guard_seconds=guard_minutes * 60)
    done = collect(Store(invocation.settings.home), retention, now=time.time(), dry_run=dry_run)
    fields = {"dryRun": dry_run, **plain(done)}
    show(invocation.output, fields, table=fields_table(fields))


@index.command("verify")
@click.option("--repair", is_flag=True, help="Remove what is bad; the next build makes it again.")
@pass_invocation
def verify_command(invocation: Invocation, repair: bool) -> int:
    """Check every digest of the index store. Ends with 1 when something is wrong and was not repaired."""
    from krate_gitops.index.store import Store
    from krate_gitops.index.verify import verify_store

    store = Store(invocation.settings.home)
    with progress(invocation) as listen:
        found = verify_store(store, repair=repair, progress=listen)
    problems = plain(found.problems)
    fields = {**plain(found), "sound": found.is_sound}
    rows = [(problem.path, problem.what, "yes" if problem.repaired else "no") for problem in found.problems]
    counts = f"{found.manifests} manifests, {found.shards} shards, {found.verdicts} verdicts, {found.bytes} bytes"
    table = rows_table(("path", "what", "repaired"), rows) if rows else ""
    verdict = "sound" if not rows else "repaired" if found.is_sound else "damaged"
    show(invocation.output, fields, table=f"{table}{verdict}: {counts}\n", items=problems)
    return int(not found.is_sound)


def _age(seconds: int) -> str:
    return next((f"{seconds // size} {unit}" for size, unit in _UNITS if seconds >= size), f"{seconds} s")
