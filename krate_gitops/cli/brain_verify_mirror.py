"""``brain verify-mirror``: proof that another repository is the same brain."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from krate_gitops.cli.commands import KrateCommand
from krate_gitops.cli.invocation import Invocation, pass_invocation
from krate_gitops.cli.opening import open_brain
from krate_gitops.cli.options import jobs_option, ontology_option, repo_argument, root_option
from krate_gitops.cli.output import rows_table, show
from krate_gitops.cli.progress import progress
from krate_gitops.cli.snapshot_options import records_if_any
from krate_gitops.printable import printable

if TYPE_CHECKING:
    from krate_gitops.memory.rotation import Gate, Parity


@click.command("verify-mirror", cls=KrateCommand)
@repo_argument
@click.argument("other", metavar="OTHER")
@root_option
@ontology_option
@click.option(
    "--replay",
    "most",
    type=click.IntRange(0, 200),
    default=20,
    show_default=True,
    metavar="N",
    help="Ask the questions of so many recent snapshots of REPO on both.",
)
@jobs_option
@pass_invocation
def verify_mirror(
    invocation: Invocation, repo: str, other: str, root: str | None, ontology: Path | None, most: int
) -> int:
    """Compare REPO with its mirror OTHER: refs, commits, files, digests, snapshot tags, and answers to questions.

    The index of OTHER is built from its files. Ends with 1 when something differs.
    """
    from krate_gitops.encoding import plain
    from krate_gitops.memory.rotation import verify_mirror as compare

    with progress(invocation) as listen:
        brain = open_brain(invocation, repo, root=root, ontology=ontology, progress=listen)
        found = compare(
            brain,
            invocation.locate(other),
            records_if_any(invocation),
            ontology=ontology,
            root=root,
            most=most,
            progress=listen,
        )
    show(invocation.output, plain(found), table=_table(found))
    return int(not found.match)


def _table(found: Parity) -> str:
    rows = [(gate.name, "same" if gate.match else "DIFFERS", _here(gate), _there(gate)) for gate in found.gates]
    why = "".join(
        f"{gate.name}: {', '.join(map(printable, gate.differences))}\n" for gate in found.gates if gate.differences
    )
    count = len(found.replays)
    asked = (
        f"{count} question{'' if count == 1 else 's'} asked on both" if count else "no recent questions to ask on both"
    )
    end = "the same brain" if found.match else "not the same"
    return f"{rows_table(('gate', 'result', 'repository', 'other'), rows)}\n{why}{end}; {asked}\n"


def _here(gate: Gate) -> str:
    return gate.repository if gate.repository_count is None else f"{gate.repository_count}: {gate.repository}"


def _there(gate: Gate) -> str:
    if gate.match:
        return ""
    return gate.other if gate.other_count is None else f"{gate.other_count}: {gate.other}"
