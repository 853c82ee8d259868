"""Things to do when the requests at hand are answered: each once, however often it is asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable

import structlog


class Agenda:
    """Runs ``work`` for keys that something has happened to, one at a time, in the event loop."""

    def __init__(self, work: Callable[[Hashable], None]) -> None:
        self._work = work
        self._keys: dict[Hashable, None] = {}
        self._scheduled = False

    def add(self, key: Hashable) -> None:
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
            structlog.get_logger("dev.cluster").exception("controller_failed", key=str(key))
