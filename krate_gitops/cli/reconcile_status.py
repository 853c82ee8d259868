"""``reconcile status``: sources, their conditions, and what they own."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from krate_gitops.cli.cluster_options import ClusterSelection, cluster_options
from krate_gitops.cli.commands import KrateCommand
from krate_gitops.cli.invocation import Invocation, pass_invocation
from krate_gitops.cli.output import rows_table, show

if TYPE_CHECKING:
    from krate_gitops.reconcile.source import Source


@click.command("status", cls=KrateCommand)
@click.argument("source", required=False)
@cluster_options
@pass_invocation
def status(invocation: Invocation, source: str | None, cluster: ClusterSelection) -> int:
    """Show all sources, or the conditions and objects of SOURCE. Ends with 1 when one of them isn't ready."""
    found = asyncio.run(_read(invocation, cluster, source))
    values = [_value(one) for one in found]
    table = _one(found[0]) if source else _all(found)
    show(invocation.output, values[0] if source else {"sources": values}, table=table, items=values)
    return int(any(value["ready"] != "True" for value in values))


async def _read(invocation: Invocation, cluster: ClusterSelection, name: str | None) -> list[Source]:
    from krate_gitops.cluster.client.api import open_api
    from krate_gitops.reconcile.opening import find_source, list_sources

    organization = invocation.settings.organization
    async with open_api(cluster.connection()) as api:
        if name is None:
            return await list_sources(api, organization=organization)
        return [await find_source(api, name, organization=organization)]


def _value(source: Source) -> dict[str, Any]:
    ready = _ready(source)
    return {
        "source": str(source),
        "organization": source.organization,
        "ready": ready.get("status", "Unknown"),
        "reason": ready.get("reason", ""),
        **source.status,
    }


def _ready(source: Source) -> Mapping[str, Any]:
    conditions = source.status.get("conditions") or ()
    found: Mapping[str, Any] = next((one for one in conditions if one.get("type") == "Ready"), {})
    # What was observed of an earlier generation says nothing about this one.
    return found if int(source.status.get("observedGeneration") or 0) >= source.generation else {}


def _all(sources: list[Source]) -> str:
    if not sources:
        return "no sources\n"
    rows = [
        (
            str(one),
            _ready(one).get("status", "Unknown"),
            one.status.get("phase"),
            str(one.status.get("lastAppliedRevision") or "")[:12],
            len(one.status.get("inventory") or ()),
            _ready(one).get("message", ""),
        )
        for one in sources
    ]
    return rows_table(("source", "ready", "phase", "revision", "objects", "message"), rows)


def _one(source: Source) -> str:
    state = source.status
    conditions = [
        (one.get("type"), one.get("status"), one.get("reason"), one.get("message"))
        for one in state.get("conditions") or ()
    ]
    objects = [
        (one.get("wave"), one.get("identity"), str(one.get("revision"))[:12]) for one in state.get("inventory") or ()
    ]
    lines = [
        f"{source}  {state.get('phase') or 'Pending'}  {state.get('lastAppliedRevision') or 'nothing applied yet'}\n"
    ]
    if conditions:
        lines.append("\n" + rows_table(("condition", "status", "reason", "message"), conditions))
    if objects:
        lines.append("\n" + rows_table(("wave", "object", "revision"), objects))
    return "".join(lines)
