"""``brain query``: one question at one commit."""

from __future__ import annotations

import time
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from krate_gitops.cli.commands import KrateCommand
from krate_gitops.cli.consumer_options import consumer_options
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
from krate_gitops.printable import printable, printable_block

if TYPE_CHECKING:
    from krate_gitops.memory.request import Consumer, QueryRequest
    from krate_gitops.memory.response import Response, Why

_EXCERPTS = 25
MODES = ("graph-only", "grep-only", "graph-and-grep", "document-read")


@click.command("query", cls=KrateCommand)
@repo_argument
@click.argument("text", metavar="TEXT", default="")
@ref_options
@root_option
@ontology_option
@policy_option
@jobs_option
@click.option("--mode", type=click.Choice(MODES), help="How to retrieve; the policy's default without it.")
@click.option("--kind", "kinds", multiple=True, metavar="KIND", help="Only records of this kind (repeatable).")
@click.option("--path", "paths", multiple=True, metavar="GLOB", help="Search lines only here; documents to read.")
@click.option("--id", "ids", multiple=True, metavar="ID", help="Only this record; documents to read (repeatable).")
@click.option("--owner", "owners", multiple=True, metavar="ID", help="Only records of this owner (repeatable).")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="Only records with this tag (repeatable).")
@click.option("--status", "statuses", multiple=True, metavar="STATUS", help="Only records in this status (repeatable).")
@click.option(
    "--edge-kind", "edge_kinds", multiple=True, metavar="KIND", help="Follow only this edge kind (repeatable)."
)
@consumer_options
@click.option(
    "--intent",
    type=click.Choice(("task", "replay", "debug")),
    default="task",
    show_default=True,
    help="What the answer is for; replay and debug order journal events by sequence.",
)
@click.option("--depth", type=click.IntRange(0, 5), default=2, show_default=True, help="Edges to follow from matches.")
@click.option("--limit", type=click.IntRange(0, 200), default=40, show_default=True, help="Records to return.")
@click.option("--max-matches", type=click.IntRange(1, 200), default=25, show_default=True, help="Matching lines.")
@click.option("--context", type=click.IntRange(0, 5), default=1, show_default=True, help="Lines around a match.")
@click.option("--max-bytes", type=click.IntRange(0), default=64_000, show_default=True, help="Room for the answer.")
@click.option("--regex", is_flag=True, help="TEXT is a pattern (RE2) for lines; use with --mode grep-only.")
@click.option("--case-sensitive", is_flag=True, help="Match lines in their case.")
@click.option("--include", multiple=True, metavar="ITEM", help="Take this id or path[:start-end] in any case.")
@click.option("--exclude", multiple=True, metavar="ITEM", help="Leave this id or path out.")
@click.option("--ranking", type=int, help="Version of the ranking formula; the newest without it.")
@click.option("--explain", is_flag=True, help="Show why each item was selected.")
@click.option("--render", type=click.Choice(("prompt",)), help="Print the section for a prompt instead.")
@pass_invocation
def query(
    invocation: Invocation,
    /,
    repo: str,
    text: str,
    selection: RefSelection,
    root: str | None,
    ontology: Path | None,
    policy: Path | None,
    consumer: Consumer,
    explain: bool,
    render: str | None,
    **options: Any,
) -> None:
    """Ask a question at a commit."""
    request = _request(text, consumer, options)
    with progress(invocation) as listen:
        brain = open_brain(invocation, repo, root=root, ontology=ontology, progress=listen)
        started = time.perf_counter()
        response = brain.query(selection.request(), request, policy_for(policy, consumer))
        duration = round((time.perf_counter() - started) * 1000)
    if render:
        from krate_gitops.memory.render import render_prompt

        write(render_prompt(response))
        return
    from krate_gitops.encoding import plain

    value = {**plain(response), "durationMs": duration}
    items = sorted(value["records"] + value["excerpts"] + value["documents"], key=itemgetter("rank"))
    show(invocation.output, value, table=_table(response, explain), items=items)


def _request(text: str, consumer: Consumer, options: dict[str, Any]) -> QueryRequest:
    from krate_gitops.index.strength import RANKING_VERSION
    from krate_gitops.memory.request import Documents, Graph, Grep, Limits, QueryRequest, Selection

    mode = options["mode"] or ("grep-only" if options["regex"] else "")
    paths, ids = tuple(options["paths"]), tuple(options["ids"])
    reading = mode == "document-read"
    return QueryRequest(
        text=text,
        mode=mode,
        intent=options["intent"],
        graph=Graph(
            kinds=tuple(options["kinds"]),
            edge_depth=options["depth"],
            edge_kinds=tuple(options["edge_kinds"]),
            ids=() if reading else ids,
            owners=tuple(options["owners"]),
            tags=tuple(options["tags"]),
            statuses=tuple(options["statuses"]),
        ),
        grep=Grep(
            paths=() if reading else paths,
            max_matches=options["max_matches"],
            context_lines=options["context"],
            regex=options["regex"],
            case_sensitive=options["case_sensitive"],
        ),
        documents=Documents(ids, paths) if reading else Documents(),
        selection=Selection(tuple(options["include"]), tuple(options["exclude"])),
        consumer=consumer,
        limits=Limits(options["max_bytes"], options["limit"], max(_EXCERPTS, options["max_matches"])),
        ranking_version=options["ranking"] or RANKING_VERSION,
    )


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
