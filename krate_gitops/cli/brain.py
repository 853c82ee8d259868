"""``brain``: everything one does with a company brain."""

from __future__ import annotations

import click

from krate_gitops.cli.commands import KrateGroup, LazyCommand

COMMANDS = {
    "diff": LazyCommand("krate_gitops.cli.brain_diff:diff", "Show what changed between two commits."),
    "export": LazyCommand("krate_gitops.cli.brain_export:export", "Write a derived file of a commit."),
    "index": LazyCommand("krate_gitops.cli.brain_index:index", "Build or complete the index of a commit."),
    "init": LazyCommand("krate_gitops.cli.brain_init:init", "Make a new brain with the base ontology."),
    "log": LazyCommand("krate_gitops.cli.brain_log:log", "Show the history of one record."),
    "mirror": LazyCommand("krate_gitops.cli.brain_mirror:mirror", "Copy a whole repository, to move it."),
    "ontology": LazyCommand("krate_gitops.cli.brain_ontology:ontology", "Draft and explain ontologies."),
    "query": LazyCommand("krate_gitops.cli.brain_query:query", "Ask a question at a commit."),
    "show": LazyCommand("krate_gitops.cli.brain_show:show_item", "Show one record or document."),
    "validate": LazyCommand("krate_gitops.cli.brain_validate:validate", "Check a commit against its ontology."),
    "verify-mirror": LazyCommand(
        "krate_gitops.cli.brain_verify_mirror:verify_mirror", "Prove that a mirror is the same brain."
    ),
}


@click.group(cls=KrateGroup, table=COMMANDS)
def brain() -> None:
    """Validate, index, query and compare a company brain."""
