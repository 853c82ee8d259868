"""``ref``: from a name or a time to a commit."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from krate_gitops.cli.commands import KrateGroup
from krate_gitops.cli.invocation import Invocation, pass_invocation
from krate_gitops.cli.options import RefSelection, ref_options, repo_argument
from krate_gitops.cli.output import fields_table, show
from krate_gitops.encoding import plain


@click.group(cls=KrateGroup)
def ref() -> None:
    """Find out which commit a ref, a time or a snapshot tag means."""


@ref.command("resolve")
@repo_argument
@ref_options
@pass_invocation
def resolve(invocation: Invocation, repo: str, selection: RefSelection) -> None:
    """Print the commit that the REF options mean in REPO, and how current it is."""
    from krate_gitops.git.repository import open_repository
    from krate_gitops.memory.recorded import resolve_recorded

    settings = invocation.settings
    repository = open_repository(invocation.locate(repo), settings=settings)
    resolution = resolve_recorded(repository, selection.request(), settings=settings, now=datetime.now(UTC))
    fields = plain(resolution)
    show(invocation.output, fields, table=fields_table(fields))
