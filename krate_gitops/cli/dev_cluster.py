"""``dev cluster``: the embedded development API server."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path

import click

from krate_gitops.cli.commands import KrateCommand
from krate_gitops.cli.invocation import Invocation, pass_invocation

_TRAITS = ("no-namespace-controller", "no-garbage-collector", "fast-compaction")
_FAST_COMPACTION_SECONDS = 5.0
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@click.command("cluster", cls=KrateCommand)
@click.option("--port", type=click.IntRange(0, 65_535), default=0, help="Where to listen; a free port by default.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory to keep the cluster in; without one everything is gone at the end.",
)
@click.option(
    "--with",
    "traits",
    type=click.Choice(_TRAITS),
    multiple=True,
    help="Something to do otherwise than a whole cluster (repeatable).",
)
@pass_invocation
def cluster(invocation: Invocation, port: int, host: str, data: Path | None, traits: tuple[str, ...]) -> None:
    """Run a small Kubernetes API server for development, until it is interrupted.

    It stores objects and answers as a real API server does, but runs nothing: there are no nodes and no pods. Prints
    the kubeconfig of its administrator; more users are lines of users.csv in the directory.
    """
    from krate_gitops.cluster.dev.cluster import Behaviour
    from krate_gitops.cluster.dev.folder import describe
    from krate_gitops.cluster.dev.server import listen, run

    with ExitStack() as stack:
        # Absolute, as the line that is printed is pasted into shells that are elsewhere.
        folder = data.absolute() if data else Path(stack.enter_context(_scratch()))
        listening = stack.enter_context(listen(host, port))
        running = describe(folder, host, listening.getsockname()[1])
        behaviour = Behaviour(
            namespace_controller="no-namespace-controller" not in traits,
            garbage_collector="no-garbage-collector" not in traits,
            **({"compaction": _FAST_COMPACTION_SECONDS} if "fast-compaction" in traits else {}),
        )

        def ready() -> None:
            click.echo(
                "This cluster is for development: it is not hardened, not replicated, and runs no pods.", err=True
            )
            if host not in _LOOPBACK:
                click.echo(f"Others on the network can reach it at {host}.", err=True)
            click.echo(f"serving {running.url}, data in {folder}", err=True)
            click.echo(f"export KUBECONFIG={running.admin_kubeconfig}")

        run(folder, listening, behaviour, host=host, ready=ready)


def _scratch() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="krate-dev-cluster-")
