"""Child processes that do something at the same time."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.context import ForkProcess
from typing import Any, TypeVar

T = TypeVar("T")

_FORK = multiprocessing.get_context("fork")


def in_children(count: int, action: Callable[[], T]) -> list[T]:
    """What an action returns in each of several children, which begin together."""
    start = _FORK.Barrier(count)
    results: Any = _FORK.Queue()

    def run() -> None:
        start.wait(30)
        try:
            results.put(action())
        except BaseException as error:
            results.put(repr(error))
            raise

    children = [child(run) for _ in range(count)]
    found = [results.get(timeout=60) for _ in children]
    for one in children:
        one.join(60)
    return found


def child(action: Callable[[], Any]) -> ForkProcess:
    """A child that has been started."""
    process = _FORK.Process(target=action)
    process.start()
    return process
