"""``import``: finished agent runs, from their folders to reviewed run memory."""

from __future__ import annotations

import click

from krate_gitops.cli.commands import KrateGroup, LazyCommand

COMMANDS = {
    "approve": LazyCommand("krate_gitops.cli.import_review:approve", "Approve an import as it is now."),
    "list": LazyCommand("krate_gitops.cli.import_list:list_imports", "List imports and where they stand."),
    "merge": LazyCommand("krate_gitops.cli.import_review:merge", "Merge an approved import."),
    "refresh": LazyCommand("krate_gitops.cli.import_review:refresh", "Look what became of imports elsewhere."),
    "reject": LazyCommand("krate_gitops.cli.import_review:reject", "Turn an import down for good."),
    "request-changes": LazyCommand(
        "krate_gitops.cli.import_review:request_changes", "Ask for another revision of an import."
    ),
    "run": LazyCommand("krate_gitops.cli.import_run:run", "Read a run, clean it, and propose what is kept of it."),
    "show": LazyCommand("krate_gitops.cli.import_show:show_import", "Show an import as its reviewers need it."),
    "validate": LazyCommand("krate_gitops.cli.import_review:validate", "Judge an import under review anew."),
}


@click.group("import", cls=KrateGroup, table=COMMANDS)
def imports() -> None:
    """Bring what finished agent runs left into a brain."""
