"""The server as agents start it: a process, two pipes, both protocol revisions."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, MCPError, StdioServerParameters

from tests.integration.server.wire import ERAS, LEGACY, MODERN, command, environment, over_stdio
from tests.repos import RepoBuilder
from tests.unit.memory.hostile import TOKEN
from tests.unit.server.test_tools import CALLS

NAMES = [
    "memory_graph_search",
    "memory_record_read",
    "memory_docs_grep",
    "memory_snapshot_diff",
    "memory_ontology_validate",
]
HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
}


@pytest.mark.parametrize("era", ERAS)
def test_a_client_of_either_revision_gets_everything(repo: RepoBuilder, home: Path, era: str) -> None:
    async def talk() -> None:
        async with Client(over_stdio(repo.path, home, "--ref", "first"), mode=era) as client:
            assert client.protocol_version == ("2025-11-25" if era == LEGACY else MODERN)
            tools = await client.list_tools()
            assert [tool.name for tool in tools.tools] == NAMES
            await _call_everything(client)
            read = await client.call_tool("memory_record_read", {"id": "service:pay"})
            await _read_resources(client, read.structured_content["commit"], era)
            asked = await client.get_prompt("start_with_memory", {"task": "Fix the refunds"})
            assert "Fix the refunds" in asked.messages[0].content.text  # type: ignore[union-attr]

    asyncio.run(talk())


async def _call_everything(client: Client) -> None:
    """Alone and all at once; the client itself checks answers against their schemas."""
    alone = [await client.call_tool(tool, arguments) for tool, arguments in CALLS]
    assert [answer.is_error for answer in alone] == [False] * len(alone)
    together = await asyncio.gather(*(client.call_tool(tool, arguments) for tool, arguments in (*CALLS, *CALLS)[:20]))
    assert [_plain(answer) for answer in together] == [_plain(answer) for answer in (*alone, *alone)[:20]]
    assert TOKEN not in "".join(map(_plain, alone))
    for arguments, code in (
        ({"nonsense": 1}, "INVALID_REQUEST"),
        ({"text": "x", "ref": "main"}, "MEMORY_PIN_VIOLATION"),
    ):
        refused = await client.call_tool("memory_graph_search", arguments)
        assert refused.is_error
        assert set(refused.structured_content) == {"code", "message", "remedy"}
        assert refused.structured_content["code"] == code


def _plain(answer: Any) -> str:
    return json.dumps([answer.structured_content, answer.content[0].text], ensure_ascii=False)


async def _read_resources(client: Client, commit: str, era: str) -> None:
    listed = await client.list_resources()
    [runbook] = [item for item in listed.resources if item.name == "runbook:refunds"]
    assert runbook.uri == f"krate-memory://{commit}/record/runbook%3Arefunds"
    shown = await client.read_resource(runbook.uri)
    assert "Replay the refunds." in shown.contents[0].text  # type: ignore[union-attr]
    assert "not instructions" in shown.contents[0].text  # type: ignore[union-attr]
    assert shown.contents[0].meta["trust"] == "untrusted"  # type: ignore[index]
    if era == MODERN:
        assert (shown.ttl_ms, shown.cache_scope) == (86_400_000, "private")
    templates = await client.list_resource_templates()
    assert [item.name for item in templates.resource_templates] == ["memory-record", "memory-document"]
    for uri, code in (
        (f"krate-memory://{'0' * 40}/record/runbook%3Arefunds", "MEMORY_PIN_VIOLATION"),
        (f"krate-memory://{commit}/doc/no/where.md", "MEMORY_RECORD_NOT_FOUND"),
        (f"krate-memory://{commit}/doc/..%2F..%2Fetc/passwd", "INVALID_REQUEST"),
        ("krate-memory://krate-org-other/record/x", "CROSS_ORG_REF_DENIED"),
        ("file:///etc/passwd", "INVALID_REQUEST"),
    ):
        with pytest.raises(MCPError) as caught:
            await client.read_resource(uri)
        assert caught.value.error.data["code"] == code


def test_a_snapshot_is_a_pin_under_its_own_policy(repo: RepoBuilder, home: Path, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        "kind: AgentMemorySource\nmetadata: {name: ci}\nspec: {organizationRef: acme, repositoryRef: brain, "
        "appliesTo: {users: ['*']}, include: {graphKinds: [Runbook]}}\n"
    )
    options = ["--org", "acme", "--ref", "first", "--policy", policy, "-o", "json"]
    made = subprocess.run(
        [sys.executable, "-m", "krate_gitops", "snapshot", "create", repo.path, "refunds", *options],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(home),
        check=True,
    )
    name = json.loads(made.stdout)["metadata"]["name"]

    async def talk() -> None:
        arguments = ["-m", "krate_gitops", "mcp", "--org", "acme", "--snapshot", name]
        served = StdioServerParameters(command=sys.executable, args=arguments, env=environment(home))
        async with Client(served) as client:
            read = await client.call_tool("memory_record_read", {"id": "runbook:refunds", "snapshot": f"acme/{name}"})
            assert "Replay the refunds." in read.structured_content["text"]
            assert (await client.call_tool("memory_record_read", {"id": "service:pay"})).is_error
            same = await client.call_tool("memory_snapshot_diff", {"against": name})
            assert same.structured_content["counts"] == {}
            none = await client.call_tool("memory_snapshot_diff", {"against": "ams-0123456789ab"})
            assert none.structured_content["code"] == "NOT_FOUND"

    asyncio.run(talk())


def test_stdout_holds_the_protocol_alone_and_the_end_of_input_ends_it(repo: RepoBuilder, tmp_path: Path) -> None:
    """With an empty home, so that the index is built under way, and as loud as it gets."""
    asked = [HELLO, {"jsonrpc": "2.0", "method": "notifications/initialized"}, "no JSON at all"]
    lines = "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in asked)
    done = subprocess.run(
        [sys.executable, *command(repo.path, "-vv")],
        input=lines,
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(tmp_path / "home", KRATE_OUTPUT="json"),
        check=False,
    )
    assert done.returncode == 0
    assert [json.loads(line)["jsonrpc"] for line in done.stdout.splitlines()] == ["2.0"] * len(done.stdout.splitlines())
    assert json.loads(done.stdout.splitlines()[0])["result"]["protocolVersion"] == "2025-11-25"
    kept = sqlite3.connect(tmp_path / "home" / "records.sqlite").execute("select type from audit_records").fetchall()
    assert kept == [("MemoryRefResolved",)]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_ends_it_though_the_client_says_nothing(
    repo: RepoBuilder, home: Path, number: signal.Signals, code: int
) -> None:
    with subprocess.Popen(
        [sys.executable, *command(repo.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(home),
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(HELLO) + "\n")
        process.stdin.flush()
        assert "serverInfo" in process.stdout.readline()
        process.send_signal(number)
        process.wait(30)
        assert process.stderr is not None
        assert (process.returncode, "Traceback" in process.stderr.read()) == (code, False)


def test_what_cannot_be_served_is_said_on_stderr(tmp_path: Path, home: Path) -> None:
    done = subprocess.run(
        [sys.executable, *command(tmp_path / "nowhere")],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(home),
        check=False,
    )
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("error[MEMORY_REPOSITORY_UNAVAILABLE]")
