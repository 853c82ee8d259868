from __future__ import annotations

import asyncio

import pytest

from krate_gitops.cluster.client.parallel import in_parallel
from krate_gitops.errors import KrateError, UsageError


def test_results_come_in_order_and_failures_stand_in_their_place() -> None:
    async def work(number: int) -> int:
        await asyncio.sleep(0.001 * (number % 3))
        if number == 7:
            raise UsageError("X_Y", "seven")
        return number * 2

    got = asyncio.run(in_parallel(range(50), work, at_most=4))
    failed = [(position, one.message) for position, one in enumerate(got) if isinstance(one, KrateError)]
    assert failed == [(7, "seven")]
    assert [one for one in got if isinstance(one, int)] == [number * 2 for number in range(50) if number != 7]


def test_no_more_than_allowed_are_under_way() -> None:
    now, most = 0, 0

    async def work(_: int) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0)
        now -= 1

    asyncio.run(in_parallel(range(100), work, at_most=5))
    assert most == 5


def test_a_bug_ends_all() -> None:
    done = []

    async def work(number: int) -> None:
        await asyncio.sleep(0)
        done.append(number)
        if number == 3:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(in_parallel(range(1_000), work, at_most=2))
    assert len(done) < 10


def test_the_callers_deadline_ends_all() -> None:
    async def work(_: int) -> None:
        await asyncio.sleep(60)

    async def run() -> None:
        async with asyncio.timeout(0.05):
            await in_parallel(range(10), work)

    with pytest.raises(TimeoutError):
        asyncio.run(run())


def test_nothing_to_do() -> None:
    async def work(_: int) -> None:
        raise AssertionError

    assert asyncio.run(in_parallel([], work)) == []
