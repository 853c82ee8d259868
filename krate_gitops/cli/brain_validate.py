"""``brain validate``: what is wrong with a commit, a change, or files that aren't committed yet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

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
from krate_gitops.cli.output import show, write
from krate_gitops.cli.progress import progress

if TYPE_CHECKING:
    from krate_gitops.index.validate import Selection, Validation
    from krate_gitops.progress import Progress

FORMATS = ("table", "json", "sarif", "github", "junit")


@click.command("validate", cls=KrateCommand)
@repo_argument
@ref_options
@root_option
@ontology_option
@jobs_option
@click.option("--worktree", is_flag=True, help="Check the files of a checkout, committed or not; ignored ones aside.")
@click.option("--base", metavar="REF", help="Check what changed since this commit, and what the change causes.")
@click.option("--format", "form", type=click.Choice(FORMATS), help="Form of the report; that of --output without it.")
@click.option("--fail-on", type=click.Choice(("error", "warning")), help="What ends with 1; the brain's rules say it.")
@click.option("--code", "codes", multiple=True, metavar="KBnnn", help="Only findings of this rule (repeatable).")
@click.option("--path", "paths", multiple=True, metavar="GLOB", help="Only findings in these files (repeatable).")
@pass_invocation
def validate(
    invocation: Invocation,
    repo: str,
    selection: RefSelection,
    root: str | None,
    ontology: Path | None,
    worktree: bool,
    base: str | None,
    form: str | None,
    fail_on: str | None,
    codes: tuple[str, ...],
    paths: tuple[str, ...],
) -> int:
    """Check a commit against its ontology.

    Ends with 1 when a finding is as serious as --fail-on says. With --code or --path only the findings shown count.
    """
    if worktree and selection != RefSelection():
        raise click.UsageError("--worktree checks files, so it takes no --ref, --at or --snapshot-tag")
    wanted = _selection(codes, paths)
    with progress(invocation) as listen:
        found = _validate(invocation, repo, selection, root, ontology, worktree, base, wanted, fail_on, listen)
    _print(invocation, found, form)
    return int(found.report.result == "invalid")


def _validate(
    invocation: Invocation,
    repo: str,
    selection: RefSelection,
    root: str | None,
    ontology: Path | None,
    worktree: bool,
    base: str | None,
    wanted: Selection,
    fail_on: str | None,
    listen: Progress,
) -> Validation:
    from krate_gitops.index.validate import validate as validate_commit
    from krate_gitops.index.worktree import validate_worktree

    brain = open_brain(invocation, repo, root=root, ontology=ontology, progress=listen)
    against = brain.target(brain.resolve(any_commit(RefSelection(base))).resolved_commit) if base else None
    if worktree:
        return validate_worktree(
            brain.builder,
            brain.repository,
            home=invocation.settings.home,
            root=root,
            ontology_dir=ontology,
            base=against,
            selection=wanted,
            fail_on=fail_on,
            progress=listen,
        )
    target = brain.target(brain.resolve(any_commit(selection)).resolved_commit)
    return validate_commit(brain.builder, target, base=against, selection=wanted, fail_on=fail_on, progress=listen)


def _selection(codes: tuple[str, ...], paths: tuple[str, ...]) -> Selection:
    from difflib import get_close_matches

    from krate_gitops.brain.rules.table import RULES
    from krate_gitops.index.validate import Selection

    for code in codes:
        if code not in RULES:
            near = get_close_matches(code.upper(), RULES, 1)
            raise click.UsageError(f"no rule {code!r}" + (f"; did you mean {near[0]}?" if near else ""))
    return Selection(codes, paths)


def _print(invocation: Invocation, found: Validation, form: str | None) -> None:
    from krate_gitops.brain.report import Presentation, ReportFormat, render, report_body

    if form is None and invocation.output != "table":
        body = report_body(found.report)
        show(invocation.output, body, table="", items=body["diagnostics"])
        return
    look = Presentation(base=found.root, colour=invocation.colour, fail_on=found.fail_on)
    write(render(found.report, ReportFormat(form or "table"), look))
