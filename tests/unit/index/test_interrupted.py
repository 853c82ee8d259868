"""A build that is told to stop."""

from __future__ import annotations

import multiprocessing
import time
from typing import Any

import msgspec
import pytest

from krate_gitops.index import worker

_TASKS = 300
_ran = multiprocessing.get_context("fork").Value("i", 0)


class _Task(msgspec.Struct, frozen=True):
    """A task, and what is told of it when it is done."""

    key: str

    @property
    def summary(self) -> _Task:
        return self


def _start(*_: Any) -> None:
    pass


def _run(task: _Task) -> _Task:
    with _ran.get_lock():
        _ran.value += 1
    time.sleep(0.01)
    return task


def test_work_that_nobody_waits_for_any_more_is_not_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_start", _start)
    monkeypatch.setattr(worker, "_run", _run)
    monkeypatch.setattr(worker, "_weight", lambda task: 1)
    _ran.value = 0

    tasks: Any = [_Task(str(number)) for number in range(_TASKS)]
    unused: Any = None
    # The first task that is done has no time spent, and so the build ends as it would by any error.
    with pytest.raises(AttributeError):
        worker.run_all(unused, tasks, 2, lambda documents: None, unused)
    assert 0 < _ran.value < _TASKS / 4
