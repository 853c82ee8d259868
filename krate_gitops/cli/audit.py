"""``audit``: the log of who did what, and who was refused."""

from __future__ import annotations

import click

from krate_gitops.cli.commands import KrateGroup, LazyCommand

COMMANDS = {
    "query": LazyCommand("krate_gitops.cli.audit_query:query", "Print records of the audit log, newest first."),
    "verify": LazyCommand("krate_gitops.cli.audit_verify:verify", "Check that the audit log is what was written."),
}


@click.group(cls=KrateGroup, table=COMMANDS)
def audit() -> None:
    """Search the audit log, and check that nobody has changed it."""
