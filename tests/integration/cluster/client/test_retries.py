"""What is sent again and what isn't, told by what the server saw."""

from __future__ import annotations

import asyncio

import pytest

from krate_gitops.cluster.client import transport
from krate_gitops.cluster.client.api import Api
from krate_gitops.cluster.client.failures import (
    AlreadyExistsError,
    ApiError,
    ConflictError,
    FieldConflictError,
    QuotaError,
    TransientError,
)
from tests.faults import Fault, answer, cut_before, hold, refusal, replies
from tests.integration.cluster.client.scripted import CONFIG_MAP, QUICK, config_map, connection_to, echo, scripted, talk

WEBHOOK = 'failed calling webhook "w.example.com": connect: connection refused'


async def apply(api: Api) -> dict[str, object]:
    return (await api.apply(CONFIG_MAP, config_map(), manager="me")).object


@pytest.mark.parametrize(
    "fault",
    [
        refusal(429, "TooManyRequests", retry_after=0),
        refusal(503, "ServiceUnavailable"),
        refusal(504, "Timeout"),
        refusal(500, "InternalError", WEBHOOK),
        refusal(500, "InternalError", "etcdserver: leader changed"),
        refusal(500, "ServerTimeout"),
        replies(answer(502, "<html>", {"Content-Type": "text/html"}), "proxy"),
        cut_before(),
    ],
    ids=lambda fault: fault.name,
)
def test_an_apply_is_sent_again_after_what_passes(fault: Fault) -> None:
    with scripted() as server:
        server.inject(fault, times=2)
        echo(server)
        assert talk(server, apply)["kind"] == "ConfigMap"
        assert len(server.requests("PATCH")) == 3


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (
            refusal(409, "Conflict", causes=[{"reason": "FieldManagerConflict", "message": "", "field": ".a"}]),
            FieldConflictError,
        ),
        (refusal(409, "Conflict", "the object has been modified"), ConflictError),
        (refusal(403, "Forbidden", "exceeded quota: q"), QuotaError),
        (refusal(500, "InternalError", "index out of range"), TransientError),
        (replies(answer(307, b"", {"Location": "http://127.0.0.1:1/"}), "redirection"), ApiError),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_an_apply_is_not_sent_again_after_what_does_not_pass(fault: Fault, kind: type[ApiError]) -> None:
    with scripted() as server:
        server.inject(fault, times=5)
        with pytest.raises(kind):
            talk(server, apply)
        assert len(server.seen) == 1


def test_a_server_is_not_asked_before_the_time_it_told() -> None:
    with scripted() as server:
        server.inject(refusal(429, "TooManyRequests", retry_after=1))
        echo(server)
        talk(server, apply)
        first, second = server.requests("PATCH")
        assert second.at - first.at >= 1.0


def test_a_wait_beyond_the_deadline_is_not_begun() -> None:
    with scripted() as server:
        server.inject(refusal(429, "TooManyRequests", retry_after=60), times=9)
        with pytest.raises(TransientError) as caught:
            talk(server, apply, timeout=5.0)
        assert caught.value.retry_after == 60
        assert len(server.seen) == 1


def test_attempts_end() -> None:
    with scripted() as server:
        server.inject(refusal(503), times=100)
        with pytest.raises(TransientError):
            talk(server, apply)
        assert len(server.seen) == QUICK.attempts


def test_a_server_that_is_not_there() -> None:
    with scripted() as server:
        url = server.url
    with pytest.raises(TransientError) as caught:
        talk(connection_to(url), apply)
    assert caught.value.code == "CLUSTER_UNREACHABLE"
    assert caught.value.exit_code == 3
    assert not caught.value.sent


def test_a_lost_request_is_sent_again_within_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "_LEAST_ATTEMPT", 0.1)
    with scripted() as server:
        server.inject(hold(60.0))
        echo(server)
        assert talk(server, apply, timeout=4.0)["kind"] == "ConfigMap"
        assert len(server.seen) == 2


def test_the_deadline_of_a_call_holds() -> None:
    with scripted() as server:
        server.inject(hold(30.0), times=9)

        async def work(api: Api) -> None:
            async with asyncio.timeout(25):
                with pytest.raises(TransientError):
                    await apply(api.within(0.4))

        talk(server, work)


def test_the_callers_own_deadline_ends_a_call() -> None:
    with scripted() as server:
        server.inject(refusal(503), times=1_000)

        async def work(api: Api) -> None:
            async with asyncio.timeout(0.2):
                while True:
                    try:
                        await apply(api)
                    except TransientError:
                        continue

        with pytest.raises(TimeoutError):
            talk(server, work)


