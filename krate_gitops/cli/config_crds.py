"""``config crds``: the definitions that a cluster needs, for ``kubectl apply --server-side -f -``."""

from __future__ import annotations

import click

from krate_gitops.cli.commands import KrateCommand
from krate_gitops.cli.invocation import Invocation, pass_invocation
from krate_gitops.cli.output import show, write


@click.command("crds", cls=KrateCommand)
@pass_invocation
def crds(invocation: Invocation) -> None:
    """Print the custom resource definitions of all kinds, as YAML documents.

    They are those of this program's version: upgrade them before it.
    """
    from krate_gitops.encoding import yaml_text
    from krate_gitops.resources.crds import definition
    from krate_gitops.resources.kinds.inventory import MODELS

    found = [definition(kind) for kind in MODELS.values()]
    if invocation.output in ("table", "yaml"):
        write("".join(f"---\n{yaml_text(one)}" for one in found))
    else:
        show(invocation.output, {"apiVersion": "v1", "kind": "List", "items": found}, table="", items=found)
