"""The pinned commit's index, open for the life of a server, in a thread of its own.

An open index talks to one child of git and fills its caches as it goes, so it belongs to one thread; calls that come
in together wait their turn. A call takes milliseconds, opening takes a hundred times that.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar

from krate_gitops.index.shard import DamagedError
from krate_gitops.memory.opened import OpenIndex
from krate_gitops.server.mcp.pin import Pin

Result = TypeVar("Result")


class _Job(NamedTuple):
    """An action, and where its outcome goes."""

    action: Callable[[OpenIndex], Any]
    outcome: Future[Any]

    def run(self, opened: OpenIndex) -> None:
        """Raises ``DamagedError`` alone: then the store is repaired and the job is run again."""
        if self.outcome.cancelled():
            return
        try:
            result = self.action(opened)
        except DamagedError:
            raise
        except Exception as error:
            _settle(self.outcome, error=error)
        else:
            _settle(self.outcome, result=result)


class PinnedIndex:
    """A context manager: the index is built, where it is not there, when the block is entered."""

    def __init__(self, pin: Pin) -> None:
        self._pin = pin
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._job: _Job | None = None
        self._thread = threading.Thread(target=self._run, name="pinned-index", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self.submit(lambda opened: None).result()
        except BaseException:
            self._jobs.put(None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._jobs.put(None)
        self._thread.join()

    def submit(self, action: Callable[[OpenIndex], Result]) -> Future[Result]:
        """What ``action`` makes of the index, later; one that is cancelled before its turn is not run."""
        job = _Job(action, Future())
        self._jobs.put(job)
        return job.outcome

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            self._job = job
            try:
                self._pin.read(self._serve)
                return
            except Exception as error:
                # The store stayed damaged, or the repository is gone. The next job tries to open it again.
                if self._job is not None:
                    _settle(self._job.outcome, error=error)

    def _serve(self, opened: OpenIndex) -> None:
        """Runs jobs until there is a None. Called anew, with a repaired index, when one of them finds damage."""
        while self._job is not None:
            self._job.run(opened)
            self._job = self._jobs.get()


def _settle(outcome: Future[Any], *, result: Any = None, error: Exception | None = None) -> None:
    """Hands an outcome to whoever waits for it, unless nobody does any more."""
    if not outcome.set_running_or_notify_cancel():
        return
    if error is not None:
        outcome.set_exception(error)
    else:
        outcome.set_result(result)
