"""What holds for every call: budget, audit, one at a time."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from krate_gitops.errors import UnavailableError
from krate_gitops.records.database import close_databases, open_database
from krate_gitops.records.tables import audit_records
from krate_gitops.server.mcp.audit import ToolCall
from krate_gitops.server.mcp.budget import Ledger, Limits
from krate_gitops.server.mcp.failures import describe
from krate_gitops.server.mcp.recorder import Recorder
from krate_gitops.settings import Settings
from tests.unit.memory.world import policy
from tests.unit.server.brain import Served, served
from tests.unit.server.test_tools import CALLS


def test_calls_run_out(owner: Served) -> None:
    short = owner.twin(Limits(calls=2))
    codes = [short.code("memory_record_read", id=name) for name in ("runbook:refunds", "no:thing", "runbook:refunds")]
    assert codes == ["ok", "MEMORY_RECORD_NOT_FOUND", "RATE_LIMITED"]
    assert short.kept[-1].outcome == "RATE_LIMITED"
    assert short("memory_record_read", "somebody else", id="runbook:refunds").code == "ok"


def test_bytes_run_out_and_are_never_overdrawn(owner: Served) -> None:
    short = owner.twin(Limits(total_bytes=20_000))
    sizes = []
    while (outcome := short("memory_record_read", path="notes/long.md")).code == "ok":
        sizes.append(len(json.dumps(outcome.structured, ensure_ascii=False, separators=(",", ":")).encode()))
    assert outcome.code == "RATE_LIMITED"
    assert "20000 bytes" in outcome.text
    assert sum(sizes) <= 20_000


def test_one_answer_never_takes_more_than_its_room(owner: Served) -> None:
    small = owner.twin(Limits(call_bytes=4096, call_matches=3, calls=100))
    for tool, arguments in CALLS:
        outcome = small(tool, **arguments)
        assert outcome.code == "ok"
        assert len(json.dumps(outcome.structured, ensure_ascii=False, separators=(",", ":")).encode()) <= 4096
        assert len(outcome.text.encode()) <= 4096
    found = small("memory_graph_search", text="refunds", limit=200).structured
    assert len(found["records"]) <= 3
    assert found["omitted"]["records"] > 0


def test_what_a_policy_gives_room_for_is_the_most(tmp_path: Path) -> None:
    rights = policy({"include": {"paths": ["**"]}, "maxContextBytes": 2000}, tmp_path)
    with served(tmp_path, rights) as tight:
        outcome = tight("memory_record_read", path="notes/long.md")
        assert outcome.structured["truncated"]
        assert len(outcome.text.encode()) <= 2000


def test_names_that_are_denied_do_not_come_back_at_length(guest: Served) -> None:
    small = guest.twin(Limits(call_bytes=4096))
    outcome = small("memory_docs_grep", pattern="refunds", paths=[f"notes/legal/{'x' * 900}{n}" for n in range(50)])
    assert (outcome.code, outcome.structured["omitted"]["denied"]) == ("ok", 50)
    assert len(json.dumps(outcome.structured)) <= 4096
    assert small.code("memory_graph_search", text="x", kinds=["K" * 1001]) == "INVALID_REQUEST"


def test_a_ledger_has_room_until_it_has_none() -> None:
    ledger = Ledger(Limits(call_bytes=5000, total_bytes=6000))
    assert ledger.begin().bytes == 5000
    ledger.charge(4900)
    assert ledger.begin().bytes == 1100
    ledger.charge(200)
    with pytest.raises(Exception, match="6000 bytes"):
        ledger.begin()


def test_a_call_leaves_digests_and_counts(owner: Served) -> None:
    owner("memory_docs_grep", pattern="very particular words")
    call = owner.kept[-1]
    assert (call.tool, call.caller, call.outcome, call.is_allowed) == ("memory.docs.grep", "somebody", "ok", True)
    assert (call.organization, call.commit, call.counts) == ("acme", owner.pin.commit, {"excerpts": 0})
    assert call.argument_digest.startswith("sha256:")
    assert "particular" not in repr(call)


def test_a_call_for_another_organisation_leaves_its_kind_alone(owner: Served) -> None:
    kept = []
    for name in ("other/ams-0123456789ab", "third/ams-ffffffffffff"):
        owner("memory_record_read", id=name)
        call = owner.kept[-1]
        kept.append((call.outcome, call.is_allowed, call.denied_reference, call.argument_digest, call.result_digest))
    assert kept[0] == kept[1]
    assert kept[0][:3] == ("CROSS_ORG_REF_DENIED", False, "AgentMemorySnapshot")


def test_calls_are_kept_in_the_audit_log(owner: Served, tmp_path: Path) -> None:
    database = open_database(Settings(home=tmp_path))
    try:
        recorder = Recorder(database)
        recorder.pinned(owner.pin)
        kept = owner.twin(Limits(calls=3), recorder)
        codes = [
            kept.code("memory_graph_search", text="very particular words"),
            kept.code("memory_record_read", id="other/ams-0123456789ab"),
            kept.code("memory_record_read", id="runbook:refunds", ref="main"),
            kept.code("memory_snapshot_diff"),
        ]
        with database.reading() as connection:
            rows = connection.execute(select(audit_records.c.body).order_by(audit_records.c.sequence)).all()
    finally:
        close_databases()
    records = [json.loads(row.body) for row in rows]
    assert codes == ["ok", "CROSS_ORG_REF_DENIED", "MEMORY_PIN_VIOLATION", "RATE_LIMITED"]
    assert [record["type"] for record in records] == [
        "MemoryRefResolved",
        "MemoryToolCalled",
        "MemoryToolCalled",
        "CrossOrgReferenceDenied",
        "MemoryToolCalled",
        "MemoryToolCalled",
    ]
    called = [record for record in records if record["type"] == "MemoryToolCalled"]
    assert [record["details"]["outcome"] for record in called] == codes
    assert [record["decision"]["allowed"] for record in called] == [True, False, False, False]
    assert {record["memory"]["resolvedCommit"] for record in called} == {owner.pin.commit}
    assert not any(word in row.body for row in rows for word in ("particular", "other/", "refunds"))


def test_what_cannot_be_recorded_is_not_answered(owner: Served) -> None:
    def refuse(call: ToolCall) -> None:
        raise UnavailableError("SERVICE_UNAVAILABLE", "no room in /secret/place")

    outcome = owner.twin(Limits(), refuse)("memory_record_read", id="runbook:refunds")
    assert outcome.code == "SERVICE_UNAVAILABLE"
    assert "Replay" not in repr(outcome)
    assert "/secret/place" not in repr(outcome)


@pytest.mark.parametrize("name", ["memory_update_propose", "memory.graph", "", "rm"])
def test_a_tool_that_is_not_there_is_denied(owner: Served, name: str) -> None:
    assert owner.code(name, text="x") == "POLICY_DENIED"
    assert (owner.kept[-1].tool, owner.kept[-1].outcome) == ("memory.unknown", "POLICY_DENIED")


def test_dotted_names_are_understood_too(owner: Served) -> None:
    assert owner("memory.graph.search", text="refunds") == owner("memory_graph_search", text="refunds")


def test_calls_at_once_are_answered_as_one_by_one(owner: Served) -> None:
    calls = (CALLS * 2)[:20]
    alone = [owner(tool, **arguments) for tool, arguments in calls]

    async def together() -> list[Any]:
        return await asyncio.gather(*(owner.gateway.call(tool, arguments, "x") for tool, arguments in calls))

    assert asyncio.run(together()) == alone


def test_a_call_that_nobody_waits_for_harms_no_other(owner: Served) -> None:
    async def hang_up() -> Any:
        first = asyncio.ensure_future(owner.gateway.call("memory_graph_search", {"text": "refunds"}, "x"))
        await asyncio.sleep(0)
        first.cancel()
        return await owner.gateway.call("memory_record_read", {"id": "runbook:refunds"}, "x")

    assert asyncio.run(hang_up()).code == "ok"


def test_what_nobody_foresaw_is_told_without_its_text() -> None:
    failure = describe(ValueError("the content of a secret file"))
    assert (failure.code, "secret" in repr(failure)) == ("INTERNAL", False)
    failure = describe(UnavailableError("MEMORY_REPOSITORY_UNAVAILABLE", "git failed in /home/somebody"))
    assert (failure.code, "/home" in repr(failure)) == ("MEMORY_REPOSITORY_UNAVAILABLE", False)
