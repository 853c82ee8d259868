"""``reconcile suspend``, ``resume`` and ``approve``: what people say about a source in the cluster."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from krate_gitops.cli.cluster_options import ClusterSelection, cluster_options
from krate_gitops.cli.commands import KrateCommand
from krate_gitops.cli.invocation import Invocation, pass_invocation
from krate_gitops.cli.output import show

if TYPE_CHECKING:
    from krate_gitops.reconcile.source import Source

_DIGEST = r"sha256:[0-9a-f]{64}"


@click.command("suspend", cls=KrateCommand)
@click.argument("source")
@cluster_options
@pass_invocation
def suspend(invocation: Invocation, source: str, cluster: ClusterSelection) -> None:
    """Switch reconciliation of SOURCE off: no fetch, no apply, no prune, no healing."""
    _set_suspended(invocation, source, cluster, suspended=True)


@click.command("resume", cls=KrateCommand)
@click.argument("source")
@cluster_options
@pass_invocation
def resume(invocation: Invocation, source: str, cluster: ClusterSelection) -> None:
    """Switch reconciliation of SOURCE on again."""
    _set_suspended(invocation, source, cluster, suspended=False)


@click.command("approve", cls=KrateCommand)
@click.argument("source")
@click.argument("digest")
@cluster_options
@pass_invocation
def approve(invocation: Invocation, source: str, digest: str, cluster: ClusterSelection) -> None:
    """Release the plan of SOURCE that has DIGEST, and no other: what it prunes, and the rights it gives."""
    import re

    from krate_gitops.reconcile.source import APPROVE_PLAN

    if not re.fullmatch(_DIGEST, digest):
        raise click.UsageError("DIGEST is that of a plan, sha256: and 64 hex digits")
    done = asyncio.run(_annotated(invocation, cluster, source, APPROVE_PLAN, digest))
    show(
        invocation.output,
        {"source": str(done), "approvedPlan": digest},
        table=f"{done}: plan {digest} is approved; the next pass carries it out if nothing has changed\n",
    )


def _set_suspended(invocation: Invocation, name: str, cluster: ClusterSelection, *, suspended: bool) -> None:
    done = asyncio.run(_suspended(invocation, cluster, name, suspended))
    table = f"{done}: {'suspended' if suspended else 'resumed'}\n"
    show(invocation.output, {"source": str(done), "suspended": suspended}, table=table)


async def _suspended(invocation: Invocation, cluster: ClusterSelection, name: str, suspended: bool) -> Source:
    from krate_gitops.cluster.client.api import open_api
    from krate_gitops.reconcile.opening import find_source, set_suspended

    async with open_api(cluster.connection()) as api:
        source = await find_source(api, name, organization=invocation.settings.organization)
        return await set_suspended(api, source, suspended=suspended)


async def _annotated(invocation: Invocation, cluster: ClusterSelection, name: str, key: str, value: str) -> Source:
    from krate_gitops.cluster.client.api import open_api
    from krate_gitops.reconcile.opening import annotate, find_source

    async with open_api(cluster.connection()) as api:
        source = await find_source(api, name, organization=invocation.settings.organization)
        return await annotate(api, source, key, value)
