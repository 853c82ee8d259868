"""``update propose`` and ``update revise``: from files on this machine to an update that reviewers see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import msgspec

from krate_gitops.cli.commands import KrateCommand
from krate_gitops.cli.failures import EXIT_NO
from krate_gitops.cli.invocation import Invocation, pass_invocation
from krate_gitops.cli.output import show
from krate_gitops.cli.progress import progress
from krate_gitops.cli.update_changes import (
    Asked,
    Terms,
    agent_of,
    change_options,
    gather,
    proposal_of,
    term_options,
    written_in,
)
from krate_gitops.cli.update_options import Work, desk_of, find_update, name_argument, work_options
from krate_gitops.cli.update_text import condition_lines, detail_text, identity_table, links, report_lines, waits_for
from krate_gitops.printable import printable

if TYPE_CHECKING:
    from krate_gitops.updates.desk import Desk
    from krate_gitops.updates.ledger import Held
    from krate_gitops.updates.request import Proposal

BLOCKED = ("ChangesRequested", "Rejected", "Superseded", "Expired", "Failed")
"""Phases that say no to who proposed it."""


@click.command("propose", cls=KrateCommand)
@work_options
@change_options
@term_options
@click.option("--dry-run", is_flag=True, help="Judge it and measure its impact, and keep nothing.")
@pass_invocation
def propose(invocation: Invocation, work: Work, asked: Asked, terms: Terms, dry_run: bool) -> int:
    """Propose changes of REPO: validate them, push them to a branch, and ask its reviewers.

    Paths are below the memory root. --from takes a YAML or JSON document with changes (and rationale, evidence,
    sourceRun, proposer …), where contentFile names a file beside it; or a folder of files as they shall be. --worktree,
    or PATHs of a checkout, propose what isn't committed there. The same proposal again is the same update.

    Ends with 1 when the update needs another revision before it can be approved.
    """
    source = written_in(asked)
    agent = agent_of(terms, source.fields)
    with progress(invocation) as listen:
        desk = desk_of(invocation, work, listen, agent=agent, needs_forge=not dry_run)
        gathered = gather(desk, asked, source)
        proposal = proposal_of(desk, gathered, terms)
        if dry_run:
            return _previewed(invocation, desk, proposal)
        from krate_gitops.updates.propose import propose as propose_it

        held, is_new = propose_it(desk, proposal)
    return report(invocation, desk, held, is_new=is_new)


@click.command("revise", cls=KrateCommand)
@work_options
@name_argument
@change_options
@click.option("--agent", metavar="NAME", help="The agent whose update it is.")
@pass_invocation
def revise(invocation: Invocation, work: Work, name: str, asked: Asked, agent: str | None) -> int:
    """Replace the changes of an open update by others; who proposed it may.

    What was approved is not approved any more. The options are those of `update propose`.
    """
    from krate_gitops.updates.propose import revise as revise_it

    source = written_in(asked)
    with progress(invocation) as listen:
        desk = desk_of(invocation, work, listen, agent=agent, needs_forge=True)
        held = find_update(desk, name)
        gathered = gather(desk, asked, source)
        held = revise_it(desk, held.name, gathered.changes, rationale=gathered.rationale or None)
    return report(invocation, desk, held, is_new=False)


def report(invocation: Invocation, desk: Desk, held: Held, *, is_new: bool, more: dict[str, Any] | None = None) -> int:
    """Prints what became of an update, and says whether that is a yes."""
    from krate_gitops.encoding import plain
    from krate_gitops.updates.ledger import Ledger

    update = held.update
    found = Ledger(desk).report(update)
    status = update.status
    body = {
        "organization": desk.organization,
        "update": update.name,
        "new": is_new,
        "phase": update.phase.value,
        "branch": update.spec.branch_name,
        "baseCommit": update.spec.base_commit,
        "headCommit": status.head_commit,
        "diffDigest": status.diff_digest,
        "mergeCommit": status.merge_commit,
        "pullRequestRef": status.pull_request_ref,
        "conditions": plain(status.conditions),
        "conflicts": plain(status.conflicts),
        "near": plain(status.near),
        "validation": None
        if found is None
        else {"result": found.result, "counts": found.counts, "digest": found.digest},
        "links": links(update),
        **(more or {}),
    }
    lines = list(condition_lines(status.conditions, invocation.colour))
    approved = update.condition("Approved")
    if update.phase.value == "AwaitingApproval" and approved is not None and approved.message:
        lines.append(f"waits for {printable(approved.message)}")
    lines += [
        printable(f"nearly the same: {one.record_id} and {one.near_id} ({one.near_path}), {one.percent} % alike")
        for one in status.near
    ]
    if found is not None:
        lines += report_lines(found, invocation.colour)
    show(invocation.output, body, table=identity_table(update) + "".join(f"{line}\n" for line in lines))
    return EXIT_NO if update.phase.value in BLOCKED else 0


def _previewed(invocation: Invocation, desk: Desk, proposal: Proposal) -> int:
    from krate_gitops.encoding import plain
    from krate_gitops.updates.detail import detail_body, detail_of_checked
    from krate_gitops.updates.impact.show import impact_lines
    from krate_gitops.updates.impact_section import impact_of
    from krate_gitops.updates.preview import preview

    seen = preview(desk, proposal)
    detail = msgspec.structs.replace(detail_of_checked(desk, seen.update, seen.checked), actions=())
    changed = seen.checked.merged.changed
    impact = (
        impact_of(desk, seen.checked.tip, changed, seen.checked.root) if changed and seen.checked.may_push else None
    )
    body = detail_body(detail)
    body |= {"dryRun": True, "impact": None if impact is None else plain(impact)}
    table = detail_text(detail, invocation.colour)
    if impact is not None:
        table += "\n" + "".join(f"{line}\n" for line in impact_lines(impact, invocation.colour))
    verdict = "needs another revision" if seen.checked.is_blocked else f"would wait for {waits_for(seen.outstanding)}"
    show(invocation.output, body, table=f"{table}\nnothing was kept: it {verdict}\n")
    return EXIT_NO if seen.checked.is_blocked else 0
