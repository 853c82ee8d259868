"""Options of commands that talk to a cluster, and opening what they name."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, ParamSpec, TypeVar

import click

if TYPE_CHECKING:
    from krate_gitops.cluster.client.connection import Connection

P = ParamSpec("P")
R = TypeVar("R")


class ClusterSelection(NamedTuple):
    """Which cluster, and as whom."""

    kubeconfig: Path | None
    context: str | None

    def connection(self) -> Connection:
        """How it is reached. Raises ``UnavailableError`` and ``UsageError``."""
        from krate_gitops.cluster.client.connection import load_connection

        return load_connection(self.kubeconfig, self.context)


def cluster_options(function: Callable[P, R]) -> Callable[P, R]:
    """``--kubeconfig`` and ``--context``, as the parameter ``cluster``."""

    @click.option(
        "--kubeconfig",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="Kubeconfig of the cluster; KUBECONFIG or the usual file without it.",
    )
    @click.option("--context", metavar="NAME", help="Context of the kubeconfig; the current one without it.")
    @functools.wraps(function)
    def call(*arguments: P.args, **options: P.kwargs) -> R:
        kubeconfig, context = options.pop("kubeconfig"), options.pop("context")
        options["cluster"] = ClusterSelection(kubeconfig, context)  # type: ignore[arg-type]
        return function(*arguments, **options)

    return call
