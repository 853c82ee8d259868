"""Many calls with a bounded number of tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from krate_gitops.errors import KrateError

Item = TypeVar("Item")
Result = TypeVar("Result")


async def in_parallel(
    items: Iterable[Item], work: Callable[[Item], Awaitable[Result]], *, at_most: int = 16
) -> list[Result | KrateError]:
    """What ``work`` gave for each item, in their order; a ``KrateError`` stands where it raised one.

    A failure doesn't keep the others from being done. Any other exception ends all and is raised. A task for each
    item at once would be simpler, but with thousands of them a third of the time goes into looking for garbage.
    """
    waiting = iter(enumerate(items))
    results: dict[int, Result | KrateError] = {}

    async def worker() -> None:
        for position, item in waiting:
            try:
                results[position] = await work(item)
            except KrateError as error:
                results[position] = error

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(at_most):
                group.create_task(worker())
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return [results[position] for position in sorted(results)]
