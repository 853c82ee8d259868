"""The server over streamable HTTP: both revisions, tokens and their budgets."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from krate_gitops.errors import UnavailableError
from krate_gitops.server.mcp.http import listen
from tests.integration.server.wire import ERAS, over_http
from tests.repos import RepoBuilder

TOKENS = ("first-token-0123456789", "second-token-0123456789")


async def _ask(url: str, token: str, era: str, times: int = 1) -> list[Any]:
    http = httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"})
    async with http, Client(streamable_http_client(url, http_client=http), mode=era) as client:
        return [await client.call_tool("memory_record_read", {"id": "service:pay"}) for _ in range(times)]


def test_both_revisions_are_served_and_a_token_has_a_budget(repo: RepoBuilder, home: Path, tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text("\n".join(TOKENS) + "\n")
    with over_http(repo.path, home, "--token-file", file, "--max-calls", 3) as (url, process):
        for era in ERAS:
            [answer] = asyncio.run(_ask(url, TOKENS[0], era))
            assert answer.structured_content["record"]["id"] == "service:pay"
        # A new connection and the other revision are no new budget, another token is.
        codes = [answer.structured_content.get("code") for answer in asyncio.run(_ask(url, TOKENS[0], ERAS[0], 2))]
        assert codes == [None, "RATE_LIMITED"]
        [answer] = asyncio.run(_ask(url, TOKENS[1], ERAS[1]))
        assert not answer.is_error
        assert _status(url, "Bearer wrong-token-0123456789") == 401
        assert _status(url, f"Bearer {TOKENS[0]}") == 200
        assert _status(url, f"Bearer {TOKENS[0]}", host="evil.example") == 421
        assert _status(url, f"Bearer {TOKENS[0]}", origin="http://evil.example") == 403
        process.terminate()
        stdout, stderr = process.communicate(timeout=30)
    assert (process.returncode, stdout) == (0, "")
    assert not any(token in stderr for token in (*TOKENS, "wrong-token"))


def _status(url: str, authorization: str, **headers: str) -> int:
    """Status of a plain request, head and all under control."""
    place = urlsplit(url)
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"})
    sent = {
        "host": place.netloc,
        "authorization": authorization,
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        "content-length": str(len(body)),
        "connection": "close",
    } | headers
    head = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=30) as connection:
        connection.sendall(f"POST {place.path} HTTP/1.1\r\n{head}\r\n{body}".encode())
        return int(connection.makefile().readline().split()[1])


def test_a_port_that_is_taken_is_named() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UnavailableError) as caught:
            listen("127.0.0.1", port)
    assert caught.value.code == "SERVICE_UNAVAILABLE"
    assert f"127.0.0.1:{port}" in caught.value.message
