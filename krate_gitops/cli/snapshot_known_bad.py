"""``snapshot mark-known-bad`` and ``snapshot known-bad``: history that must not be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from krate_gitops.cli.commands import KrateCommand
from krate_gitops.cli.invocation import Invocation, pass_invocation
from krate_gitops.cli.opening import open_brain
from krate_gitops.cli.options import WORDS
from krate_gitops.cli.output import fields_table, rows_table, show
from krate_gitops.cli.progress import progress
from krate_gitops.cli.snapshot_options import actor, records, records_if_any

if TYPE_CHECKING:
    from krate_gitops.memory.known_bad import Marked


@click.command("mark-known-bad", cls=KrateCommand)
@click.argument("repo", metavar="[REPO]", required=False)
@click.option("--from", "start", metavar="REF", help="The commit that brought the problem.")
@click.option("--to", "end", metavar="REF", help="The commit that fixed it; the range stays open without it.")
@click.option(
    "--path", "paths", type=WORDS, multiple=True, metavar="PATH", help="Only what was read from this file (repeatable)."
)
@click.option("--record", "record_ids", type=WORDS, multiple=True, metavar="ID", help="Only this record (repeatable).")
@click.option("--reason", type=WORDS, metavar="TEXT", help="What is wrong.")
@click.option("--see", type=WORDS, metavar="NAME", help="Incident, update or pull request that tells more.")
@click.option(
    "--close", "closed", type=WORDS, metavar="RANGE", help="Say, with --to, what fixed a range that was marked before."
)
@click.option("--withdraw", "withdrawn", type=WORDS, metavar="RANGE", help="Take a range back, with --reason.")
@pass_invocation
def mark_known_bad(
    invocation: Invocation,
    repo: str | None,
    start: str | None,
    end: str | None,
    paths: tuple[str, ...],
    record_ids: tuple[str, ...],
    reason: str | None,
    see: str | None,
    closed: str | None,
    withdrawn: str | None,
) -> None:
    """Mark the commits of REPO from one on and before another as known to be bad.

    Snapshots pinned there which selected one of the paths or records, or all of them where none is named, are marked
    too, and whoever was given them or owns them is notified. New snapshots and retries of marked ones then need
    --acknowledge-known-bad. --close says later what fixed a range, and --withdraw, which needs no REPO, takes one back.
    """
    from krate_gitops.encoding import plain
    from krate_gitops.memory.known_bad import Evidence, close, mark, withdraw

    given = {"from": start, "close": closed, "withdraw": withdrawn, "to": end, "reason": reason, "see": see}
    _check_together({name: value for name, value in (given | {"path": paths, "record": record_ids}).items() if value})
    if repo is None and withdrawn is None:
        raise click.UsageError("name the REPO")
    database, organization = records(invocation), invocation.settings.organization
    with progress(invocation) as listen:
        if withdrawn is not None:
            found = withdraw(database, organization, withdrawn, reason=reason or "", marked_by=actor())
        else:
            brain = open_brain(invocation, repo or "", root=None, ontology=None, progress=listen)
            if closed is not None:
                found = close(brain, database, closed, end or "", marked_by=actor())
            else:
                evidence = Evidence(reason=reason or "", marked_by=actor(), ref=see, paths=paths, record_ids=record_ids)
                found = mark(brain, database, start or "", end, evidence)
    show(invocation.output, plain(found), table=_table(found))


_TOGETHER = {
    "from": ({"reason"}, {"to", "path", "record", "see"}),
    "close": ({"to"}, set[str]()),
    "withdraw": ({"reason"}, set[str]()),
}
"""What each of the three needs, and what it may have beside."""


def _check_together(given: Mapping[str, object]) -> None:
    """Raises ``click.UsageError`` for options that do not go together: none is passed over in silence."""
    chosen = [name for name in _TOGETHER if name in given]
    if len(chosen) != 1:
        raise click.UsageError("give one of --from, --close and --withdraw")
    needed, allowed = _TOGETHER[chosen[0]]
    for name in sorted(needed - given.keys()):
        raise click.UsageError(f"--{chosen[0]} needs --{name}")
    for name in sorted(given.keys() - needed - allowed - {chosen[0]}):
        raise click.UsageError(f"--{name} does not go with --{chosen[0]}")


def _table(found: Marked) -> str:
    bad = found.range
    return fields_table(
        {
            "range": bad.name,
            "from": bad.start,
            "to": bad.end or ("" if bad.withdrawn else "not fixed yet"),
            "reason": bad.reason,
            "state": _state(bad.withdrawn, bad.end),
            "snapshots": f"{found.covered} covered" + (f", {found.unmarked} no longer" if found.unmarked else ""),
            "notified": f"{found.notified} recipient{'' if found.notified == 1 else 's'}" if found.notified else None,
        }
    )


def _state(withdrawn: bool, end: str | None) -> str:
    return "withdrawn" if withdrawn else "closed" if end else "open"


@click.command("known-bad", cls=KrateCommand)
@click.option("--memory-repository", type=WORDS, metavar="NAME", help="Only of this repository.")
@pass_invocation
def known_bad(invocation: Invocation, memory_repository: str | None) -> None:
    """List ranges that are known to be bad."""
    from krate_gitops.encoding import plain
    from krate_gitops.memory.known_bad import ranges

    found = ranges(records_if_any(invocation), invocation.settings.organization, memory_repository)
    rows = [
        (
            one.name,
            one.memory_repository,
            one.start[:12],
            (one.end or "")[:12],
            _state(one.withdrawn, one.end),
            one.reason,
        )
        for one in found
    ]
    headings = ("range", "repository", "from", "to", "state", "reason")
    show(invocation.output, {"items": plain(found)}, table=rows_table(headings, rows) if rows else "no ranges\n")
