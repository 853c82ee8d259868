"""``brain mirror``: a copy of the whole repository, to move it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from krate_gitops.cli.commands import KrateCommand
from krate_gitops.cli.invocation import Invocation, pass_invocation
from krate_gitops.cli.options import repo_argument
from krate_gitops.cli.output import fields_table, show
from krate_gitops.cli.progress import progress

if TYPE_CHECKING:
    from krate_gitops.git.mirroring import Mirrored


@click.command("mirror", cls=KrateCommand)
@repo_argument
@click.argument("to", metavar="TO")
@click.option("--prune", is_flag=True, help="Delete branches, tags and notes of TO that REPO no longer has.")
@pass_invocation
def mirror(invocation: Invocation, repo: str, to: str, prune: bool) -> None:
    """Copy all branches, tags and notes of REPO to TO, with every commit's id.

    TO is a path, where a bare repository is made, or an address that may be pushed to. It must be empty or an older
    copy of REPO: what was written there since is never overwritten. Doing it again finishes what was interrupted.
    """
    from krate_gitops.encoding import plain
    from krate_gitops.git.mirroring import mirror as copy
    from krate_gitops.git.repository import open_repository

    with progress(invocation) as listen:
        source = open_repository(invocation.locate(repo), settings=invocation.settings)
        done = copy(source, invocation.locate(to), settings=invocation.settings, prune=prune, progress=listen)
    show(invocation.output, plain(done), table=_table(done))


def _table(done: Mirrored) -> str:
    head = done.head or "not told"
    return fields_table(
        {
            "mirror": done.to,
            "refs": f"{done.refs}: {done.created} new, {done.updated} moved on, {done.unchanged} unchanged"
            + (f", {done.deleted} deleted" if done.deleted else ""),
            "default branch": done.default_branch if done.head == done.default_branch else f"{head} (change it there)",
            "object format": done.object_format,
        }
    )
