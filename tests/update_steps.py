"""Steps of updates that leave something behind, and processes that die before or after one of them.

A step is a transaction of the records, a commit that is built, or a branch that is moved or removed. There is a point
to die at before each of them and one after it, counted from 0.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

from krate_gitops.records.database import Database
from tests.killed import run

_STEPS = (
    ("krate_gitops.updates.publish", "build_commit"),
    ("krate_gitops.updates.publish", "push_branch"),
    ("krate_gitops.updates.land", "build_commit"),
    ("krate_gitops.updates.land", "push_branch"),
    ("krate_gitops.updates.forges.local", "delete_branch"),
    ("krate_gitops.updates.forges.local", "push_branch"),
)


def die_after(steps: int | None, taken: Callable[[], None] | None = None) -> None:
    """From now on this process counts its points, and kills itself at the one of that number.

    ``taken`` is called at each point.
    """
    points = 0

    def point() -> None:
        nonlocal points
        if taken is not None:
            taken()
        if steps is not None and points >= steps:
            os.kill(os.getpid(), signal.SIGKILL)
        points += 1

    def counted(action: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **how: Any) -> Any:
            point()
            result = action(*arguments, **how)
            point()
            return result

        return step

    original = Database.writing

    @contextlib.contextmanager
    def writing(self: Database) -> Iterator[Any]:
        point()
        with original(self) as connection:
            yield connection
        point()

    Database.writing = writing  # type: ignore[method-assign]
    for module, name in _STEPS:
        place = importlib.import_module(module)
        setattr(place, name, counted(getattr(place, name)))


def points_of(action: Callable[[], object]) -> int:
    """How many points there are at which it may die; it is done in a child."""
    read, write = os.pipe()

    def counting() -> None:
        os.close(read)
        die_after(None, lambda: os.write(write, b".") and None)
        action()

    assert run(counting) == 0
    os.close(write)
    with os.fdopen(read, "rb") as told:
        return len(told.read())


def killed_at(action: Callable[[], object], point: int) -> int:
    """Does it in a child that dies at a point; its exit status, -9 when it died."""

    def dying() -> None:
        die_after(point)
        action()

    return run(dying)
