"""``config schema``: what editors need to know of the kinds."""

from __future__ import annotations

from pathlib import Path

import click

from krate_gitops.cli.commands import KrateCommand
from krate_gitops.cli.invocation import Invocation, pass_invocation
from krate_gitops.cli.output import rows_table, show


@click.command("schema", cls=KrateCommand)
@click.argument("kind", required=False)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder for a file of each kind.")
@pass_invocation
def schema(invocation: Invocation, kind: str | None, out: Path | None) -> None:
    """Print the JSON Schema of KIND, or one for documents of any kind.

    With --out there is a file for each kind and all.schema.json for any, or the one file of KIND.
    """
    from krate_gitops.encoding import json_text
    from krate_gitops.resources.schema import combined_schema, schema_files, schema_of

    if out is None:
        found = schema_of(kind) if kind else combined_schema()
        # A schema is JSON whatever the form: that is what reads it.
        show(invocation.output, found, table=json_text(found))
        return
    files = schema_files(kind)
    out.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (out / name).write_text(json_text(content), encoding="utf-8")
    fields = {"out": str(out), "files": list(files)}
    show(invocation.output, fields, table=rows_table(("file",), ((name,) for name in files)) + f"in {out}\n")
