"""``brain show``: one record or document."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from krate_gitops.cli.commands import KrateCommand
from krate_gitops.cli.consumer_options import consumer_options
from krate_gitops.cli.invocation import Invocation, pass_invocation
from krate_gitops.cli.opening import open_brain, policy_for
from krate_gitops.cli.options import (
    RefSelection,
    ontology_option,
    policy_option,
    ref_options,
    repo_argument,
    root_option,
)
from krate_gitops.cli.output import fields_table, show
from krate_gitops.cli.progress import progress
from krate_gitops.printable import printable, printable_block

if TYPE_CHECKING:
    from krate_gitops.memory.request import Consumer
    from krate_gitops.memory.single import Shown


@click.command("show", cls=KrateCommand)
@repo_argument
@click.argument("item", metavar="ID|PATH")
@ref_options
@root_option
@ontology_option
@policy_option
@consumer_options
@pass_invocation
def show_item(
    invocation: Invocation,
    repo: str,
    item: str,
    selection: RefSelection,
    root: str | None,
    ontology: Path | None,
    policy: Path | None,
    consumer: Consumer,
) -> None:
    """Show one record or document."""
    from krate_gitops.encoding import plain
    from krate_gitops.memory.single import show_one

    with progress(invocation) as listen:
        brain = open_brain(invocation, repo, root=root, ontology=ontology, progress=listen)
        rights = policy_for(invocation, policy, consumer)
        found = brain.read_under(selection.request(), rights, lambda opened, _: show_one(opened, item, rights))
    show(invocation.output, plain(found), table=_table(found))


def _table(found: Shown) -> str:
    record = found.record
    head = ""
    if record is not None:
        head = fields_table(
            {
                "id": record.id,
                "kind": record.kind,
                "title": record.title,
                "status": record.status,
                "owners": record.owners,
                "sensitivity": record.sensitivity,
                "updatedAt": record.updated_at,
                "path": found.path,
                "digest": record.digest,
                "tags": record.tags,
                "sourceRefs": record.source_refs,
            }
        )
    else:
        head = fields_table({"path": found.path, "digest": found.digest})
    edges = "".join(f"  {printable(edge.kind)} → {printable(edge.target)} ({edge.via})\n" for edge in found.edges)
    back = "".join(f"  {printable(edge.kind)} ← {printable(edge.target)}\n" for edge in found.inbound)
    text = printable_block(found.text) if found.text else ""
    warnings = "".join(f"warning: {warning}\n" for warning in found.warnings)
    parts = [head, warnings, f"edges\n{edges}" if edges else "", f"inbound\n{back}" if back else "", text]
    return "\n".join(part for part in parts if part)
