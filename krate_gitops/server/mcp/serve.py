"""From a pin to a running server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from mcp.server.lowlevel import Server

from krate_gitops.records.database import close_databases, open_database
from krate_gitops.server.mcp.budget import Limits
from krate_gitops.server.mcp.gateway import Gateway
from krate_gitops.server.mcp.index import PinnedIndex
from krate_gitops.server.mcp.pin import Pin
from krate_gitops.server.mcp.protocol import build_server
from krate_gitops.server.mcp.recorder import Recorder
from krate_gitops.server.mcp.tools.propose import Proposing, propose_tool
from krate_gitops.server.mcp.tools.table import TOOLS
from krate_gitops.server.mcp.tools.tool import Tool


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """``proposing``: as whom clients may propose updates; None where they may not, and there is no tool for it then."""

    limits: Limits = Limits()
    dotted: bool = False
    """Whether tools are called ``memory.graph.search`` on the wire."""
    proposing: Proposing | None = None


def serve(pin: Pin, options: Options, transport: Callable[[Server[Any]], None]) -> None:
    """Opens the pinned index, building it first where it is not there, and runs ``transport`` with a server over it.

    Raises ``UsageError`` as ``granted`` does, ``KrateError`` where the commit can't be read or the record store, which
    keeps every call, can't be opened.
    """
    try:
        tools = granted(pin, options)
        recorder = Recorder(open_database(pin.brain.settings))
        recorder.pinned(pin)
        pin.read(lambda opened: None)  # here workers may be forked; from now on there are threads
        pin = msgspec.structs.replace(pin, brain=pin.brain.without_workers())
        with PinnedIndex(pin) as index:
            gateway = Gateway(pin, index, tools, limits=options.limits, audit=recorder)
            transport(build_server(gateway, dotted=options.dotted))
    finally:
        close_databases()


def granted(pin: Pin, options: Options) -> tuple[Tool, ...]:
    """The tools that clients get. Raises ``UsageError(CONFIG_INVALID)`` where it isn't said for which run they propose,
    or it is another one than the snapshot's.
    """
    if options.proposing is None:
        return TOOLS
    return (*TOOLS, propose_tool(options.proposing.of_run(pin.run)))
