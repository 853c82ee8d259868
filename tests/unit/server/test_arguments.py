from __future__ import annotations

from typing import Any

import pytest

from tests.unit.server.brain import Served

HINTS = [
    ("memory_graph_search", {"q": "x"}, "text"),
    ("memory_graph_search", {"text": "x", "edge_depth": 1}, "edgeDepth"),
    ("memory_graph_search", {"text": "x", "page_size": 3}, "limit"),
    ("memory_graph_search", {"text": "x", "kind": "Runbook"}, "kinds"),
    ("memory_graph_search", {"text": "x", "repositroy": "a"}, "repository"),
    ("memory_docs_grep", {"pattern": "x", "dir": "notes"}, "paths"),
    ("memory_docs_grep", {"pattern": "x", "max_matches": 3}, "maxMatches"),
    ("memory_record_read", {"record_id": "a:b"}, "id"),
    ("memory_record_read", {"file": "a"}, "path"),
    ("memory_snapshot_diff", {"target": "main"}, "against"),
]


@pytest.mark.parametrize(("tool", "arguments", "right"), HINTS)
def test_an_unknown_argument_is_refused_with_the_right_name(
    owner: Served, tool: str, arguments: dict[str, Any], right: str
) -> None:
    outcome = owner(tool, **arguments)
    assert outcome.code == "INVALID_REQUEST"
    assert outcome.structured["remedy"] == f"did you mean {right}?"


def test_a_name_like_no_other_gets_the_list(owner: Served) -> None:
    outcome = owner("memory_record_read", zzz="\x1b[31m")
    assert outcome.structured["remedy"] == "arguments: id, path, maxBytes"


def test_declared_aliases_mean_the_argument(owner: Served) -> None:
    plain = owner("memory_graph_search", text="refunds")
    assert owner("memory_graph_search", query="refunds") == plain
    assert owner("memory_graph_search", query="refunds", text="refunds") == plain
    assert owner("memory_graph_search", query="refunds", text="others").code == "INVALID_REQUEST"
    assert owner("memory_docs_grep", query="needle") == owner("memory_docs_grep", pattern="needle")


def test_null_means_left_out(owner: Served) -> None:
    assert owner("memory_graph_search", text="refunds", owner=None, ref=None).code == "ok"


@pytest.mark.parametrize(
    ("tool", "arguments", "says"),
    [
        ("memory_graph_search", {}, "`text`"),
        ("memory_graph_search", {"text": ""}, "`text`"),
        ("memory_graph_search", {"text": "!"}, "no word"),
        ("memory_graph_search", {"text": "x" * 1001}, "`text`"),
        ("memory_graph_search", {"text": 5}, "`text`"),
        ("memory_graph_search", {"text": "x", "kinds": "Runbook"}, "`kinds`"),
        ("memory_graph_search", {"text": "x", "edgeDepth": 6}, "`edgeDepth`"),
        ("memory_graph_search", {"text": "x", "association": "payments"}, "association"),
        ("memory_docs_grep", {"pattern": "(", "regex": True}, "pattern"),
        ("memory_docs_grep", {"pattern": "x", "contextLines": 9}, "`contextLines`"),
        ("memory_record_read", {}, "id or a path"),
        ("memory_record_read", {"id": "a:b", "path": "a"}, "id or a path"),
        ("memory_ontology_validate", {"changes": [{"path": "a", "action": "move"}]}, "action"),
    ],
)
def test_what_a_tool_does_not_take_is_said_by_name(
    owner: Served, tool: str, arguments: dict[str, Any], says: str
) -> None:
    outcome = owner(tool, **arguments)
    assert outcome.code == "INVALID_REQUEST"
    assert says in outcome.structured["message"]
    assert outcome.structured["remedy"]


def test_a_number_in_quotes_is_a_number(owner: Served) -> None:
    assert owner.code("memory_graph_search", text="refunds", limit="3") == "ok"
