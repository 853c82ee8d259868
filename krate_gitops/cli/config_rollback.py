"""``config rollback``: earlier content again, as a new commit."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from krate_gitops.cli.commands import KrateCommand
from krate_gitops.cli.config_write import Writing, write, writing_options
from krate_gitops.cli.invocation import Invocation, pass_invocation

if TYPE_CHECKING:
    from krate_gitops.reconcile.writer.request import Change
    from krate_gitops.reconcile.writer.target import SourceTarget
    from krate_gitops.records.config_changes import StoredChange


@click.command("rollback", cls=KrateCommand)
@writing_options
@click.option("--to", "ref", metavar="REF", help="Commit, branch or tag whose content is wanted.")
@click.option("--change", metavar="NAME", help="The recorded change to take back, see `config log`.")
@click.option("--file", "paths", multiple=True, metavar="PATH", help="Only this file or folder of the source.")
@pass_invocation
def rollback(
    invocation: Invocation, writing: Writing, ref: str | None, change: str | None, paths: tuple[str, ...]
) -> None:
    """Bring earlier content back, as a new commit that is checked like any other.

    With --to the files are what they were at REF; with --change those of one change are what they were before it,
    unless somebody has changed them since.
    """
    if (ref is None) == (change is None):
        raise click.UsageError("give one of --to and --change")
    if change is not None and paths:
        raise click.UsageError("--file goes with --to")

    def changes(target: SourceTarget) -> list[Change]:
        from krate_gitops.git.refs import resolve
        from krate_gitops.git.repository import open_repository
        from krate_gitops.git.request import RefMode, RefRequest
        from krate_gitops.reconcile.writer.proposals import undoing
        from krate_gitops.reconcile.writer.request import Restore

        repository = open_repository(target.location, settings=invocation.settings)
        if change is not None:
            return list(undoing(target, repository, _recorded(invocation, target, change)))
        request = RefRequest(mode=RefMode.EXPLICIT_REF, requested_ref=ref, require_approved_commit=False)
        commit = resolve(
            repository, request, now=datetime.now(UTC), settings=invocation.settings, default_branch=target.branch
        ).resolved_commit
        return [Restore(path=path, commit=commit) for path in paths or ("",)]

    what = f"Take back {change}" if change else f"Restore {', '.join(paths) or 'everything'} as of {ref}"
    write(invocation, writing, changes, what[:200])


def _recorded(invocation: Invocation, target: SourceTarget, name: str) -> StoredChange:
    from krate_gitops.errors import UnavailableError
    from krate_gitops.records.config_changes import list_changes
    from krate_gitops.records.database import open_database

    with open_database(invocation.settings).reading() as connection:
        found = list_changes(connection, target.owner, source_uid=target.uid, name=name)
    if not found:
        raise UnavailableError(
            "CONFIG_CHANGE_NOT_FOUND", f"no change {name[:80]!r} of this source is on record", hint="see `config log`"
        )
    return found[0]
