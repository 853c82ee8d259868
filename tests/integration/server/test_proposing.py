"""Agents propose through the memory tools: a real server, a real client, and nothing in Git."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from tests.integration.server.wire import ERAS, MODERN, command, environment, over_http, over_stdio
from tests.repos import RepoBuilder
from tests.unit.memory.hostile import BLOCKED, TOKEN
from tests.unit.memory.world import markdown, policy
from tests.unit.server.brain import make_repository

OTHER_TOKEN = f"ghp_{TOKEN[:3:-1]}"
"""Unlike the other one, it isn't in the brain already."""
GRANTED = ("--ref", "first", "--allow-propose", "--agent", "ci-agent", "--run", "adr-5b1f0c9d27ae")
TOOL = "memory_update_propose"
RUNBOOK = markdown(
    "Runbook", "runbook:refunds", "Replay the refunds in ledger order.\n", owners=["team:money"],
    edges={"depends_on": ["service:pay"]}, summary="How refunds are replayed.",
)  # fmt: skip


@pytest.fixture
def place(tmp_path: Path) -> tuple[RepoBuilder, Path]:
    return make_repository(tmp_path / "served"), tmp_path / "home"


def talk(
    repo: RepoBuilder, home: Path, ask: Callable[[Client], Awaitable[Any]], *options: object, era: str = MODERN
) -> Any:
    async def run() -> Any:
        async with Client(over_stdio(repo.path, home, *(options or GRANTED)), mode=era) as client:
            return await ask(client)

    return asyncio.run(run())


def proposal(**more: Any) -> dict[str, Any]:
    return {
        "changes": [{"path": "runbooks/refunds.md", "action": "update", "content": RUNBOOK}],
        "rationale": "The order was missing.\nSeen in three runs.",
        "evidence": [{"kind": "artifact", "ref": "report.json"}],
        **more,
    }


def propose(repo: RepoBuilder, home: Path, *options: object, **more: Any) -> Any:
    return talk(repo, home, lambda client: client.call_tool(TOOL, proposal(**more)), *options)


