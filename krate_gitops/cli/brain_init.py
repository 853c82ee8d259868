"""``brain init``: a new brain."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from krate_gitops.cli.commands import KrateCommand
from krate_gitops.cli.invocation import Invocation, pass_invocation
from krate_gitops.cli.output import fields_table, show
from krate_gitops.errors import UsageError


@click.command("init", cls=KrateCommand)
@click.argument("path", metavar="PATH", type=click.Path(path_type=Path))
@click.option("--bare", is_flag=True, help="Without a work tree.")
@click.option("--root", default=".company-brain", show_default=True, metavar="PATH", help="Memory root; . for the top.")
@click.option("--branch", default="main", show_default=True, metavar="NAME", help="Name of the default branch.")
@pass_invocation
def init(invocation: Invocation, path: Path, bare: bool, root: str, branch: str) -> None:
    """Make a new brain with the base ontology, in one commit.

    --org names the organisation that its texts speak of.
    """
    from krate_gitops.brain.seed import seed_files
    from krate_gitops.git.checkout import fill_work_tree
    from krate_gitops.git.commits import init_repository, write_commit
    from krate_gitops.git.identity import OURS

    path = path.absolute()
    files = seed_files(invocation.settings.organization)
    folder = "" if root.strip("/") in ("", ".") else root.strip("/") + "/"
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UsageError(
            "INVALID_REQUEST", f"{path} exists and is not an empty folder", hint="name a new folder", location=str(path)
        )
    repository = init_repository(path, bare=bare, default_branch=branch)
    commit = write_commit(
        repository.git_dir,
        {folder + name: data for name, data in files.items()},
        parents=[],
        message="Begin the company brain",
        author=OURS,
        time=datetime.now(UTC).replace(microsecond=0),
        branch=branch,
    )
    fill_work_tree(repository)
    fields = {
        "repository": str(path),
        "commit": commit,
        "branch": branch,
        "root": folder.rstrip("/") or ".",
        "files": len(files),
        "organization": invocation.settings.organization,
    }
    show(invocation.output, fields, table=fields_table(fields))
