"""Who is let in over HTTP, decided from the head of a request."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from krate_gitops.server.mcp.http import Access, Gate
from krate_gitops.server.mcp.protocol import CALLER

TOKENS = ("first-token-0123456789", "second-token-0123456789")


def knock(access: Access, *, method: str = "POST", path: str = "/mcp", **headers: str) -> tuple[int, str | None]:
    """Status of the answer, and whose request it was if it came through."""
    through: list[str] = []
    answers: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        through.append(scope[CALLER])
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        answers.append(message)

    sent = {"host": "127.0.0.1:8000"} | headers
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
    }
    asyncio.run(Gate(app, access)(scope, receive, send))
    return answers[0]["status"], through[0] if through else None


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8000", 200),
        ("127.0.0.1", 200),
        ("localhost:1", 200),
        ("LOCALHOST", 200),
        ("[::1]:8000", 200),
        ("evil.example", 421),
        ("127.0.0.1.evil.example:8000", 421),
        ("localhost:8000@evil.example", 421),
        ("evil.example:127.0.0.1", 421),
        ("localhost/x", 421),
        ("192.168.0.7", 421),
        ("", 421),
    ],
)
def test_only_a_host_that_is_ours_is_let_in(host: str, status: int) -> None:
    assert knock(Access(), host=host)[0] == status


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://localhost:3000", 200),
        ("https://127.0.0.1", 200),
        ("http://evil.example", 403),
        ("http://localhost.evil.example", 403),
        ("http://localhost@evil.example", 403),
        ("ftp://localhost", 403),
        ("null", 403),
        ("", 403),
        ("http://[::1", 403),
    ],
)
def test_only_pages_of_ours_are_let_in(origin: str, status: int) -> None:
    assert knock(Access(), origin=origin)[0] == status


def test_names_can_be_added_and_addresses_allowed() -> None:
    access = Access(hosts=frozenset(("memory.example",)), any_address=True)
    assert knock(access, host="memory.example:443", origin="https://memory.example")[0] == 200
    assert knock(access, host="192.168.0.7:8000")[0] == 200
    assert knock(access, host="other.example")[0] == 421


@pytest.mark.parametrize(
    ("authorization", "answer"),
    [
        (f"Bearer {TOKENS[0]}", (200, "token-1")),
        (f"bearer  {TOKENS[1]}", (200, "token-2")),
        (f"Basic {TOKENS[0]}", (401, None)),
        (f"Bearer {TOKENS[0]}x", (401, None)),
        (f"Bearer {TOKENS[0][:-1]}", (401, None)),
        ("Bearer", (401, None)),
        ("Bearer ", (401, None)),
        ("", (401, None)),
    ],
)
def test_a_token_opens_and_says_whose_budget_it_is(authorization: str, answer: tuple[int, str | None]) -> None:
    assert knock(Access(tokens=TOKENS), authorization=authorization) == answer


def test_without_tokens_all_share_one_budget() -> None:
    assert knock(Access(), authorization="Bearer whatever") == (200, "http")


@pytest.mark.parametrize("method", ["GET", "DELETE", "OPTIONS", "PUT"])
def test_there_is_nothing_but_post(method: str) -> None:
    assert knock(Access(), method=method)[0] == 405


def test_a_stranger_learns_nothing_of_the_rest() -> None:
    access = Access(tokens=TOKENS)
    assert {knock(access, method=method, path=path)[0] for method in ("GET", "POST") for path in ("/mcp", "/")} == {401}
