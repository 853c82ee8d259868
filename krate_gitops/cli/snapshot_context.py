"""``snapshot context``: what a retry of the run gets."""

from __future__ import annotations

import click

from krate_gitops.cli.commands import KrateCommand
from krate_gitops.cli.invocation import Invocation, pass_invocation
from krate_gitops.cli.output import show
from krate_gitops.cli.snapshot_options import acknowledge_option, released, snapshot_argument


@click.command("context", cls=KrateCommand)
@snapshot_argument
@acknowledge_option
@pass_invocation
def context(invocation: Invocation, reference: str, acknowledge_known_bad: bool) -> None:
    """Print the memory of a snapshot for a prompt; -o json prints the block of the context bundle.

    Everything comes from what was stored: nothing is resolved or asked again, and Git is not needed.
    """
    from krate_gitops.encoding import plain
    from krate_gitops.memory.context import memory_block, prompt_section

    kept = released(invocation, reference, acknowledge_known_bad)
    block, section = memory_block(kept), prompt_section(kept)
    show(invocation.output, {"memory": plain(block), "digest": block.digest, "section": section}, table=section)
