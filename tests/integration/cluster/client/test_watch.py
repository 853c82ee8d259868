"""A watch that goes on by itself, told by the requests it makes."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from typing import Any
from urllib.parse import parse_qs

import pytest

from krate_gitops.cluster.client.api import Api
from krate_gitops.cluster.client.failures import AuthError, ForbiddenError, Relist
from tests.faults import Fault, Seen, answer, faulty, refusal, replies, status_body
from tests.integration.cluster.client.scripted import CONFIG_MAP, connection_to, scripted, talk


def event(kind: str, name: str, version: int, **more: Any) -> str:
    return json.dumps({"type": kind, "object": {"metadata": {"name": name, "resourceVersion": str(version)}, **more}})


def stream(*events: str) -> bytes:
    """A whole stream, chunked in odd places, that the server ends."""
    data = "\n".join([*events, ""]).encode()
    pieces = [data[at : at + 37] for at in range(0, len(data), 37)]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        + chunks
        + b"0\r\n\r\n"
    )


async def take(api: Api, count: int, **options: Any) -> list[str]:
    """The names of the next events."""
    got = []
    watching = api.watch(CONFIG_MAP, "team", resource_version="5", **options)
    async with aclosing(watching), asyncio.timeout(30):
        async for kind, found in watching:
            got.append(f"{kind} {found['metadata'].get('name', '')}")
            if len(got) == count:
                break
    return got


def versions(requests: list[Seen]) -> list[str]:
    return [parse_qs(one.query)["resourceVersion"][0] for one in requests]


def test_a_stream_that_ends_goes_on_where_it_was() -> None:
    with scripted() as server:
        server.inject(replies(stream(event("ADDED", "a", 6), event("MODIFIED", "a", 8))))
        server.inject(replies(stream(event("BOOKMARK", "", 20))))
        server.inject(replies(stream(event("DELETED", "a", 21))))
        got = talk(server, lambda api: take(api, 3, label_selector="a=b"))
        assert got == ["ADDED a", "MODIFIED a", "DELETED a"]
        assert versions(server.seen) == ["5", "8", "20"]
        query = parse_qs(server.seen[0].query)
        assert (query["watch"], query["allowWatchBookmarks"], query["labelSelector"]) == (["1"], ["true"], ["a=b"])


def test_bookmarks_come_only_if_they_are_wanted() -> None:
    with scripted() as server:
        server.inject(replies(stream(event("BOOKMARK", "", 20), event("ADDED", "a", 21))), times=2)
        assert talk(server, lambda api: take(api, 1)) == ["ADDED a"]
        assert talk(server, lambda api: take(api, 1, bookmarks=True)) == ["BOOKMARK "]


def test_a_version_from_the_future_means_to_list_again() -> None:
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version", "field": ""}
    with scripted() as server:
        server.inject(refusal(504, "Timeout", causes=[cause]))
        with pytest.raises(Relist):
            talk(server, lambda api: take(api, 1))


@pytest.mark.parametrize("as_event", [True, False])
def test_a_forgotten_version_means_to_list_again(as_event: bool) -> None:
    gone = status_body(410, "Expired", "too old resource version: 5 (90)")
    with scripted() as server:
        told = json.dumps({"type": "ERROR", "object": gone})
        server.inject(replies(stream(told)) if as_event else refusal(410, "Expired"))
        with pytest.raises(Relist) as caught:
            talk(server, lambda api: take(api, 1))
        assert caught.value.status == 410


def test_an_error_of_the_server_in_a_stream_is_waited_out() -> None:
    with scripted() as server:
        told = json.dumps({"type": "ERROR", "object": status_body(500, "InternalError", "etcdserver: no leader")})
        server.inject(replies(stream(event("ADDED", "a", 6), told)))
        server.inject(refusal(503))
        server.inject(replies(stream(event("ADDED", "b", 7))))
        assert talk(server, lambda api: take(api, 2)) == ["ADDED a", "ADDED b"]
        assert versions(server.seen) == ["5", "6", "6"]


def test_what_waiting_does_not_mend_ends_a_watch() -> None:
    with scripted() as server:
        server.inject(refusal(403, "Forbidden"))
        with pytest.raises(ForbiddenError):
            talk(server, lambda api: take(api, 1))
        server.inject(refusal(401), times=9)
        with pytest.raises(AuthError):
            talk(server, lambda api: take(api, 1))
        assert len(server.seen) == 3


@pytest.mark.parametrize("after", [0, 1], ids=["at once", "after an event"])
def test_a_dead_stream_is_noticed_and_opened_again(after: int) -> None:
    first = stream(event("ADDED", "a", 6)) if after else stream()
    with scripted() as origin, faulty(origin.url) as server:
        origin.inject(replies(first))
        origin.inject(replies(stream(event("ADDED", "b", 7))), times=9)
        # The last chunk and the end of the stream never arrive.
        server.inject(Fault("black hole", swallow=len(first) - first.index(b"\r\n\r\n") - 4 - 5))
        got = talk(server, lambda api: take(api, 1 + after, quiet=1.0))
        assert got == [*(["ADDED a"] * after), "ADDED b"]
        assert versions(server.seen) == ["5", "6" if after else "5"]
        assert server.seen[1].at - server.seen[0].at >= 0.9
        assert parse_qs(server.seen[0].query)["timeoutSeconds"] == ["1"]


def test_a_server_that_hangs_up_at_once_is_not_asked_in_a_tight_loop() -> None:
    with scripted() as server:
        server.inject(replies(stream()), times=1_000_000)

        async def work(api: Api) -> None:
            async with asyncio.timeout(0.5):
                await take(api, 1)

        with pytest.raises(TimeoutError):
            talk(server, work)
        assert len(server.seen) < 40


@pytest.mark.parametrize(
    "junk",
    [
        "nonsense",
        "[]",
        '{"type": "ADDED"}',
        '{"type": 3, "object": {}}',
        "{" * 100_000,
        '{"type": "ADDED", "object": {"metadata": null}}',
    ],
)
def test_a_line_that_is_no_event_is_not_swallowed(junk: str) -> None:
    with scripted() as server:
        server.inject(replies(stream(event("ADDED", "a", 6), junk)))
        server.inject(replies(stream(event("ADDED", "b", 7))))
        assert talk(server, lambda api: take(api, 2)) == ["ADDED a", "ADDED b"]
        assert versions(server.seen) == ["5", "6"]


def test_a_large_event_comes_through_whole() -> None:
    with scripted() as server:
        server.inject(replies(stream(event("ADDED", "a", 6, data={"x": "y" * 1_500_000}))))
        assert talk(server, lambda api: take(api, 1)) == ["ADDED a"]


def test_a_watch_takes_no_place_from_other_requests() -> None:
    with scripted() as server:
        server.inject(Fault("silent", hold=5.0, answer=stream()), query="watch=1", times=9)
        server.inject(replies(answer(200, {"kind": "ConfigMap", "metadata": {}})), times=9)

        async def work(api: Api) -> object:
            watching = [asyncio.create_task(take(api, 1)) for _ in range(3)]
            await asyncio.sleep(0.05)
            found = await api.get(CONFIG_MAP, "x", "team")
            for task in watching:
                task.cancel()
            await asyncio.gather(*watching, return_exceptions=True)
            return found

        assert talk(server, work, concurrency=1) is not None


def test_a_watch_waits_for_a_server_that_restarts() -> None:
    with scripted() as server:
        server.inject(replies(stream(event("ADDED", "a", 6))))
        server.inject(Fault("cut", cut="before"), times=4)
        server.inject(replies(stream(event("ADDED", "b", 7))))
        assert talk(connection_to(server.url), lambda api: take(api, 2)) == ["ADDED a", "ADDED b"]
        assert versions(server.seen) == ["5", *["6"] * 5]
