"""The protocol over standard input and output, which then belong to it alone.

Whatever else of the process, or of its children, reads finds nothing, and whatever prints lands on standard error. The
SDK does the same only while it serves; here it holds while an index is built, too.
"""

from __future__ import annotations

import contextlib
import io
import os
import select
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import anyio
from mcp.server.stdio import stdio_server

from krate_gitops.server.mcp.signals import stopping

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from mcp.server.lowlevel import Server


class Wire(NamedTuple):
    """File descriptors of the two directions."""

    reading: int
    writing: int


@contextlib.contextmanager
def claimed_wire() -> Iterator[Wire]:
    """Takes standard input and output away from everybody else until the block ends."""
    sys.stdout.flush()
    wire = Wire(os.dup(0), os.dup(1))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    try:
        yield wire
    finally:
        with contextlib.suppress(ValueError):
            sys.stdout.flush()
        for number, descriptor in enumerate(wire):
            os.dup2(descriptor, number)
            os.close(descriptor)


def serve_stdio(server: Server[Any], wire: Wire) -> None:
    """Serves one client until it hangs up or a signal says stop; ``KeyboardInterrupt`` if that was SIGINT."""
    waking, wake = os.pipe()
    try:
        with stopping(lambda: _wake(wake)):
            try:
                anyio.run(_serve, server, wire, waking)
            except* (BrokenPipeError, anyio.BrokenResourceError):
                pass  # the client has gone, with answers on their way
    finally:
        os.close(waking)
        os.close(wake)


async def _serve(server: Server[Any], wire: Wire, waking: int) -> None:
    incoming = io.TextIOWrapper(
        io.BufferedReader(_Interruptible(wire.reading, waking)), encoding="utf-8", errors="replace"
    )
    with open(wire.writing, "w", encoding="utf-8", closefd=False) as outgoing:
        async with stdio_server(anyio.wrap_file(incoming), anyio.wrap_file(outgoing)) as (received, sent):
            await server.run(received, sent, server.create_initialization_options())


class _Interruptible(io.RawIOBase):
    """Reads a descriptor until it ends or another one has something to say; a thread in a plain read can't be woken."""

    def __init__(self, descriptor: int, waking: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._waking = waking

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        ready, _, _ = select.select([self._descriptor, self._waking], [], [])
        return 0 if self._waking in ready else os.readv(self._descriptor, [buffer])


def _wake(descriptor: int) -> None:
    os.write(descriptor, b"!")
