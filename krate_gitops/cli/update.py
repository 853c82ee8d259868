"""``update``: changes of a brain, from a proposal to a commit that reviewers approved."""

from __future__ import annotations

import click

from krate_gitops.cli.commands import KrateGroup, LazyCommand

COMMANDS = {
    "approve": LazyCommand("krate_gitops.cli.update_review:approve", "Approve an update as it is now."),
    "convert": LazyCommand("krate_gitops.cli.update_carry:convert", "Show a stored patch to reviewers."),
    "impact": LazyCommand("krate_gitops.cli.update_impact:impact", "Measure what agents will be told differently."),
    "list": LazyCommand("krate_gitops.cli.update_list:list_updates", "List updates and where they stand."),
    "merge": LazyCommand("krate_gitops.cli.update_carry:merge", "Merge an approved update."),
    "propose": LazyCommand("krate_gitops.cli.update_propose:propose", "Propose changes of records and documents."),
    "refresh": LazyCommand("krate_gitops.cli.update_carry:refresh", "Look what became of updates elsewhere."),
    "reject": LazyCommand("krate_gitops.cli.update_review:reject", "Turn an update down for good."),
    "request-changes": LazyCommand("krate_gitops.cli.update_review:request_changes", "Ask for another revision."),
    "revert": LazyCommand("krate_gitops.cli.update_carry:revert", "Propose to take an update or commit back."),
    "revise": LazyCommand("krate_gitops.cli.update_propose:revise", "Replace the changes of an open update."),
    "show": LazyCommand("krate_gitops.cli.update_show:show_update", "Show an update as its reviewers need it."),
    "validate": LazyCommand("krate_gitops.cli.update_carry:validate", "Judge an open update anew."),
}


@click.group(cls=KrateGroup, table=COMMANDS)
def update() -> None:
    """Propose, review and merge changes of a company brain."""
