"""Requests: what is refused, what is filled in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from krate_gitops.errors import UsageError
from krate_gitops.memory.request import Documents, Graph, QueryRequest, checked
from tests.unit.memory.conftest import Make, Policy
from tests.unit.memory.scripts import FILES
from tests.unit.memory.world import World, opened_world, record, request


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with opened_world(tmp_path_factory.mktemp("requests"), FILES) as made:
        yield made


@pytest.mark.parametrize(
    "asked",
    [
        {"edge_depth": 6},
        {"edge_depth": -1},
        {"max_matches": 0},
        {"max_matches": 201},
        {"context_lines": 6},
        {"context_lines": -1},
        {"max_records": 201},
        {"max_records": -1},
        {"max_excerpts": 201},
        {"max_excerpts": -1},
        {"max_bytes": -1},
        {"max_bytes": (1 << 30) + 1},
        {"direction": "sideways"},
        {"intent": "fun"},
        {"ranking_version": 99},
        {"statuses": ("aproved",)},
        {"mode": "fuzzy"},
        {"mode": "diff-ref"},
        {"mode": "ontology-validation"},
        {"kinds": ("\ud800",)},
        {"paths": ("\udcff",)},
        {"consumer": {"user": "\ud800"}},
        {"include": ("\udfff",)},
        {"consumer": {"skills": ("\ud800",)}},
    ],
    ids=str,
)
def test_what_is_out_of_range_or_unknown_is_an_invalid_request(world: World, asked: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as error:
        world.ask("refund", **asked)
    assert (error.value.code, error.value.exit_code) == ("INVALID_REQUEST", 2)


@pytest.mark.parametrize(
    "asked",
    [
        {"edge_depth": 0},
        {"edge_depth": 5},
        {"max_matches": 200, "context_lines": 5},
        {"max_records": 200, "max_excerpts": 200},
        {"max_bytes": 1 << 30},
    ],
    ids=str,
)
def test_the_ends_of_each_range_are_allowed(world: World, asked: dict[str, Any]) -> None:
    assert world.ask("refund", **asked).records


def test_sets_are_sorted_and_without_repeats() -> None:
    found = checked(
        QueryRequest(
            "x", graph=Graph(kinds=("b", "a", "b"), tags=("z", "y")), documents=Documents(("2", "1"), ("q", "p"))
        )
    )
    assert (found.graph.kinds, found.graph.tags) == (("a", "b"), ("y", "z"))
    assert found.documents == Documents(("1", "2"), ("p", "q"))


def test_limits_of_the_policy_cap_those_of_the_request(make: Make, allow: Policy) -> None:
    chain = {
        f"graph/{n}.yaml": record(
            "Service", f"service:{n}", title="Start" if n == 0 else f"S{n}", edges={"depends_on": [f"service:{n + 1}"]}
        )
        for n in range(5)
    }
    policy = allow({"include": ["**"], "maxContextBytes": 100, "readPolicy": {"maxDepth": 1}})
    found = make(chain).ask("start", policy, edge_depth=4, mode="graph-only")
    assert found.limits.max_bytes == 100
    assert found.limits.truncated
    assert len(found.records) + found.limits.omitted.records == 2


def test_the_mode_is_the_policys_where_none_is_asked_for(world: World, allow: Policy) -> None:
    policy = allow({"include": ["**"], "defaultQueryMode": "grep-only"})
    assert not world.ask("refund", policy).records
    assert world.ask("refund", policy).excerpts
    assert world.ask("refund", policy, mode="graph-only").records


def test_requests_of_tests_reach_the_field_they_name() -> None:
    asked = request("t", kinds=("K",), paths=("p",), document_ids=("i",), max_bytes=7, consumer={"user": "u"})
    assert (asked.graph.kinds, asked.grep.paths, asked.documents.ids) == (("K",), ("p",), ("i",))
    assert (asked.limits.max_bytes, asked.consumer.user) == (7, "u")
