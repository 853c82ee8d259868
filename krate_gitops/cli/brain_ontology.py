"""``brain ontology``: drafting and explaining ontologies."""

from __future__ import annotations

from pathlib import Path

import click

from krate_gitops.cli.commands import KrateGroup
from krate_gitops.cli.invocation import Invocation, pass_invocation
from krate_gitops.cli.opening import any_commit, open_brain
from krate_gitops.cli.options import RefSelection, ref_options, repo_argument, root_option
from krate_gitops.cli.output import fields_table, rows_table, show
from krate_gitops.cli.progress import progress
from krate_gitops.errors import UsageError


@click.group(cls=KrateGroup)
def ontology() -> None:
    """Draft and explain ontologies."""


@ontology.command("infer")
@repo_argument
@ref_options
@root_option
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder for the files.")
@click.option("--force", is_flag=True, help="Replace ontology files that are there.")
@pass_invocation
def infer(invocation: Invocation, repo: str, selection: RefSelection, root: str | None, out: Path, force: bool) -> None:
    """Draft an ontology from the kinds, attributes, edges and ids that a brain really contains."""
    from krate_gitops.index.drafting import draft_ontology

    with progress(invocation) as listen:
        brain = open_brain(invocation, repo, root=root, ontology=None, progress=listen)
        target = brain.target(brain.resolve(any_commit(selection)).resolved_commit)
        drafted = draft_ontology(target, progress=listen)
    files = {out / path.rpartition("/")[2]: data for path, data in drafted.items()}
    present = [path for path in files if path.exists()]
    if present and not force:
        raise UsageError(
            "INVALID_REQUEST",
            f"{present[0]} exists",
            hint="choose another folder, or replace it with --force",
            location=str(present[0]),
        )
    out.mkdir(parents=True, exist_ok=True)
    for path, data in files.items():
        path.write_bytes(data)
    rows = [(path.name, len(data)) for path, data in files.items()]
    fields = {"commit": target.commit, "out": str(out), "files": [path.name for path in files]}
    show(invocation.output, fields, table=rows_table(("file", "bytes"), rows) + f"in {out}\n")


@ontology.command("explain")
@click.argument("name", metavar="KBnnn|NAME")
@pass_invocation
def explain(invocation: Invocation, name: str) -> None:
    """Explain a rule by its code or name, or a kind of the base ontology, with a good and a bad example."""
    from krate_gitops.brain.explain import explain as explanation

    found = explanation(name)
    show(invocation.output, found, table=fields_table({key: value for key, value in found.items() if value}))
