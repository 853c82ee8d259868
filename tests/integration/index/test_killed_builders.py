"""Builders that are killed, and builders that meet: the same index as if nothing had happened."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from krate_gitops.errors import KrateError, UnavailableError
from krate_gitops.index.build import Builder
from krate_gitops.index.collect import Retention, collect
from krate_gitops.index.verify import verify_store
from krate_gitops.index.worker import Worker
from tests.integration.index.brains import Brain, answers, answers_or_code

_FORK = multiprocessing.get_context("fork")
_CHANGES = frozenset(("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link"))


def _in_child(action: Callable[[], Any]) -> multiprocessing.process.BaseProcess:
    process = _FORK.Process(target=action)
    process.start()
    return process


def _killed_at(step: int, home: Path, brain: Brain) -> int:
    """Builds both commits in a child that kills itself at its n-th change of the store; its exit status."""

    def build() -> None:
        left = step

        def count(event: str, arguments: tuple[Any, ...]) -> None:
            nonlocal left
            if event not in _CHANGES or not str(arguments[0]).startswith(str(home)):
                return
            if event == "open" and not (isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)):
                return
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        builder = Builder(home, jobs=1)
        builder.build(brain.first)
        builder.build(brain.second)

    process = _in_child(build)
    process.join(60)
    assert process.exitcode is not None
    return process.exitcode


@pytest.mark.parametrize("step", [0, 1, 2, 3, 8, 12, 13, 14, 20, 50, 77, 100, 120, 128, 130])
def test_a_builder_killed_anywhere_leaves_nothing_that_is_wrong(
    step: int, brain: Brain, expected: list[Any], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    _killed_at(step, home, brain)
    builder = Builder(home, jobs=1)
    assert answers(builder, brain.first) == expected[0]
    assert answers(builder, brain.second) == expected[1]
    verified = verify_store(builder.store)
    assert (verified.is_sound, verified.missing) == (True, 0)
    collect(builder.store, Retention(guard_seconds=0), now=2e10)
    assert list((builder.store.root / "tmp").iterdir()) == []


def test_the_steps_above_reach_from_the_first_change_to_the_last(brain: Brain, tmp_path: Path) -> None:
    assert _killed_at(130, tmp_path / "a", brain) == -signal.SIGKILL
    assert _killed_at(10_000, tmp_path / "b", brain) == 0


def test_a_worker_killed_in_a_pool_is_a_clear_error(
    brain: Brain, expected: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(self: Worker, task: Any) -> Any:
        os.kill(os.getpid(), signal.SIGKILL)

    builder = Builder(tmp_path / "home", jobs=2)
    with monkeypatch.context() as patch:
        patch.setattr(Worker, "run", die)
        with pytest.raises(UnavailableError):
            builder.build(brain.first)
    assert answers(builder, brain.first) == expected[0]


def test_an_error_in_a_worker_arrives_whole(brain: Brain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Worker, task: Any) -> Any:
        raise UnavailableError("SOME_CODE", "what happened", hint="what to do", location="where")

    monkeypatch.setattr(Worker, "run", fail)
    with pytest.raises(UnavailableError) as caught:
        Builder(tmp_path / "home", jobs=2).build(brain.first)
    assert vars(caught.value) == vars(KrateError("SOME_CODE", "what happened", hint="what to do", location="where"))


@pytest.mark.parametrize("jobs", [1, 2])
def test_builders_that_meet_make_one_index(jobs: int, brain: Brain, expected: list[Any], tmp_path: Path) -> None:
    home = tmp_path / "home"
    start = _FORK.Barrier(3)
    results = _FORK.Queue()

    def build() -> None:
        builder = Builder(home, jobs=jobs)
        start.wait(30)
        for target in (brain.first, brain.second, brain.first):
            try:
                results.put(builder.build(target).manifest.index_digest)
            except BaseException as error:
                results.put(repr(error))
                raise

    processes = [_in_child(build) for _ in range(3)]
    digests = [results.get(timeout=60) for _ in range(9)]
    for process in processes:
        process.join(60)
    assert set(digests) == {answer["digests"][0] for answer in expected}
    assert [process.exitcode for process in processes] == [0, 0, 0]
    builder = Builder(home, jobs=1)
    assert [answers(builder, target) for target in (brain.first, brain.second)] == expected
    assert verify_store(builder.store).is_sound
    assert list((builder.store.root / "tmp").iterdir()) == []


def test_builders_meet_over_a_damaged_store(brain: Brain, expected: list[Any], tmp_path: Path) -> None:
    """Each finds the damage, removes it and builds anew, while the others do the same."""
    builder = Builder(tmp_path / "home", jobs=1)
    answers(builder, brain.second)
    for path in builder.store.root.rglob("facts"):
        path.write_bytes(b"")
    start = _FORK.Barrier(3)
    results = _FORK.Queue()

    def ask() -> None:
        start.wait(30)
        try:
            results.put(answers(Builder(tmp_path / "home", jobs=1), brain.second) == expected[1])
        except BaseException as error:
            results.put(repr(error))
            raise

    processes = [_in_child(ask) for _ in range(3)]
    assert [results.get(timeout=60) for _ in processes] == [True] * 3
    for process in processes:
        process.join(60)


def test_collection_and_builders_meet(brain: Brain, expected: list[Any], tmp_path: Path) -> None:
    """A collector that keeps next to nothing runs all the while; readers build again what they miss."""
    home = tmp_path / "home"
    stop = _FORK.Event()

    def collect_all() -> None:
        while not stop.is_set():
            collect(
                Builder(home).store, Retention(guard_seconds=0, max_age_days=0, per_repository=0), now=time.time() + 10
            )

    process = _in_child(collect_all)
    try:
        for _ in range(12):
            for target, answer in zip((brain.first, brain.second), expected, strict=True):
                found = answers_or_code(Builder(home, jobs=1), target)
                assert found in (answer, "INDEX_STORE_UNAVAILABLE", "INDEX_STORE_DAMAGED")
    finally:
        stop.set()
        process.join(30)
    assert process.exitcode == 0
    assert answers(Builder(home, jobs=1), brain.first) == expected[0]


def test_collection_leaves_young_work_alone(brain: Brain, expected: list[Any], tmp_path: Path) -> None:
    home = tmp_path / "home"
    stop = _FORK.Event()

    def collect_all() -> None:
        while not stop.is_set():
            collect(Builder(home).store, Retention(max_age_days=0, per_repository=0), now=time.time())

    process = _in_child(collect_all)
    try:
        for target, answer in zip((brain.first, brain.second), expected, strict=True):
            assert answers(Builder(home, jobs=1), target) == answer
    finally:
        stop.set()
        process.join(30)
    assert process.exitcode == 0
