"""``brain export``: derived files of a commit."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from krate_gitops.cli.commands import KrateCommand
from krate_gitops.cli.invocation import Invocation, pass_invocation
from krate_gitops.cli.opening import any_commit, open_brain
from krate_gitops.cli.options import (
    RefSelection,
    jobs_option,
    ontology_option,
    ref_options,
    repo_argument,
    root_option,
)
from krate_gitops.cli.output import fields_table, into_file, show
from krate_gitops.cli.progress import progress

if TYPE_CHECKING:
    from krate_gitops.index.build import Builder, Built

FORMATS = ("graph-index", "search-manifest", "ontology-report")
_EPOCH = "SOURCE_DATE_EPOCH"


@click.command("export", cls=KrateCommand)
@repo_argument
@ref_options
@root_option
@ontology_option
@jobs_option
@click.option("--format", "form", type=click.Choice(FORMATS), required=True, help="Which file.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Where to; standard output without it.")
@pass_invocation
def export(
    invocation: Invocation,
    repo: str,
    selection: RefSelection,
    root: str | None,
    ontology: Path | None,
    form: str,
    out: Path | None,
) -> None:
    """Write a derived file of a commit: the same commit gives the same bytes.

    Its generatedAt is the time of the commit, or SOURCE_DATE_EPOCH where that is set.
    """
    from krate_gitops.index.sound import with_indexes

    with progress(invocation) as listen:
        brain = open_brain(invocation, repo, root=root, ontology=ontology, progress=listen)
        target = brain.target(brain.resolve(any_commit(selection)).resolved_commit)

        def fill(file: IO[bytes]) -> int:
            # Into a file first: a store that turns out to be damaged is mended before anything is shown.
            return with_indexes(
                brain.builder, [target], lambda built: _write(brain.builder, built[0], form, file), progress=listen
            )

        if out is None:
            with tempfile.TemporaryFile() as file:
                fill(file)
                _to_stdout(file)
            return
        size = into_file(out, fill)
    fields = {"format": form, "commit": target.commit, "out": str(out), "bytes": size}
    show(invocation.output, fields, table=fields_table(fields))


def _write(builder: Builder, built: Built, form: str, file: IO[bytes]) -> int:
    """Writes a derived file from its beginning; its size in bytes."""
    from krate_gitops.git.objects import ObjectReader
    from krate_gitops.index.export import export as pieces
    from krate_gitops.index.export import stamp_of
    from krate_gitops.index.judged import Judged

    file.seek(0)
    file.truncate()
    judged = Judged.of(builder, built)
    with ObjectReader(built.source.target.repository) as reader:
        for piece in pieces(form, judged, reader, stamp_of(judged.manifest, generated_at=_epoch())):
            file.write(piece)
    return file.tell()


def _epoch() -> int | None:
    text = os.environ.get(_EPOCH, "")
    if text and not text.isdecimal():
        raise click.UsageError(f"{_EPOCH} must be seconds since 1970, not {text!r}")
    return int(text) if text else None


def _to_stdout(file: IO[bytes]) -> None:
    file.seek(0)
    if sys.stdout.isatty():
        from krate_gitops.printable import escape_invisible

        for line in file:
            click.echo(escape_invisible(line.decode()), nl=False)
    else:
        shutil.copyfileobj(file, sys.stdout.buffer)
