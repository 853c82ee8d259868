"""``brain query``: one question at one commit."""

from __future__ import annotations

import time
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from krate_gitops.cli.commands import KrateCommand
from krate_gitops.cli.invocation import Invocation, pass_invocation
from krate_gitops.cli.opening import open_brain, policy_for
from krate_gitops.cli.options import (
    RefSelection,
    jobs_option,
    ontology_option,
    policy_option,
    ref_options,
    repo_argument,
    root_option,
)
from krate_gitops.cli.output import show, write
from krate_gitops.cli.progress import progress
from krate_gitops.cli.question_options import Asking, question_options
from krate_gitops.printable import printable, printable_block

if TYPE_CHECKING:
    from krate_gitops.memory.response import Response, Why


@click.command("query", cls=KrateCommand)
@repo_argument
@click.argument("text", metavar="TEXT", default="")
@ref_options
@root_option
@ontology_option
@policy_option
@jobs_option
@question_options()
@click.option("--explain", is_flag=True, help="Show why each item was selected.")
@click.option("--render", type=click.Choice(("prompt",)), help="Print the section for a prompt instead.")
@pass_invocation
def query(
    invocation: Invocation,
    repo: str,
    text: str,
    selection: RefSelection,
    root: str | None,
    ontology: Path | None,
    policy: Path | None,
    asking: Asking,
    explain: bool,
    render: str | None,
) -> None:
    """Ask a question at a commit."""
    request = asking.request(text)
    rights = policy_for(invocation, policy, asking.consumer)
    with progress(invocation) as listen:
        brain = open_brain(invocation, repo, root=root, ontology=ontology, progress=listen)
        started = time.perf_counter()
        response = brain.query(selection.request(), request, rights)
        duration = round((time.perf_counter() - started) * 1000)
    _record(invocation, request.mode or rights.query_mode, text, response)
    if render:
        from krate_gitops.memory.render import render_prompt

        write(render_prompt(response))
        return
    from krate_gitops.encoding import plain

    value = {**plain(response), "durationMs": duration}
    items = sorted(value["records"] + value["excerpts"] + value["documents"], key=itemgetter("rank"))
    show(invocation.output, value, table=_table(response, explain), items=items)


def _record(invocation: Invocation, mode: str, text: str, response: Response) -> None:
    """Puts the question on record where records are kept. An answer that is made already is given in any case."""
    from krate_gitops.records.location import has_records

    if not has_records(invocation.settings):
        return
    from krate_gitops.cli.logs import logger
    from krate_gitops.cli.snapshot_options import actor
    from krate_gitops.errors import KrateError
    from krate_gitops.memory.trail import record_preview

    try:
        record_preview(invocation.settings, mode, text, response, actor())
    except KrateError as error:
        logger(invocation).warning("not in the audit log", code=error.code, error=error.message)


def _table(response: Response, explain: bool) -> str:
    lines: list[str] = []
    for number, record in enumerate(response.records, 1):
        facts = ", ".join(part for part in (record.kind, record.status or "", *record.owners) if part)
        lines.append(f"{number:>3}  {printable(record.id)}  ({printable(facts)})")
        if record.title:
            lines.append(f"     {printable(record.title)}")
        if record.summary:
            lines.append(f"     {printable(_short(record.summary))}")
        lines.append(f"     {printable(record.path)}")
        lines += _reasons(record.why) if explain else []
    for document in response.documents:
        lines += [printable(document.path), printable_block(document.text)]
        lines += ["… the document goes on; --max-bytes makes room"] * document.truncated
        lines += _reasons(document.why) if explain else []
    for excerpt in response.excerpts:
        lines.append(f"\n     {printable(excerpt.path)}:{excerpt.line_start}-{excerpt.line_end}")
        lines += [f"     | {line}" for line in printable_block(excerpt.text).split("\n")]
        lines += _reasons(excerpt.why) if explain else []
    if not lines:
        lines.append("nothing found")
    omitted = response.limits.omitted
    notes = [
        f"{count} more {noun}"
        for count, noun in (
            (omitted.records, "records"),
            (omitted.excerpts, "excerpts"),
            (omitted.documents, "documents"),
        )
        if count
    ]
    commit = response.ref_resolution.resolved_commit[:12]
    lines.append(f"\nat {commit}" + (f"; not shown: {', '.join(notes)}" if notes else ""))
    lines += [f"warning: {warning}" for warning in response.warnings if warning != "truncated"]
    return "\n".join(lines) + "\n"


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 160 else flat[:159] + "…"


def _reasons(why: tuple[Why, ...]) -> list[str]:
    return [f"       {reason.criterion}: {printable(reason.detail)} ({reason.value})" for reason in why]
