"""``brain log``: the history of one record."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from krate_gitops.cli.commands import KrateCommand
from krate_gitops.cli.consumer_options import consumer_options
from krate_gitops.cli.invocation import Invocation, pass_invocation
from krate_gitops.cli.opening import open_brain, policy_for
from krate_gitops.cli.options import (
    RefSelection,
    ontology_option,
    policy_option,
    ref_options,
    repo_argument,
    root_option,
)
from krate_gitops.cli.output import rows_table, show
from krate_gitops.cli.progress import progress

if TYPE_CHECKING:
    from krate_gitops.memory.request import Consumer


@click.command("log", cls=KrateCommand)
@repo_argument
@click.argument("identifier", metavar="ID")
@ref_options
@root_option
@ontology_option
@policy_option
@consumer_options
@click.option("-n", "--limit", type=click.IntRange(1), help="At most this many versions.")
@pass_invocation
def log(
    invocation: Invocation,
    repo: str,
    identifier: str,
    selection: RefSelection,
    root: str | None,
    ontology: Path | None,
    policy: Path | None,
    consumer: Consumer,
    limit: int | None,
) -> None:
    """Show the history of one record."""
    from itertools import islice

    from krate_gitops.encoding import plain
    from krate_gitops.memory.history import record_versions

    with progress(invocation) as listen:
        brain = open_brain(invocation, repo, root=root, ontology=ontology, progress=listen)
        rights = policy_for(invocation, policy, consumer)
        versions = brain.read_under(
            selection.request(),
            rights,
            lambda opened, _: list(islice(record_versions(opened, identifier, rights), limit)),
        )
    rows = [(v.commit[:12], v.time, v.change, v.status or "", v.path, v.message) for v in versions]
    table = rows_table(("commit", "time", "change", "status", "path", "message"), rows)
    show(invocation.output, {"id": identifier, "versions": plain(versions)}, table=table, items=plain(versions))