def test_a_delete_is_sent_again_only_if_it_names_the_object_by_uid() -> None:
    with scripted() as server:
        server.inject(refusal(503), times=2)
        with pytest.raises(TransientError):
            talk(server, lambda api: api.delete(CONFIG_MAP, "x", "team"))
        assert len(server.seen) == 1
        server.inject(replies(answer(200, {"kind": "Status", "metadata": {}, "status": "Success"})))
        assert talk(server, lambda api: api.delete(CONFIG_MAP, "x", "team", uid="u")).gone
        assert len(server.seen) == 3


def test_a_json_patch_is_sent_again_only_if_it_was_turned_away() -> None:
    async def patch(api: Api) -> object:
        return await api.json_patch(CONFIG_MAP, "x", "team", [{"op": "test", "path": "/a", "value": 1}], manager="m")

    with scripted() as server:
        server.inject(refusal(503))
        with pytest.raises(TransientError):
            talk(server, patch)
        server.inject(refusal(429, retry_after=0))
        server.inject(replies(answer(200, config_map())))
        talk(server, patch)
        assert [one.fault for one in server.seen] == ["refusal 503", "refusal 429", "reply"]


def create(api: Api) -> object:
    return api.create(CONFIG_MAP, config_map(data={"a": "1"}), manager="me")


def live(manager: str) -> bytes:
    entry = {"manager": manager, "operation": "Update", "apiVersion": "v1"}
    return answer(200, config_map(data={"a": "1"}, metadata={"uid": "u", "managedFields": [entry]}))


def test_a_create_whose_answer_got_lost_asks_before_it_is_sent_again() -> None:
    with scripted() as server:
        server.inject(cut_before(), method="POST")
        echo(server, method="POST")
        server.inject(refusal(404, "NotFound", details={"name": "x", "kind": "configmaps"}), method="GET")
        assert talk(server, create)["data"] == {"a": "1"}  # type: ignore[arg-type, index]
        assert [one.method for one in server.seen] == ["POST", "GET", "POST"]


def test_a_create_that_had_arrived_is_found() -> None:
    with scripted() as server:
        server.inject(cut_before(), method="POST")
        server.inject(replies(live("me")), method="GET")
        assert talk(server, create)["metadata"]["uid"] == "u"  # type: ignore[arg-type, index]
        assert [one.method for one in server.seen] == ["POST", "GET"]


def test_a_create_that_arrives_while_it_is_sent_again_is_found() -> None:
    with scripted() as server:
        server.inject(cut_before(), method="POST")
        server.inject(refusal(409, "AlreadyExists"), method="POST")
        server.inject(refusal(404, "NotFound", details={"name": "x"}), method="GET")
        server.inject(replies(live("me")), method="GET")
        assert talk(server, create)["metadata"]["uid"] == "u"  # type: ignore[arg-type, index]


def test_anothers_object_is_not_taken_for_the_created_one() -> None:
    with scripted() as server:
        server.inject(cut_before(), method="POST")
        server.inject(replies(live("other")), method="GET")
        with pytest.raises(AlreadyExistsError):
            talk(server, create)  # type: ignore[arg-type]
        server.inject(refusal(409, "AlreadyExists"), method="POST")
        with pytest.raises(AlreadyExistsError):
            talk(server, create)  # type: ignore[arg-type]


def test_a_create_under_a_generated_name_is_never_sent_twice() -> None:
    made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "x-", "namespace": "team"}}
    with scripted() as server:
        server.inject(cut_before(), times=5)
        with pytest.raises(TransientError) as caught:
            talk(server, lambda api: api.create(CONFIG_MAP, made, manager="me"))
        assert caught.value.sent
        assert len(server.seen) == 1


def test_no_more_requests_are_under_way_than_allowed() -> None:
    with scripted() as server:
        server.inject(Fault("slow", hold=0.05, answer=answer(200, config_map())), times=100)

        async def work(api: Api) -> None:
            await asyncio.gather(*(apply(api) for _ in range(30)))

        talk(server, work, concurrency=5)
        assert len(server.seen) == 30
        assert len({one.connection for one in server.seen}) == 5


def test_waiting_for_a_place_is_no_part_of_a_calls_deadline() -> None:
    with scripted() as server:
        server.inject(Fault("slow", hold=0.1, answer=answer(200, config_map())), times=100)

        async def work(api: Api) -> None:
            await asyncio.gather(*(apply(api.within(0.5)) for _ in range(10)))

        talk(server, work, concurrency=1)
        assert len(server.seen) == 10


def test_an_answer_that_stops_in_the_middle_is_asked_for_again() -> None:
    whole = answer(200, config_map())
    with scripted() as server:
        server.inject(replies(whole[:-5].replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1), "half"))
        echo(server)
        assert talk(server, apply)["kind"] == "ConfigMap"
        assert len(server.seen) == 2
