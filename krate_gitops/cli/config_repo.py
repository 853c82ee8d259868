"""``config``: everything one does with a repository of agent resources."""

from __future__ import annotations

import click

from krate_gitops.cli.commands import KrateGroup, LazyCommand

COMMANDS = {
    "apply": LazyCommand("krate_gitops.cli.config_apply:apply", "Make objects what files say, as a commit."),
    "commit": LazyCommand("krate_gitops.cli.config_apply:commit", "Make several changes one commit."),
    "crds": LazyCommand("krate_gitops.cli.config_crds:crds", "Print the definitions that a cluster needs."),
    "delete": LazyCommand("krate_gitops.cli.config_set:delete", "Remove an object, as a commit."),
    "log": LazyCommand("krate_gitops.cli.config_log:log", "List the changes that are on record."),
    "rollback": LazyCommand("krate_gitops.cli.config_rollback:rollback", "Bring earlier content back, as a commit."),
    "schema": LazyCommand("krate_gitops.cli.config_schema:schema", "Print or write the JSON Schema of kinds."),
    "set": LazyCommand("krate_gitops.cli.config_set:set_fields", "Set fields of an object, as a commit."),
    "status": LazyCommand("krate_gitops.cli.config_log:status", "Find out what became of the changes of a source."),
    "validate": LazyCommand("krate_gitops.cli.config_validate:validate", "Check a config repository."),
}


@click.group("config", cls=KrateGroup, table=COMMANDS)
def config_repo() -> None:
    """Validate agent resources, change them by commits, and describe their kinds to editors."""
