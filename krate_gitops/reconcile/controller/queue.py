"""Which source is next: one pass of a source at a time, one of an organization at a time, organizations in turn."""

from __future__ import annotations

import asyncio
import heapq
from collections import OrderedDict
from typing import NamedTuple


class Key(NamedTuple):
    """A source, by where it lies."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


class Queue:
    """Sources that wait for a pass. Times are those of the running loop, in seconds.

    The namespace stands for the organization. A source that is asked for while it is in a pass comes once more after
    it, however often it is asked for.
    """

    def __init__(self) -> None:
        self._due: OrderedDict[str, list[Key]] = OrderedDict()
        self._later: list[tuple[float, Key]] = []
        self._times: dict[Key, float] = {}
        self._running: set[Key] = set()
        self._again: set[Key] = set()
        self._wake = asyncio.Event()

    def __len__(self) -> int:
        return sum(map(len, self._due.values()))

    def add(self, key: Key) -> None:
        """Asks for a pass as soon as may be."""
        self._times.pop(key, None)
        if key in self._running:
            self._again.add(key)
        elif key not in self._due.setdefault(key.namespace, []):
            self._due[key.namespace].append(key)
        self._wake.set()

    def add_after(self, key: Key, seconds: float) -> None:
        """Asks for a pass later. Of two such wishes the earlier one counts."""
        at = asyncio.get_running_loop().time() + seconds
        known = self._times.get(key)
        if known is None or at < known:
            self._times[key] = at
            heapq.heappush(self._later, (at, key))
            self._wake.set()

    def is_asked_again(self, key: Key) -> bool:
        """Whether somebody wants another pass of a source that is in one."""
        return key in self._again

    async def get(self) -> Key:
        """The next source; it is in a pass until ``done``."""
        while True:
            self._wake.clear()
            wait = self._release()
            if (key := self._next()) is not None:
                self._running.add(key)
                return key
            try:
                async with asyncio.timeout(wait):
                    await self._wake.wait()
            except TimeoutError:
                continue

    def done(self, key: Key) -> None:
        """The pass is over."""
        self._running.discard(key)
        if key in self._again:
            self._again.discard(key)
            self.add(key)
        self._wake.set()

    def forget(self, key: Key) -> None:
        """The source is gone."""
        self._times.pop(key, None)
        self._again.discard(key)
        if key in self._due.get(key.namespace, ()):
            self._due[key.namespace].remove(key)

    def _release(self) -> float | None:
        """Moves what is due by now; seconds until the next one, None where none waits."""
        now = asyncio.get_running_loop().time()
        while self._later:
            at, key = self._later[0]
            if self._times.get(key) != at:
                heapq.heappop(self._later)
            elif at <= now:
                heapq.heappop(self._later)
                self.add(key)
            else:
                return at - now
        return None

    def _next(self) -> Key | None:
        busy = {key.namespace for key in self._running}
        for namespace in list(self._due):
            waiting = self._due[namespace]
            if not waiting:
                del self._due[namespace]
            elif namespace not in busy:
                key = waiting.pop(0)
                # The organization goes to the end of the line.
                self._due.move_to_end(namespace)
                return key
        return None
