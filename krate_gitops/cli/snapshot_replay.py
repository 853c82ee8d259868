"""``snapshot replay``: proof that a snapshot can be told again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from krate_gitops.cli.commands import KrateCommand
from krate_gitops.cli.invocation import Invocation, pass_invocation
from krate_gitops.cli.options import jobs_option
from krate_gitops.cli.output import rows_table, show
from krate_gitops.cli.progress import progress
from krate_gitops.cli.snapshot_options import place_options, recalled, reopened, snapshot_argument
from krate_gitops.printable import printable

if TYPE_CHECKING:
    from krate_gitops.memory.replay import Replay


@click.command("replay", cls=KrateCommand)
@snapshot_argument
@place_options
@jobs_option
@pass_invocation
def replay(invocation: Invocation, reference: str, repo: str | None, root: str | None, ontology: Path | None) -> int:
    """Ask the question again at the same commit under the same policy, and compare every digest.

    Ends with 1 when something differs.
    """
    from krate_gitops.encoding import plain
    from krate_gitops.memory.replay import replay as ask_again

    kept = recalled(invocation, reference)
    with progress(invocation) as listen:
        brain = reopened(invocation, kept, repo, root, ontology, listen)
        found = ask_again(brain, kept)
    show(invocation.output, plain(found), table=_table(found))
    return int(not found.match)


def _table(found: Replay) -> str:
    rows = [
        (check.name, "same" if check.match else "DIFFERS", check.recorded, "" if check.match else check.replayed or "-")
        for check in found.digests
    ]
    why = "".join(
        f"{one.reason}: {printable(one.message)}{f' ({printable(one.item)})' if one.item else ''}\n"
        for one in found.differences
    )
    end = f"{found.snapshot} at {found.commit[:12]}: {'the same, byte for byte' if found.match else 'not the same'}\n"
    return f"{rows_table(('digest', 'result', 'recorded', 'replayed'), rows)}\n{why}{end}"