def krate(home: Path, *arguments: object) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "krate_gitops", *map(str, arguments), "-o", "json"],
        env=environment(home, KRATE_ORG="acme", GIT_AUTHOR_NAME="Dana", GIT_AUTHOR_EMAIL="dana@acme.example"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def state(repo: RepoBuilder) -> list[tuple[str, bytes]]:
    return sorted((str(path), path.read_bytes()) for path in repo.git_dir.rglob("*") if path.is_file())


@pytest.mark.parametrize("era", ERAS)
def test_without_the_grant_there_is_no_such_tool(place: tuple[RepoBuilder, Path], era: str) -> None:
    repo, home = place

    async def ask(client: Client) -> Any:
        names = [tool.name for tool in (await client.list_tools()).tools]
        return names, await client.call_tool(TOOL, proposal())

    names, refused = talk(repo, home, ask, "--ref", "first", era=era)
    assert TOOL not in names
    assert refused.structured_content["code"] == "POLICY_DENIED"


@pytest.mark.parametrize("era", ERAS)
def test_a_proposal_is_put_on_record_and_git_is_left_alone(place: tuple[RepoBuilder, Path], era: str) -> None:
    repo, home = place
    before = state(repo)

    async def ask(client: Client) -> Any:
        [tool] = [one for one in (await client.list_tools()).tools if one.name == TOOL]
        found = await client.call_tool(TOOL, proposal())
        again = await client.call_tool(TOOL, proposal())
        read = await client.call_tool("memory_record_read", {"id": "runbook:refunds"})
        return tool, found, again, read

    tool, found, again, read = talk(repo, home, ask, era=era)
    assert (tool.annotations.read_only_hint, tool.annotations.destructive_hint) == (False, False)
    answer = found.structured_content
    assert not found.is_error, answer
    assert (answer["phase"], answer["isNew"], answer["blocked"]) == ("Pending", True, False)
    assert answer["waitsFor"] == ["approval"]
    assert (again.structured_content["update"], again.structured_content["isNew"]) == (answer["update"], False)
    assert "Replay the refunds.\n" in json.dumps(read.structured_content).replace("\\n", "\n")
    assert state(repo) == before
    shown = krate(home, "update", "show", repo.path, answer["update"])["update"]
    assert shown["proposer"] == {"kind": "Agent", "name": "ci-agent"}
    assert (shown["sourceRun"], shown["observedCommit"]) == ("adr-5b1f0c9d27ae", answer["commit"])
    assert shown["diffDigest"] == answer["digest"]
    assert shown["changes"][0]["reason"] == "The order was missing."


def test_a_person_takes_it_to_its_reviewers(place: tuple[RepoBuilder, Path]) -> None:
    repo, home = place
    name = propose(repo, home, changes=[
        {"path": "notes/learned.md", "op": "add", "content": "# Learned\n\nUse ledger order.\n"}
    ]).structured_content["update"]  # fmt: skip
    assert krate(home, "update", "refresh", repo.path)["items"] == [{"update": name, "phase": "AwaitingApproval"}]
    assert repo.tip("krate/agent-memory/adr-5b1f0c9d27ae")
    assert krate(home, "update", "approve", repo.path, name)["phase"] == "Approved"


def test_a_corrected_proposal_takes_the_place_of_the_first(place: tuple[RepoBuilder, Path]) -> None:
    repo, home = place
    before = state(repo)

    async def ask(client: Client) -> Any:
        bad = proposal(changes=[{"path": "notes/x.md", "action": "create", "content": f"# X\n\n{OTHER_TOKEN}\n"}])
        good = proposal(changes=[{"path": "notes/x.md", "action": "create", "content": "# X\n\nNothing secret.\n"}])
        return await client.call_tool(TOOL, bad), await client.call_tool(TOOL, good)

    bad, good = (one.structured_content for one in talk(repo, home, ask))
    assert (bad["blocked"], bad["result"], good["blocked"]) == (True, "invalid", False)
    assert [one["type"] for one in bad["conditions"] if one["status"] == "False"] == ["SecretsClean"]
    phases = {one["update"]: one["phase"] for one in krate(home, "update", "list", repo.path)["items"]}
    assert phases == {bad["update"]: "Superseded", good["update"]: "Pending"}
    assert state(repo) == before
    kept = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert OTHER_TOKEN.encode() not in kept


def test_a_later_proposal_ends_one_that_was_shown_only_when_it_is_shown(place: tuple[RepoBuilder, Path]) -> None:
    repo, home = place
    change = {"path": "notes/x.md", "action": "create", "content": "# X\n\nOne.\n"}
    first = propose(repo, home, changes=[change]).structured_content["update"]
    krate(home, "update", "refresh", repo.path)
    second = propose(repo, home, changes=[{**change, "content": "# X\n\nTwo.\n"}]).structured_content["update"]

    def phases() -> dict[str, str]:
        return {one["update"]: one["phase"] for one in krate(home, "update", "list", repo.path)["items"]}

    assert phases() == {first: "AwaitingApproval", second: "Pending"}
    krate(home, "update", "refresh", repo.path)
    assert phases() == {first: "Superseded", second: "AwaitingApproval"}


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"changes": []}, "INVALID_REQUEST"),
    ({"rationale": ""}, "INVALID_REQUEST"),
    ({"rationale": None}, "INVALID_REQUEST"),
    ({"changes": [{"path": "notes/x.md", "content": "x"}]}, "INVALID_REQUEST"),
    ({"changes": [{"path": "notes/x.md", "action": "delete", "content": "x"}]}, "INVALID_REQUEST"),
    ({"changes": [{"path": "notes/x.md", "action": "chmod"}]}, "INVALID_REQUEST"),
    ({"changes": [{"path": "notes/x.md", "action": "create", "content": "x" * 70_000}]}, "INVALID_REQUEST"),
    ({"changes": [{"path": f"notes/{TOKEN}.md", "action": "create", "content": "x"}]}, "INVALID_REQUEST"),
    ({"proposer": {"kind": "User", "name": "dana"}}, "INVALID_REQUEST"),
    ({"sourceRun": "adr-other"}, "INVALID_REQUEST"),
    ({"targetBranch": "main"}, "INVALID_REQUEST"),
    ({"observedCommit": "0" * 40}, "INVALID_REQUEST"),
    ({"ref": "main"}, "MEMORY_PIN_VIOLATION"),
    ({"organizationRef": "other"}, "CROSS_ORG_REF_DENIED"),
    ({"evidence": [{"kind": "snapshot", "ref": "other/ams-0123456789ab"}]}, "CROSS_ORG_REF_DENIED"),
]


def test_what_is_refused_leaves_nothing(place: tuple[RepoBuilder, Path]) -> None:
    repo, home = place

    async def ask(client: Client) -> Any:
        return [await client.call_tool(TOOL, proposal(**more)) for more, _ in REFUSED]

    found = talk(repo, home, ask)
    assert [(one.is_error, one.structured_content["code"]) for one in found] == [(True, code) for _, code in REFUSED]
    assert krate(home, "update", "list", repo.path) == {"items": []}


def test_paths_that_agents_may_not_change_are_a_verdict_and_never_shown(place: tuple[RepoBuilder, Path]) -> None:
    repo, home = place
    rules = {"path": "ontology/schema.yaml", "action": "update", "content": "schemaVersion: 9\n"}
    orders = {"path": "notes/x.md", "action": "create", "content": f"# X\n\n{BLOCKED}\n"}

    async def ask(client: Client) -> Any:
        return [await client.call_tool(TOOL, proposal(changes=[change])) for change in (rules, orders)]

    first, second = (one.structured_content for one in talk(repo, home, ask))
    assert first["blocked"]
    assert {"type": "PathsAllowed", "status": "False", "reason": "PathNotAllowed"} in first["conditions"]
    assert {"type": "PromptInjectionScanned", "status": "False", "reason": "InjectionBlocked"} in second["conditions"]
    krate(home, "update", "refresh", repo.path)
    assert [one["phase"] for one in krate(home, "update", "list", repo.path)["items"]] == ["ChangesRequested"] * 2
    assert repo.tip("krate/agent-memory/adr-5b1f0c9d27ae") is None


