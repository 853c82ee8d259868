"""Things to do when the requests at hand are answered: each once, however often it is asked for."""

from __future__ import annotations

import asyncio
import sys
import traceback
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Generic, TypeVar

import structlog

K = TypeVar("K", bound=Hashable)


class Agenda(Generic[K]):
    """Runs ``work`` for keys that something has happened to, one at a time, in the event loop."""

    def __init__(self, work: Callable[[K], None]) -> None:
        self._work = work
        self._keys: dict[K, None] = {}
        self._scheduled = False

    def add(self, key: K) -> None:
        """Asks for work on ``key``. Without a running loop it waits for the next one that asks."""
        self._keys[key] = None
        if not self._scheduled:
            try:
                loop = asyncio.get_running_loop()
            except RuntimeError:
                return
            self._scheduled = True
            loop.call_soon(self._run)

    def start(self) -> None:
        """Begins with what was asked for before there was a loop."""
        if self._keys and not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._run)

    def _run(self) -> None:
        self._scheduled = False
        if not self._keys:
            return
        key = next(iter(self._keys))
        del self._keys[key]
        if self._keys:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._run)
        try:
            self._work(key)
        except Exception:
            structlog.get_logger("dev.cluster").error("controller_failed", key=str(key), at=whereabouts())


def whereabouts() -> list[str]:
    """The kind of the exception at hand and the lines it went through, without any values."""
    kind, _, trace = sys.exc_info()
    frames = traceback.extract_tb(trace)[-12:]
    name = kind.__name__ if kind else ""
    return [name, *(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames)]
