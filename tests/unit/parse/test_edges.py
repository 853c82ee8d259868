"""Edges in every accepted form, and their places."""

from __future__ import annotations

import pytest

from krate_gitops.brain.model import Edge
from tests.unit.parse.sample import codes, graph, markdown, places, record_of

PATH = "graph/services/a.yaml"
LINE = 10
"""Line of the first edge kind in a graph record."""


@pytest.mark.parametrize(
    ("lines", "edges"),
    [
        (["depends_on: [service:a, service:b]"], [("depends_on", "service:a", None), ("depends_on", "service:b",
        None)]),
        (["depends_on: service:a"], [("depends_on", "service:a", None)]),
        (["depends_on: {target: service:a, note: why}"], [("depends_on", "service:a", {"note": "why"})]),
        (
            ["depends_on:", "  - service:a", "  - {target: service:b, weight: 1.50, since: 2026-01-01T00:00:00Z}"],
            [("depends_on", "service:a", None), ("depends_on", "service:b", {"weight": {"$number": "1.50"},
            "since": "2026-01-01T00:00:00Z"})],
        ),
        (["- {kind: depends_on, target: service:a}", "- {kind: owned_by, target: team:a, x: [1, ~]}"],
         [("depends_on", "service:a", None), ("owned_by", "team:a", {"x": [1, {"$null": True}]})]),
        (["depends_on:", "owned_by: ~", "mentions: []"], []),
    ],
)  # fmt: skip
def test_accepted_forms(lines: list[str], edges: list[tuple[str, str, dict[str, object] | None]]) -> None:
    expected = tuple(Edge(*edge) for edge in edges)
    assert record_of(PATH, graph("edges:", *lines)).edges == expected
    indented = [f"  {line}" for line in lines]
    assert record_of("runbooks/a.md", markdown("related:", *indented)).edges == expected


@pytest.mark.parametrize("source", ["", "~", "null", "{}", "[]", "&a {}", "&a []", "&a ~"])
def test_no_edges(source: str) -> None:
    assert record_of(PATH, graph() + f"edges: {source}\n").edges == ()
    assert record_of("runbooks/a.md", markdown(f"related: {source}")).edges == ()


@pytest.mark.parametrize(
    ("lines", "place"),
    [
        (["depends_on: [service:a, ~]"], ("KB021", LINE, 27)),
        (["depends_on: [service:a, [service:b]]"], ("KB021", LINE, 27)),
        (["depends_on:", "  - service:a", "  - {note: x}"], ("KB021", LINE + 2, 7)),
        (["depends_on:", "  - {target: ~}"], ("KB021", LINE + 1, 7)),
        (["depends_on: {note: x}"], ("KB021", LINE, 15)),
        (["- {target: service:a}"], ("KB021", LINE, 5)),
        (["- service:a"], ("KB021", LINE, 5)),
        (["- ~"], ("KB021", LINE, 5)),
        (["depends_on:", "  - {target: service:a, since: yesterday}"], ("KB024", LINE + 1, 34)),
        (["depends_on:", f"  - {{target: service:a, note: {'x' * 201}}}"], ("KB021", LINE + 1, 33)),
        (["words"], ("KB021", LINE, 3)),
        (["0.0"], ("KB021", LINE, 3)),
        (["0"], ("KB021", LINE, 3)),
        (["false"], ("KB021", LINE, 3)),
    ],
)
@pytest.mark.parametrize("exact", [False, True])
def test_what_is_no_edge_is_reported_where_it_stands(
    lines: list[str], place: tuple[str, int, int], exact: bool
) -> None:
    """By either path: an anchor sends a file to the exact one."""
    text = graph("x: &a 1" if exact else "x: 1", "edges:", *lines)
    assert places(PATH, text) == [place]


def test_targets_keep_their_source_text() -> None:
    edges = record_of(
        PATH, graph("edges:", "depends_on: [1.10, 0x1F, on, 2026-05-10]", "mentions: {target: 007}")
    ).edges
    assert [edge.target for edge in edges] == ["1.10", "0x1F", "on", "2026-05-10", "007"]


def test_an_edge_kind_that_is_a_number_is_text() -> None:
    assert codes(PATH, graph("edges:", "1.10: [service:a]")) == ["KB021"]


@pytest.mark.parametrize(
    "field", ["attributes", "title", "status", "owners", "tags", "updatedAt", "summary", "sensitivity"]
)
@pytest.mark.parametrize("exact", [False, True])
def test_null_is_as_good_as_absent(field: str, exact: bool) -> None:
    head = "nodeKind: Service\nid: service:a\n" + ("x: &a 1\n" if exact else "x: 1\n")
    text = head + ("attributes: ~\n" if field == "attributes" else f"attributes:\n  {field}: ~\n")
    assert codes(PATH, text) == ["KB026"]