def test_the_policy_holds_for_what_is_proposed_and_for_what_is_told(
    place: tuple[RepoBuilder, Path], tmp_path: Path
) -> None:
    repo, home = place
    rights = tmp_path / "policy.yaml"
    policy(
        {"include": {"graphKinds": ["Runbook"], "paths": ["notes/**"]}, "exclude": {"paths": ["notes/legal/**"]}},
        tmp_path,
    )
    [rights] = [path for path in tmp_path.iterdir() if path.suffix in (".yaml", ".yml")]
    options = (*GRANTED, "--policy", rights)
    hidden = {"path": "notes/legal/secret-plan.md", "action": "update", "content": "# Mine\n"}
    moved = {"path": "notes/long.md", "action": "rename", "newPath": "notes/legal/long.md"}
    twin = {"path": "runbooks/x.md", "action": "create", "content": RUNBOOK.replace("runbook:refunds", "customer:acme")}

    async def ask(client: Client) -> Any:
        return [await client.call_tool(TOOL, proposal(changes=[change])) for change in (hidden, moved, twin)]

    first, second, third = (one.structured_content for one in talk(repo, home, ask, *options))
    assert (first["code"], second["code"]) == ("POLICY_DENIED", "POLICY_DENIED")
    assert "legal" not in json.dumps([first, second])
    assert "graph/customer.yaml" not in json.dumps(third)


def test_calls_are_kept_by_the_audit_without_their_text(place: tuple[RepoBuilder, Path]) -> None:
    repo, home = place
    propose(repo, home, rationale="An unusual word: zymurgy.")
    lines = krate(home, "audit", "query")["items"]
    kinds = [one["type"] for one in lines]
    assert "MemoryUpdateProposed" in kinds
    [call] = [one for one in lines if one["type"] == "MemoryToolCalled"]
    assert "memory.update.propose" in json.dumps(call)
    assert "zymurgy" not in json.dumps(lines)
    assert "notes/" not in json.dumps(call)


def test_the_budget_counts_proposals(place: tuple[RepoBuilder, Path]) -> None:
    repo, home = place

    async def ask(client: Client) -> Any:
        await client.call_tool(TOOL, proposal())
        return await client.call_tool(TOOL, proposal())

    found = talk(repo, home, ask, *GRANTED, "--max-calls", 1)
    assert found.structured_content["code"] == "RATE_LIMITED"


def test_over_http_and_with_dots(place: tuple[RepoBuilder, Path]) -> None:
    repo, home = place

    async def run(url: str) -> Any:
        async with Client(url, mode=MODERN) as client:
            names = [tool.name for tool in (await client.list_tools()).tools]
            return names, await client.call_tool("memory.update.propose", proposal())

    with over_http(repo.path, home, *GRANTED, "--tool-names", "dotted") as (url, _):
        names, found = asyncio.run(run(url))
    assert "memory.update.propose" in names
    assert found.structured_content["phase"] == "Pending"


def test_the_run_is_that_of_the_snapshot(place: tuple[RepoBuilder, Path]) -> None:
    repo, home = place
    taken = krate(home, "snapshot", "create", repo.path, "refunds", "--run", "adr-0123456789ab", "--ref", "first")
    name = taken["metadata"]["name"]

    async def ask() -> Any:
        arguments = [
            *command(repo.path)[:-4],
            "--snapshot",
            name,
            "--allow-propose",
            "--stack",
            "triage",
            "--org",
            "acme",
        ]
        from mcp import StdioServerParameters

        server = StdioServerParameters(command=sys.executable, args=arguments, env=environment(home))
        async with Client(server, mode=MODERN) as client:
            return await client.call_tool(TOOL, proposal())

    answer = asyncio.run(ask()).structured_content
    shown = krate(home, "update", "show", repo.path, answer["update"])["update"]
    assert (shown["sourceRun"], shown["proposer"]["name"]) == ("adr-0123456789ab", "triage")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--allow-propose", "--run", "adr-1"), "--agent"),
        (("--allow-propose", "--agent", "a"), "--run"),
        (("--allow-propose", "--agent", "a", "--run", "r", "--kind", "revert"), "--kind"),
    ],
)
def test_a_server_that_could_not_say_who_proposes_does_not_start(
    place: tuple[RepoBuilder, Path], options: tuple[str, ...], says: str
) -> None:
    repo, home = place
    done = subprocess.run(
        [sys.executable, *command(repo.path, *options)],
        env=environment(home),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, says in done.stderr) == (2, True), done.stderr
