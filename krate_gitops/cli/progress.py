"""Progress of long work on standard error: a bar on a terminal, a log line now and then elsewhere."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from krate_gitops.cli.logs import logger
from krate_gitops.progress import Progress, silent

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    from krate_gitops.cli.invocation import Invocation

SECONDS_BETWEEN_LINES = 5.0
"""Short work logs nothing; long work shows that it lives."""


@contextlib.contextmanager
def progress(invocation: Invocation) -> Iterator[Progress]:
    """A listener to hand down to long work; what it shows is gone when the block ends."""
    if invocation.quiet:
        yield silent
    elif sys.stderr.isatty() and invocation.log_format == "console":
        bar = TerminalBar(colour=invocation.colour)
        try:
            yield bar
        finally:
            bar.close()
    else:
        yield LogLines(invocation)


class TerminalBar:
    """One bar, for the phase of the moment. Appears with the first step, vanishes at the end."""

    def __init__(self, *, colour: bool) -> None:
        self._colour = colour
        self._bar: Bar | None = None
        self._phase = ""
        self._task: TaskID | None = None

    def __call__(self, phase: str, done: int, total: int) -> None:
        """See ``Progress``."""
        bar = self._bar = self._bar or self._open()
        if self._task is None or phase != self._phase:
            if self._task is not None:
                bar.remove_task(self._task)
            self._phase, self._task = phase, bar.add_task(phase, total=total or None)
        bar.update(self._task, completed=done, total=total or None)

    def close(self) -> None:
        """Removes the bar from the screen."""
        if self._bar is not None:
            self._bar.stop()

    def _open(self) -> Bar:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as RichProgress

        bar = RichProgress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True, no_color=not self._colour),
            transient=True,
        )
        bar.start()
        return bar


class LogLines:
    """A line every few seconds, and none for work that takes less."""

    def __init__(self, invocation: Invocation, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._invocation = invocation
        self._clock = clock
        self._last = clock()

    def __call__(self, phase: str, done: int, total: int) -> None:
        """See ``Progress``."""
        now = self._clock()
        if now - self._last < SECONDS_BETWEEN_LINES:
            return
        self._last = now
        counts = {"done": done, "total": total} if total else {"done": done}
        logger(self._invocation).info("progress", phase=phase, **counts)
