"""From a pin to a running server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from mcp.server.lowlevel import Server

from krate_gitops.server.mcp.audit import Audit
from krate_gitops.server.mcp.budget import Limits
from krate_gitops.server.mcp.gateway import Gateway
from krate_gitops.server.mcp.index import PinnedIndex
from krate_gitops.server.mcp.pin import Pin
from krate_gitops.server.mcp.protocol import build_server
from krate_gitops.server.mcp.tools.table import TOOLS


class Options(msgspec.Struct, frozen=True, kw_only=True):
    limits: Limits = Limits()
    dotted: bool = False
    """Whether tools are called ``memory.graph.search`` on the wire."""


def serve(pin: Pin, options: Options, audit: Audit, transport: Callable[[Server[Any]], None]) -> None:
    """Opens the pinned index, building it first where it is not there, and runs ``transport`` with a server over it."""
    with PinnedIndex(pin) as index:
        gateway = Gateway(pin, index, TOOLS, limits=options.limits, audit=audit)
        transport(build_server(gateway, dotted=options.dotted))
