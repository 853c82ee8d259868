"""Processes that kill themselves at a point of what they do, counted in the calls that Python makes."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

_FORK = multiprocessing.get_context("fork")
_WAITING = ("/subprocess.py", "/selectors.py", "/threading.py", "/signal.py")
"""How often waiting for somebody looks whether he is there differs from run to run, so calls from here don't count."""


def run(action: Callable[[], object]) -> int:
    """Does something in a child; its exit status, negative for a signal."""
    process = _FORK.Process(target=action)
    process.start()
    process.join(120)
    assert process.exitcode is not None
    return process.exitcode


def calls_of(action: Callable[[], object], *, since: str = "") -> int:
    """How many calls it takes. The count begins where the function of that name is called, else at once."""
    calls = _FORK.Value("q", 0)
    assert run(lambda: _count(action, calls, since, None)) == 0
    return int(calls.value)


def killed_after(action: Callable[[], object], calls: int, *, since: str = "") -> int:
    """Does it in a child that kills itself after so many calls; its exit status."""
    return run(lambda: _count(action, _FORK.Value("q", 0), since, calls))


def _count(action: Callable[[], object], calls: Any, since: str, last: int | None) -> None:
    begun = not since
    gc.disable()  # what it finalizes, and when, differs too

    def trace(frame: Any, event: str, _: Any) -> None:
        nonlocal begun
        begun = begun or frame.f_code.co_name == since
        if not begun or event not in ("call", "c_call") or frame.f_code.co_filename.endswith(_WAITING):
            return
        calls.value += 1
        if last is not None and calls.value > last:
            sys.setprofile(None)
            os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(trace)
    try:
        action()
    finally:
        sys.setprofile(None)
