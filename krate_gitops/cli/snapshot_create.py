"""``snapshot create`` and ``snapshot refresh``: new snapshots."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from krate_gitops.cli.commands import KrateCommand
from krate_gitops.cli.invocation import Invocation, pass_invocation
from krate_gitops.cli.opening import open_brain, policy_for
from krate_gitops.cli.options import (
    WORDS,
    RefSelection,
    jobs_option,
    ontology_option,
    policy_option,
    ref_options,
    repo_argument,
    root_option,
)
from krate_gitops.cli.output import into_file, show
from krate_gitops.cli.progress import progress
from krate_gitops.cli.question_options import Asking, question_options
from krate_gitops.cli.snapshot_options import (
    acknowledge_option,
    actor,
    opened_anew,
    place_options,
    records,
    snapshot_argument,
    snapshot_table,
    usable,
)

if TYPE_CHECKING:
    from krate_gitops.memory.freeze import Occasion
    from krate_gitops.memory.recall import Kept

_OUT = click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write it all to this file too.")
_RUN = click.option("--run", "dispatch_run", type=WORDS, metavar="NAME", help="Dispatch run it is for.")
_KEY = click.option(
    "--request-id", type=WORDS, metavar="ID", help="The same id gives the same snapshot, however often it is asked."
)


@click.command("create", cls=KrateCommand)
@repo_argument
@click.argument("text", metavar="TEXT", default="")
@ref_options
@root_option
@ontology_option
@policy_option
@jobs_option
@question_options(tag_option="--record-tag")
@_RUN
@click.option("--session", "session_ref", type=WORDS, metavar="NAME", help="Session it is for.")
@_KEY
@click.option("--tag", "tagged", is_flag=True, help="Put a snapshot tag on the commit.")
@_OUT
@acknowledge_option
@pass_invocation
def create(
    invocation: Invocation,
    repo: str,
    text: str,
    selection: RefSelection,
    root: str | None,
    ontology: Path | None,
    policy: Path | None,
    asking: Asking,
    dispatch_run: str | None,
    session_ref: str | None,
    request_id: str | None,
    tagged: bool,
    out: Path | None,
    acknowledge_known_bad: bool,
) -> None:
    """Ask a question and freeze the answer."""
    from krate_gitops.memory.take import tag_snapshot, take

    request = asking.request(text)
    rights = policy_for(invocation, policy, asking.consumer)
    occasion = _occasion(asking.consumer.user, request_id, dispatch_run, session_ref, acknowledge_known_bad)
    with progress(invocation) as listen:
        brain = open_brain(invocation, repo, root=root, ontology=ontology, progress=listen)
        database = records(invocation)
        kept = take(brain, database, selection.request(), request, rights, occasion)
        tag = tag_snapshot(brain, database, kept) if tagged else None
    _print(invocation, kept, out, tag)


@click.command("refresh", cls=KrateCommand)
@snapshot_argument
@place_options
@jobs_option
@_RUN
@_KEY
@_OUT
@acknowledge_option
@pass_invocation
def refresh(
    invocation: Invocation,
    reference: str,
    repo: str | None,
    root: str | None,
    ontology: Path | None,
    dispatch_run: str | None,
    request_id: str | None,
    out: Path | None,
    acknowledge_known_bad: bool,
) -> None:
    """Ask the question of a snapshot anew, its ref resolved again. The old snapshot stays."""
    from krate_gitops.memory.take import refresh as take_again

    kept = usable(invocation, reference)
    run = dispatch_run or kept.snapshot.spec.dispatch_run
    occasion = _occasion(None, request_id, run, None, acknowledge_known_bad)
    with progress(invocation) as listen:
        brain = opened_anew(invocation, kept, repo, root, ontology, listen)
        new = take_again(brain, records(invocation), kept, occasion)
    _print(invocation, new, out, None)


def _occasion(
    user: str | None,
    request_id: str | None,
    dispatch_run: str | None,
    session_ref: str | None,
    acknowledges_known_bad: bool,
) -> Occasion:
    from krate_gitops.memory.freeze import Occasion
    from krate_gitops.memory.snapshot import Requester

    return Occasion(
        requester=Requester("User", user or actor()),
        request_id=request_id,
        dispatch_run=dispatch_run,
        session_ref=session_ref,
        acknowledges_known_bad=acknowledges_known_bad,
    )


def _print(invocation: Invocation, kept: Kept, out: Path | None, tag: str | None) -> None:
    from krate_gitops.encoding import json_text, plain
    from krate_gitops.memory.recall import file_form

    if out is not None:
        into_file(out, lambda file: file.write(json_text(file_form(kept)).encode()))
    table = snapshot_table(kept.snapshot) + (f"tagged      {tag}\n" if tag else "")
    show(invocation.output, plain(kept.snapshot), table=table)
