"""Running one pass for a command, and printing what it came to."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from krate_gitops.cli.invocation import Invocation
from krate_gitops.cli.progress import progress
from krate_gitops.printable import printable

if TYPE_CHECKING:
    from krate_gitops.cli.cluster_options import ClusterSelection
    from krate_gitops.git.local import Repository
    from krate_gitops.reconcile.outcome import Outcome
    from krate_gitops.reconcile.source import Source
    from krate_gitops.records.audit_record import Entry

_COLOURS = {"+": "green", "-": "red", "~": "yellow", "!": "magenta", ".": "bright_black", "@": "cyan"}


def run(
    invocation: Invocation,
    cluster: ClusterSelection,
    name: str,
    *,
    repository: str,
    dry_run: bool,
    prune_only: bool = False,
    install: bool = False,
) -> tuple[Source, Outcome]:
    """One pass over the source that ``name`` means."""
    return asyncio.run(_run(invocation, cluster, name, repository, dry_run, prune_only, install))


async def _run(
    invocation: Invocation,
    cluster: ClusterSelection,
    name: str,
    repository: str,
    dry_run: bool,
    prune_only: bool,
    install: bool,
) -> tuple[Source, Outcome]:
    from krate_gitops.cluster.client.api import open_api
    from krate_gitops.reconcile.opening import find_source, install_source
    from krate_gitops.reconcile.run_pass import run_pass
    from krate_gitops.reconcile.tools import Tools

    settings = invocation.settings
    with progress(invocation) as listener:
        async with open_api(cluster.connection()) as api:
            source = await find_source(api, name, organization=settings.organization)
            if install and not source.value.get("metadata", {}).get("uid"):
                source = await install_source(api, source)
            tools = Tools(
                api=api,
                settings=settings,
                audit=lambda entries: keep_audit(invocation, entries),
                has_snapshots=lambda organization, name: has_snapshots(invocation, organization, name),
                applied=lambda source, repository, commit: keep_applied(invocation, source, repository, commit),
                repository=invocation.locate(repository) if repository else "",
                progress=listener,
            )
            return source, await run_pass(tools, source, dry_run=dry_run, prune_only=prune_only)


def keep_audit(invocation: Invocation, entries: Sequence[Entry]) -> None:
    """Appends records to the audit log; durable when it returns."""
    from datetime import UTC, datetime

    from krate_gitops.records.audit import append
    from krate_gitops.records.database import open_database

    with open_database(invocation.settings).writing() as connection:
        append(connection, entries, now=datetime.now(UTC))


def keep_applied(invocation: Invocation, source: Source, repository: Repository, commit: str) -> None:
    """Marks the changes made with ``config`` that a commit has brought into force."""
    from datetime import UTC, datetime

    from krate_gitops.reconcile.writer.proposals import mark_applied
    from krate_gitops.records.database import open_database

    database, now = open_database(invocation.settings), datetime.now(UTC)
    # A change that was written with the source's file knows its name alone, one written with the object its uid.
    for uid in {source.uid, str(source)}:
        mark_applied(source.organization, uid, repository, commit, database=database, now=now)


def has_snapshots(invocation: Invocation, organization: str, name: str) -> bool:
    """Whether there are snapshots of a memory repository."""
    from krate_gitops.records.consumers import SnapshotFilter, list_snapshots
    from krate_gitops.records.database import open_database

    with open_database(invocation.settings).reading() as connection:
        wanted = SnapshotFilter(memory_repository=name)
        return bool(list_snapshots(connection, organization, wanted, limit=1).items)


def painted(lines: Sequence[str], *, colour: bool) -> str:
    """Lines, those with a sign in front in its colour."""
    shown = (printable(line) for line in lines)
    if not colour:
        return "".join(f"{line}\n" for line in shown)
    return "".join(f"{click.style(line, fg=_COLOURS.get(line[:1]))}\n" for line in shown)


def ending(outcome: Outcome) -> list[str]:
    """The last lines for people: diagnostics that stopped the pass, and what a pass that was cut short says."""
    lines = []
    if outcome.stop is not None:
        place = f"{outcome.stop.location}: " if outcome.stop.location else ""
        lines.append(f"stopped[{outcome.stop.code}]: {place}{outcome.stop.message}")
        if outcome.stop.hint:
            lines.append(f"hint: {outcome.stop.hint}")
    return lines


def exit_code(outcome: Outcome) -> int:
    """0 for a pass that did all, the code of what stopped it, 1 where something is held or failed."""
    if outcome.stop is not None:
        return outcome.stop.exit_code
    return 0 if outcome.is_good else 1


def body(outcome: Outcome) -> dict[str, Any]:
    """The outcome as plain values."""
    from krate_gitops.reconcile.plan import plain

    plan = outcome.plan
    draft = outcome.draft
    value: dict[str, Any] = {
        "source": outcome.source,
        "dryRun": outcome.dry_run,
        "phase": outcome.phase,
        "requestedRevision": outcome.revision.requested if outcome.revision else None,
        "resolvedRevision": outcome.revision.commit if outcome.revision else None,
        "planDigest": plan.plan_digest if plan else None,
        "contentDigest": outcome.rendered.content_digest if outcome.rendered else None,
        "counts": plan.counts if plan and outcome.dry_run else outcome.counts,
        "entries": plain(plan.entries) if plan else [],
        "increases": {str(step.id): list(step.increases) for step in draft.increases} if draft else {},
        "foreignFields": {str(one): plain(found) for one, found in draft.foreign.items()} if draft else {},
        "released": {str(one): why for one, why in draft.left.gone.items() if why} if draft else {},
        "guard": draft.guard if draft else "",
        "predictedReadiness": plain(outcome.predicted),
        "health": {str(one): state.value for one, state in sorted(outcome.health.items())},
        "diagnostics": [plain(one) for one in outcome.diagnostics],
        "conditions": outcome.conditions,
        "failures": [
            {"identity": str(one.step.id), "code": one.code, "message": one.message}
            for one in (outcome.work.failures if outcome.work else [])
        ],
    }
    if outcome.stop is not None:
        stop = outcome.stop
        value["stop"] = {"code": stop.code, "reason": stop.reason, "message": stop.message, "hint": stop.hint,
                         "location": stop.location}  # fmt: skip
    return value
