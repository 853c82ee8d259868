"""One process at a time, across processes, and free again when its holder dies."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from krate_gitops.errors import UnavailableError

_PAUSE_SECONDS = 0.02


@contextlib.contextmanager
def exclusive_lock(path: Path, *, deadline: float) -> Iterator[int]:
    """Holds the lock file for the block; its descriptor, to be inherited by children that must be done before others.

    Raises ``UnavailableError(MEMORY_REPOSITORY_UNAVAILABLE)`` when somebody else holds it for ``deadline`` seconds.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _wait(handle, path, time.monotonic() + deadline)
        yield handle
    finally:
        os.close(handle)


def _wait(handle: int, path: Path, end: float) -> None:
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                raise UnavailableError(
                    "MEMORY_REPOSITORY_UNAVAILABLE",
                    f"another process is still working on {path.stem}",
                    hint="wait for it, or raise the deadline",
                    location=str(path),
                ) from None
            time.sleep(_PAUSE_SECONDS)
        else:
            return
