"""``run``: the controller, until it is stopped."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from typing import TYPE_CHECKING, Any

import click

from krate_gitops.cli.cluster_options import ClusterSelection, cluster_options
from krate_gitops.cli.commands import KrateCommand
from krate_gitops.cli.invocation import Invocation, pass_invocation
from krate_gitops.cli.logs import logger

if TYPE_CHECKING:
    from krate_gitops.reconcile.controller.controller import Controller
    from krate_gitops.reconcile.tools import Tools


@click.command("run", cls=KrateCommand)
@cluster_options
@click.option("--workers", type=click.IntRange(1, 64), default=4, show_default=True, help="Passes at the same time.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where /healthz and /readyz are served.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8081, show_default=True, help="Port of the probes; 0 for none."
)
@pass_invocation
def run(invocation: Invocation, cluster: ClusterSelection, workers: int, host: str, port: int) -> None:
    """Reconcile all sources of a cluster, until stopped.

    It watches them, applies what Git says, prunes, and takes back what was changed by hand. Of several processes one
    works, by a Lease krate-gitops in krate-system; the others stand by.
    """
    asyncio.run(_run(invocation, cluster, workers, host, port))


async def _run(invocation: Invocation, cluster: ClusterSelection, workers: int, host: str, port: int) -> None:
    from krate_gitops.cli.reconcile_pass import has_snapshots, keep_applied, keep_audit
    from krate_gitops.cluster.client.api import open_api
    from krate_gitops.reconcile.controller.controller import Controller
    from krate_gitops.reconcile.tools import Tools

    log = logger(invocation)
    log.info("starting", workers=workers, probes=f"{host}:{port}" if port else "none")
    async with open_api(cluster.connection()) as api:
        tools = Tools(
            api=api,
            settings=invocation.settings,
            audit=lambda entries: keep_audit(invocation, entries),
            has_snapshots=lambda organization, name: has_snapshots(invocation, organization, name),
            applied=lambda source, repository, commit: keep_applied(invocation, source, repository, commit),
            log=lambda level, event, **details: getattr(log, level)(event, **details),
        )
        controller = Controller(tools, workers=workers, holder=f"{socket.gethostname()}-{os.getpid()}")
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, controller.stop)
        async with asyncio.TaskGroup() as group:
            served = group.create_task(_serve(controller, tools, host, port)) if port else None
            await controller.run()
            if served is not None:
                served.cancel()
    log.info("stopped")


async def _serve(controller: Controller, tools: Tools, host: str, port: int) -> None:
    import uvicorn

    from krate_gitops.reconcile.controller.probes import probes

    class Server(uvicorn.Server):
        """Leaves the signals to the controller."""

        def capture_signals(self) -> contextlib.AbstractContextManager[None]:  # type: ignore[override]
            return contextlib.nullcontext()

    options: dict[str, Any] = {"log_config": None, "lifespan": "off", "access_log": False, "ws": "none"}
    await Server(uvicorn.Config(probes(controller, tools), host=host, port=port, **options)).serve()
