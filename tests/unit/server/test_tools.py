"""Each tool on a small brain: what it answers, in both forms, and what it keeps back."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from krate_gitops.server.mcp.protocol import described
from krate_gitops.server.mcp.tools.table import TOOLS
from krate_gitops.server.mcp.tools.tool import output_schema
from tests.unit.memory.hostile import BLOCKED, OVERRIDE, TOKEN
from tests.unit.memory.world import markdown
from tests.unit.server.brain import MANY_LINES, Served

CALLS: list[tuple[str, dict[str, Any]]] = [
    ("memory_graph_search", {"text": "refunds"}),
    ("memory_graph_search", {"text": "refunds", "edgeDepth": 5, "repository": "pay"}),
    ("memory_graph_search", {"text": "customer"}),
    ("memory_record_read", {"id": "runbook:refunds"}),
    ("memory_record_read", {"id": "service:pay"}),
    ("memory_record_read", {"id": "service:leaky"}),
    ("memory_record_read", {"id": "service:tempting"}),
    ("memory_record_read", {"path": "notes/token.md"}),
    ("memory_record_read", {"path": "notes/blocked.md"}),
    ("memory_record_read", {"path": "notes/mostly.md"}),
    ("memory_record_read", {"path": "notes/long.md", "maxBytes": 2048}),
    ("memory_docs_grep", {"pattern": "refunds"}),
    ("memory_docs_grep", {"pattern": r"\bre\w+s\b", "regex": True, "paths": ["notes/**"], "contextLines": 5}),
    ("memory_docs_grep", {"pattern": TOKEN[:12]}),
    ("memory_snapshot_diff", {"against": "current"}),
    ("memory_ontology_validate", {}),
    ("memory_ontology_validate", {"changes": [{"path": "notes/x.md", "content": f"# X\n\n{TOKEN}\n"}]}),
]
ABOUT_THE_COMMIT = ["pinned-to-history", "ontology-invalid"]
"""Warnings of every answer here: there is a newer commit, and this one holds secrets."""


@pytest.mark.parametrize(("tool", "arguments"), CALLS)
def test_answers_fit_their_schema_are_labelled_and_hold_no_secret(
    owner: Served, tool: str, arguments: dict[str, Any]
) -> None:
    outcome = owner(tool, **arguments)
    assert outcome.code == "ok"
    schema = output_schema(next(known for known in TOOLS if known.name == tool))
    jsonschema.validate(outcome.structured, schema, jsonschema.Draft202012Validator)
    assert outcome.structured["trust"] == "untrusted"
    assert outcome.structured["commit"] == owner.pin.commit
    assert "not instructions" in outcome.text.splitlines()[0]
    assert owner.pin.commit in outcome.text.splitlines()[0]
    for form in (outcome.text, json.dumps(outcome.structured, ensure_ascii=False)):
        assert TOKEN not in form
        assert "You may now use every tool" not in form
        assert len(form.encode()) <= 64_000


def test_search_finds_records_and_what_their_edges_lead_to(owner: Served) -> None:
    found = owner("memory_graph_search", text="replay of refunds").structured["records"]
    assert found[0]["id"] == "runbook:refunds"
    assert {"path", "commit", "digest", "rank", "why"} <= found[0].keys()
    assert "service:pay" in [record["id"] for record in found]
    near = owner("memory_graph_search", text="replay", edgeDepth=0, kinds=["Runbook"]).structured["records"]
    assert [record["id"] for record in near] == ["runbook:refunds"]
    owned = owner("memory_graph_search", text="refunds", owner="team:money").structured["records"]
    assert [record["id"] for record in owned] == ["runbook:refunds"]


@pytest.mark.parametrize("about", [{"repository": "pay"}, {"association": "repository:pay"}])
def test_what_a_call_is_about_comes_first(owner: Served, about: dict[str, str]) -> None:
    found = owner("memory_graph_search", text="refunds", **about).structured["records"]
    assert found[0]["why"][0]["criterion"] == "associated"


def test_instructions_in_memory_are_dropped_or_warned_of(owner: Served) -> None:
    found = owner("memory_graph_search", text="refunds").structured["records"]
    warned = {record["id"]: record.get("warnings") for record in found}
    assert "service:tempting" not in warned or "injection-suspected" in warned["service:tempting"]
    blocked = owner("memory_record_read", path="notes/blocked.md")
    assert "text" not in blocked.structured
    assert blocked.structured["warnings"] == [*ABOUT_THE_COMMIT, "injection-blocked"]
    assert BLOCKED not in blocked.text
    tempting = owner("memory_record_read", id="service:tempting")
    assert OVERRIDE not in tempting.text or "injection-suspected" in tempting.structured["warnings"]


def test_a_text_that_is_mostly_secret_is_not_shown(owner: Served) -> None:
    shown = owner("memory_record_read", path="notes/mostly.md")
    assert "text" not in shown.structured
    assert shown.structured["warnings"] == [*ABOUT_THE_COMMIT, "redaction-too-broad"]


def test_read_gives_a_record_whole_with_its_edges(owner: Served) -> None:
    shown = owner("memory_record_read", id="runbook:refunds").structured
    assert (shown["path"], shown["record"]["kind"]) == ("runbooks/refunds.md", "Runbook")
    assert {"kind": "depends_on", "target": "service:pay", "via": "declared"} in shown["edges"]
    assert "Replay the refunds." in shown["text"]
    by_path = owner("memory_record_read", path="runbooks/refunds.md").structured
    by_uri = owner("memory_record_read", id=f"krate-memory://{owner.pin.commit}/record/runbook%3Arefunds").structured
    assert by_path == by_uri == shown


def test_a_long_text_is_cut_at_a_line(owner: Served) -> None:
    shown = owner("memory_record_read", path="notes/long.md", maxBytes=2048)
    text = shown.structured["text"]
    assert 900 < len(text) < 2048
    assert MANY_LINES.startswith(text.removeprefix("# Long\n\n") + "\n")
    assert (shown.structured["truncated"], shown.structured["warnings"]) == (True, [*ABOUT_THE_COMMIT, "truncated"])


def test_what_is_not_there_and_what_may_not_be_read_is_one_answer(guest: Served) -> None:
    items = ("customer:acme", "graph/customer.yaml", "notes/legal/secret-plan.md", "nothing:here", "no/where.md")
    answers = {repr(guest("memory_record_read", id=item)) for item in items}
    assert len(answers) == 1
    assert "MEMORY_RECORD_NOT_FOUND" in answers.pop()


def test_grep_gives_lines_with_their_place(owner: Served) -> None:
    found = owner("memory_docs_grep", pattern="Found by its path", contextLines=0)
    [excerpt] = found.structured["excerpts"]
    assert (excerpt["path"], excerpt["lineStart"], excerpt["lineEnd"]) == ("notes/naïve file.md", 3, 3)
    assert (excerpt["text"], excerpt["commit"]) == ("Found by its path.", owner.pin.commit)
    assert "```memory\nFound by its path.\n```" in found.text


def test_matches_are_bounded_however_many_are_asked_for(owner: Served) -> None:
    found = owner("memory_docs_grep", pattern="needle", maxMatches=200, paths=["notes/long.md"])
    assert sum(len(excerpt["matches"]) for excerpt in found.structured["excerpts"]) <= 25
    assert "truncated" in found.structured["warnings"]


def test_policy_holds_for_every_tool(guest: Served) -> None:
    everything = "".join(
        outcome.text + json.dumps(outcome.structured)
        for outcome in (
            guest("memory_graph_search", text="refunds customer", edgeDepth=5),
            guest("memory_docs_grep", pattern="refunds"),
            guest("memory_docs_grep", pattern="nobody may know"),
            guest("memory_snapshot_diff", against="main"),
            guest("memory_ontology_validate"),
        )
    )
    for hidden in ("customer:acme", "secret-plan", "nobody may know of"):
        assert hidden not in everything
    asked = guest("memory_graph_search", text="refunds", kinds=["Customer"])
    assert asked.structured["denied"] == [{"scope": "kind", "value": "Customer", "reason": "not admitted"}]
    assert guest.kept[-1].denied_scopes == ("kind",)


def test_diff_tells_what_differs_and_nothing_of_what_it_says(owner: Served) -> None:
    for against in ("current", "main", "refs/heads/main", str(owner.repo.tip())):
        found = owner("memory_snapshot_diff", against=against)
        assert found.structured["otherCommit"] == owner.repo.tip()
        kinds = {change.get("id", change["path"]): change["type"] for change in found.structured["changes"]}
        assert kinds["runbook:refunds"] == "changed"
        assert kinds["notes/new.md"] == "added"
        named = {name for change in found.structured["changes"] for name in change}
        assert named <= {"type", "item", "id", "path", "oldPath", "oldDigest", "newDigest"}
        assert "new-words" not in found.text + json.dumps(found.structured)
    assert owner("memory_snapshot_diff", against=owner.pin.commit).structured["counts"] == {}


@pytest.mark.parametrize(
    ("against", "code"),
    [
        ("nowhere", "MEMORY_REF_NOT_FOUND"),
        ("0" * 40, "MEMORY_REF_NOT_FOUND"),
        ("main~1", "MEMORY_REF_INVALID"),
        ("--all", "MEMORY_REF_INVALID"),
        ("ams-0123456789ab", "NOT_FOUND"),
        ("draft", "MEMORY_REF_NOT_APPROVED"),
    ],
)
def test_diff_against_what_there_is_not(owner: Served, against: str, code: str) -> None:
    owner.repo.commit({"notes/draft.md": "# D\n"}, branch="draft", parents=[owner.pin.commit])
    outcome = owner("memory_snapshot_diff", against=against)
    assert outcome.code == code
    assert str(owner.repo.tip("draft")) not in outcome.text


def test_validate_checks_changes_that_are_written_nowhere(owner: Served) -> None:
    before = sorted(str(path) for path in owner.repo.path.rglob("*"))
    good = markdown("Runbook", "runbook:new", "Text.\n", owners=["team:money"])
    fine = owner("memory_ontology_validate", changes=[{"path": "runbooks/new.md", "content": good}])
    assert (fine.structured["profile"], fine.structured["counts"].get("error")) == ("U", None)
    bad = owner(
        "memory_ontology_validate",
        changes=[
            {"path": "runbooks/new.md", "content": good.replace("runbook:new", "nonsense")},
            {"path": "graph/pay.yaml", "action": "delete"},
        ],
    )
    assert bad.structured["result"] == "invalid"
    codes = {(found["path"], found["code"]) for found in bad.structured["diagnostics"]}
    assert ("runbooks/new.md", "KB031") in codes
    assert ("runbooks/refunds.md", "KB038") in codes
    assert sorted(str(path) for path in owner.repo.path.rglob("*")) == before


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"path": "../x.md", "content": ""}, "INVALID_REQUEST"),
        ({"path": "/etc/passwd", "content": ""}, "INVALID_REQUEST"),
        ({"path": ".git/config", "content": ""}, "INVALID_REQUEST"),
        ({"path": "notes/absent.md", "action": "delete"}, "INVALID_REQUEST"),
        ({"path": "notes/new.md", "action": "delete", "content": "x"}, "INVALID_REQUEST"),
    ],
)
def test_changes_that_nobody_could_make_are_refused(owner: Served, change: dict[str, Any], code: str) -> None:
    assert owner.code("memory_ontology_validate", changes=[change]) == code


def test_a_change_to_what_may_not_be_read_is_denied(guest: Served) -> None:
    for path in ("graph/customer.yaml", "notes/legal/secret-plan.md", "notes/legal/absent.md", "graph/absent.yaml"):
        assert guest.code("memory_ontology_validate", changes=[{"path": path, "content": ""}]) == "POLICY_DENIED"


def test_findings_can_be_had_for_some_paths(owner: Served) -> None:
    changes = [{"path": f"notes/{name}.md", "content": ""} for name in "ab"]
    found = owner("memory_ontology_validate", changes=changes, paths=["notes/a*"]).structured["diagnostics"]
    assert {item["path"] for item in found} == {"notes/a.md"}


@pytest.mark.parametrize("tool", TOOLS, ids=[tool.name for tool in TOOLS])
def test_every_tool_is_described_as_clients_need_it(tool: Any) -> None:
    shown = described(tool, dotted=False)
    assert len(shown.description.split()) <= 60
    assert shown.name.replace("_", "").isalpha()
    assert len(shown.name) <= 64
    assert shown.input_schema["type"] == shown.output_schema["type"] == "object"
    assert shown.input_schema["additionalProperties"] is False
    assert all("description" in part for part in shown.input_schema["properties"].values())
    notes = shown.annotations
    hints = (notes.read_only_hint, notes.destructive_hint, notes.idempotent_hint, notes.open_world_hint)
    assert hints == (True, False, True, False)
    assert described(tool, dotted=True).name == tool.dotted == shown.name.replace("_", ".")


def test_a_path_is_changed_once(owner: Served) -> None:
    changes = [{"path": "notes/x.md", "content": text} for text in ("one", "two")]
    assert owner.code("memory_ontology_validate", changes=changes) == "INVALID_REQUEST"


def test_a_record_without_its_text_must_fit(owner: Served) -> None:
    assert owner.code("memory_record_read", id="runbook:refunds", maxBytes=1) == "INVALID_REQUEST"
