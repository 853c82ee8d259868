"""Turns, waits and fights of the loop."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from krate_gitops.cluster.client.failures import TransientError
from krate_gitops.reconcile.controller.queue import Key, Queue
from krate_gitops.reconcile.controller.schedule import Retry, next_delay, retry_after, retry_of
from krate_gitops.reconcile.controller.watching import ObjectChanges, SourceChanges
from krate_gitops.reconcile.fights import MOST_CORRECTIONS, Fights
from krate_gitops.reconcile.outcome import Outcome
from krate_gitops.reconcile.stop import Stop
from tests.unit.reconcile.world import desired

NOW = datetime(2026, 5, 1, tzinfo=UTC)
A1, A2, B1 = Key("a", "1"), Key("a", "2"), Key("b", "1")


def test_organizations_take_turns_and_have_one_pass_at_a_time() -> None:
    async def work() -> list[Key]:
        queue = Queue()
        for key in (A1, A2, B1):
            queue.add(key)
        first, second = await queue.get(), await queue.get()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await queue.get()
        queue.done(first)
        return [first, second, await queue.get()]

    assert asyncio.run(work()) == [A1, B1, A2]


def test_a_source_asked_for_during_its_pass_comes_once_more() -> None:
    async def work() -> None:
        queue = Queue()
        queue.add(A1)
        queue.add(A1)
        key = await queue.get()
        for _ in range(3):
            queue.add(key)
        assert queue.is_asked_again(key)
        assert len(queue) == 0
        queue.done(key)
        assert await queue.get() == A1
        queue.done(A1)
        assert len(queue) == 0

    asyncio.run(work())


def test_of_two_times_the_earlier_counts_and_asking_now_beats_both() -> None:
    async def work() -> None:
        queue = Queue()
        queue.add_after(A1, 60)
        queue.add_after(A1, 0.01)
        queue.add_after(A1, 90)
        assert await queue.get() == A1
        queue.done(A1)
        queue.add_after(B1, 60)
        queue.add(B1)
        assert await queue.get() == B1
        queue.done(B1)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await queue.get()

    asyncio.run(work())


def test_a_source_that_is_gone_is_forgotten() -> None:
    async def work() -> None:
        queue = Queue()
        queue.add(A1)
        queue.add_after(A2, 0.01)
        queue.forget(A1)
        queue.forget(A2)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await queue.get()

    asyncio.run(work())


def outcome(code: str = "", cause: BaseException | None = None) -> Outcome:
    found = Outcome(source="s", dry_run=False)
    if code:
        found.stop = Stop("Applied", "ApplyFailed", code, "no")
        found.stop.__cause__ = cause
    return found


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (outcome(), Retry.NONE),
        (outcome("KR701"), Retry.ACCESS),
        (outcome("KR705"), Retry.ACCESS),
        (outcome("KR008"), Retry.CONTENT),
        (outcome("KR725"), Retry.CONTENT),
        (outcome("KR726"), Retry.AUTHORIZATION),
        (outcome("KR741"), Retry.AUTHORIZATION),
        (outcome("X", TransientError("X", "busy")), Retry.TRANSIENT),
    ],
)
def test_the_class_of_a_failure(found: Outcome, expected: Retry) -> None:
    assert retry_of(found) is expected


def delays(retry: Retry, interval: timedelta = timedelta(minutes=5)) -> list[float]:
    chance = random.Random(1)
    return [next_delay(retry, number, interval, chance=chance).total_seconds() for number in range(1, 15)]


@pytest.mark.parametrize(
    ("retry", "first", "last"), [(Retry.TRANSIENT, 5, 600), (Retry.ACCESS, 60, 1800), (Retry.INTERNAL, 5, 600)]
)
def test_waits_double_up_to_a_limit_with_jitter(retry: Retry, first: float, last: float) -> None:
    found = delays(retry)
    assert first * 0.8 <= found[0] <= first * 1.2
    assert first * 2 * 0.8 <= found[1] <= first * 2 * 1.2
    assert all(last * 0.8 <= one <= last * 1.2 for one in found[-3:])
    assert len(set(found[-3:])) == 3


@pytest.mark.parametrize("retry", [Retry.NONE, Retry.CONTENT, Retry.AUTHORIZATION])
def test_what_only_a_commit_or_a_person_mends_is_looked_at_each_interval(retry: Retry) -> None:
    assert all(270 <= one <= 330 for one in delays(retry))


def test_the_server_may_ask_for_a_longer_wait() -> None:
    busy = TransientError("X", "busy")
    busy.retry_after = 120.0
    found = outcome("X", busy)
    assert retry_after(found) == timedelta(minutes=2)
    wait = next_delay(Retry.TRANSIENT, 1, timedelta(minutes=5), at_least=retry_after(found), chance=random.Random(1))
    assert wait >= timedelta(minutes=2)


def test_a_fight_begins_with_the_sixth_correction_of_a_minute() -> None:
    fights, one = Fights(), desired().id
    told = [fights.corrected(one, now=NOW + timedelta(seconds=second)) for second in range(MOST_CORRECTIONS + 1)]
    assert told == [False] * MOST_CORRECTIONS + [True]
    at = NOW + timedelta(seconds=10)
    assert fights.waiting(now=at) == {one}
    assert fights.may_correct(desired(name="other").id, now=at)
    assert fights.may_correct(one, now=NOW + timedelta(minutes=2))


def test_pauses_of_a_fight_double_up_to_half_an_hour_and_end_in_peace() -> None:
    fights, one = Fights(), desired().id
    at = NOW
    for _ in range(MOST_CORRECTIONS + 1):
        fights.corrected(one, now=at)
    pauses = []
    for _ in range(8):
        start = at
        while not fights.may_correct(one, now=at):
            at += timedelta(seconds=30)
        pauses.append((at - start).total_seconds() / 60)
        assert fights.corrected(one, now=at) is False
    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30]
    later = at + timedelta(hours=3)
    assert fights.corrected(one, now=later) is False
    assert fights.may_correct(one, now=later)


def test_corrections_that_are_far_apart_are_no_fight() -> None:
    fights, one = Fights(), desired().id
    for minute in range(30):
        assert not fights.corrected(one, now=NOW + timedelta(minutes=minute))


def source_value(**metadata: Any) -> dict[str, Any]:
    return {"metadata": {"uid": "u", "namespace": "a", "name": "1", "generation": 1, **metadata}}


def test_a_status_of_ours_is_no_news_of_a_source() -> None:
    seen = SourceChanges()
    assert seen.is_news("ADDED", source_value())
    assert not seen.is_news("MODIFIED", source_value(resourceVersion="7"))
    assert not seen.is_news("MODIFIED", source_value(annotations={"else": "x"}))
    assert seen.is_news("MODIFIED", source_value(annotations={"krate.a5c.ai/reconcile-at": "now"}))
    assert seen.is_news("MODIFIED", source_value(generation=2))
    assert seen.is_news("MODIFIED", source_value(generation=2, deletionTimestamp="x"))
    assert seen.is_news("DELETED", source_value())


def test_changes_of_owned_objects_name_their_source_but_not_at_first_sight() -> None:
    seen = ObjectChanges()

    def value(**metadata: Any) -> dict[str, Any]:
        labels = {"krate.a5c.ai/gitops-source": "1"}
        return {"metadata": {"uid": "o", "namespace": "a", "generation": 1, "labels": labels, **metadata}}

    assert seen.source_of("ADDED", value()) is None
    assert seen.source_of("MODIFIED", value(resourceVersion="2")) is None
    assert seen.source_of("MODIFIED", value(generation=2)) == A1
    assert seen.source_of("DELETED", value(generation=2)) == A1
