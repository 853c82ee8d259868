"""``config``: everything one does with a repository of agent resources."""

from __future__ import annotations

import click

from krate_gitops.cli.commands import KrateGroup, LazyCommand

COMMANDS = {
    "crds": LazyCommand("krate_gitops.cli.config_crds:crds", "Print the definitions that a cluster needs."),
    "schema": LazyCommand("krate_gitops.cli.config_schema:schema", "Print or write the JSON Schema of kinds."),
    "validate": LazyCommand("krate_gitops.cli.config_validate:validate", "Check a config repository."),
}


@click.group("config", cls=KrateGroup, table=COMMANDS)
def config_repo() -> None:
    """Validate agent resources, and describe their kinds to editors."""
