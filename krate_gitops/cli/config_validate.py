"""``config validate``: what is wrong with a config repository, without a cluster."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from krate_gitops.cli.commands import KrateCommand
from krate_gitops.cli.invocation import Invocation, pass_invocation
from krate_gitops.cli.opening import any_commit
from krate_gitops.cli.options import RefSelection, ref_options, repo_argument
from krate_gitops.cli.output import show, write
from krate_gitops.cli.progress import progress

if TYPE_CHECKING:
    from krate_gitops.git.request import RefRequest

FORMATS = ("table", "json", "sarif", "github", "junit")
_NO_ORGANIZATION = "local"
"""What the settings say when no organization was named."""


@click.command("validate", cls=KrateCommand)
@repo_argument
@ref_options
@click.option("--worktree", is_flag=True, help="Check the files of a checkout, committed or not; ignored ones aside.")
@click.option("--path", default="", metavar="FOLDER", help="Folder that the source reads; all of REPO without it.")
@click.option("--format", "form", type=click.Choice(FORMATS), help="Form of the report; that of --output without it.")
@click.option(
    "--fail-on", type=click.Choice(("error", "warning")), default="error", show_default=True, help="What ends with 1."
)
@pass_invocation
def validate(
    invocation: Invocation,
    repo: str,
    selection: RefSelection,
    worktree: bool,
    path: str,
    form: str | None,
    fail_on: str,
) -> int:
    """Check the agent resources of REPO: a repository, or any folder of manifests.

    With --org the files are those of that organization's own source; without it those of a platform source, which may
    hold every kind and several organizations. No cluster is asked: what isn't among the files is reported as a warning.
    """
    if worktree and selection != RefSelection():
        raise click.UsageError("--worktree checks files, so it takes no --ref, --at or --snapshot-tag")
    return _validate(invocation, repo, None if worktree else any_commit(selection), path, form, fail_on)


def _validate(
    invocation: Invocation, repo: str, request: RefRequest | None, path: str, form: str | None, fail_on: str
) -> int:
    from krate_gitops.brain.report import ReportFormat, render
    from krate_gitops.resources.context import Context
    from krate_gitops.resources.report import body, presentation, report_of
    from krate_gitops.resources.source import open_source
    from krate_gitops.resources.validate import validate as validate_loaded

    started, now = time.perf_counter(), datetime.now(UTC)
    settings = invocation.settings
    named = settings.organization
    context = Context(organization=None if named == _NO_ORGANIZATION else named, now=int(now.timestamp()))
    with progress(invocation):
        opened = open_source(invocation.locate(repo), request=request, path=path, settings=settings, now=now)
        found = validate_loaded(opened.loaded, context, source=opened.name)
    spent = round((time.perf_counter() - started) * 1000)
    report = report_of(opened, found, fail_on=fail_on, duration_ms=spent)
    if form == "json" or (form is None and invocation.output != "table"):
        content = body(report, found, base=opened.base)
        show("json" if form else invocation.output, content, table="", items=content["diagnostics"])
    else:
        look = presentation(opened, colour=invocation.colour, fail_on=fail_on)
        write(render(report, ReportFormat(form or "table"), look))
    return int(report.result == "invalid")
