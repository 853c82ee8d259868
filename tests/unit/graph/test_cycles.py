"""Cycles, from an edge to itself up to hundreds of thousands of edges, in bounded time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from krate_gitops.brain.facts import ParsedFile
from krate_gitops.brain.links import build_links
from krate_gitops.brain.model import Edge, FileClass, Record
from krate_gitops.brain.ontology import OntologyIndex
from krate_gitops.brain.rules.across import Across, Commit, cycles, hits
from tests.proportion import assert_in_proportion
from tests.unit.graph.sample import COMMIT_TIME, PLAIN, World, record, told

A, B, C = "graph/a.yaml", "graph/b.yaml", "graph/c.yaml"


def test_a_record_that_points_at_itself() -> None:
    [found] = told({A: record("service:a", "depends_on: [service:b, service:a]"), B: record("service:b")})
    assert found[:5] == ("KB039", A, "edges.depends_on[1]", 9, 27)


@pytest.mark.parametrize(("edge", "severity"), [("supersedes", "ERROR"), ("depends_on", "WARNING")])
def test_two_records_that_point_at_each_other(edge: str, severity: str) -> None:
    files = {A: record("service:a", f"{edge}: [service:b]"), B: record("service:b", f"{edge}: [service:a]")}
    found = [finding for _, finding in World(files).findings()]
    assert [(f.code, f.field, f.severity and f.severity.name) for f in found] == [
        ("KB040", f"edges.{edge}[0]", severity)
    ] * 2
    assert found[0].message == f"{edge} cycle: service:a → service:b → …"
    assert found[0].related[0].path == B


def test_edges_of_kinds_that_may_go_round_do() -> None:
    assert (
        told({A: record("service:a", "mentions: [service:b]"), B: record("service:b", "mentions: [service:a]")}) == []
    )


def test_only_edges_of_the_cycle_are_told() -> None:
    files = {
        A: record("service:a", "depends_on: [service:b, service:c]"),
        B: record("service:b", "depends_on: [service:a]"),
        C: record("service:c"),
        "graph/d.yaml": record("service:d", "depends_on: [service:a]"),
    }
    assert [(f.path, f.field) for f in told(files)] == [(A, "edges.depends_on[0]"), (B, "edges.depends_on[0]")]


def test_different_kinds_make_no_cycle() -> None:
    files = {A: record("service:a", "depends_on: [service:b]"), B: record("service:b", "supersedes: [service:a]")}
    assert told(files) == []


def _hits(edges: list[tuple[int, int]], *, kind: str = "supersedes") -> list[tuple[str, int]]:
    """Code and record of what is said of records by number with edges between them."""
    nodes = max((max(edge) for edge in edges), default=0) + 1
    targets: list[list[Edge]] = [[] for _ in range(nodes)]
    for start, end in edges:
        targets[start].append(Edge(kind, f"service:{end}"))
    files = [
        ParsedFile(f"graph/{n}.yaml", "", FileClass.GRAPH, 0, "", records=(_bare(n, tuple(targets[n])),))
        for n in range(nodes)
    ]
    case = Across(build_links(files), OntologyIndex(PLAIN), Commit(COMMIT_TIME, lambda ref: True))
    return sorted((hit.code, hit.record) for hit in hits(case))


def _bare(number: int, edges: tuple[Edge, ...]) -> Record:
    return Record(f"service:{number}", "Service", "graph", None, "draft", ("user:dana",), None, "", 0, 1, edges=edges)


def test_a_cycle_of_many() -> None:
    def check(count: int) -> None:
        assert _hits([(n, (n + 1) % count) for n in range(count)]) == [("KB040", n) for n in range(count)]

    assert_in_proportion(check, 500)


def test_a_long_chain_is_no_cycle() -> None:
    def check(count: int) -> None:
        assert _hits([(n, n + 1) for n in range(count)]) == []

    assert_in_proportion(check, 5_000)


def test_a_long_tail_of_a_cycle() -> None:
    def check(count: int) -> None:
        edges = [(n, n + 1) for n in range(count)] + [(count, count - 1)]
        assert _hits(edges) == [("KB040", count - 1), ("KB040", count)]

    assert_in_proportion(check, 2_500)


def test_many_small_cycles() -> None:
    def check(count: int) -> None:
        edges = [pair for n in range(0, count, 2) for pair in ((n, n + 1), (n + 1, n))]
        assert len(_hits(edges)) == count

    assert_in_proportion(check, 2_500)


def test_many_edges_into_one_node() -> None:
    def check(count: int) -> None:
        edges = [(n, 0) for n in range(1, count + 1)] * 2
        assert _hits(edges, kind="mentions") == [("KB041", n) for n in range(1, count + 1)]

    assert_in_proportion(check, 6_250)


def test_many_edges_out_of_one_node() -> None:
    def check(count: int) -> None:
        assert _hits([(0, n) for n in range(1, count + 1)], kind="mentions") == []

    assert_in_proportion(check, 12_500)


def test_many_edges_to_one_node_in_a_cycle() -> None:
    def check(count: int) -> None:
        edges = [(n, 0) for n in range(1, count + 1)] + [(0, 1)]
        assert _hits(edges) == [("KB040", 0), ("KB040", 1)]

    assert_in_proportion(check, 12_500)


_EDGES = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=30)


@given(_EDGES)
def test_cycles_are_the_sets_of_nodes_that_reach_each_other(edges: list[tuple[int, int]]) -> None:
    nodes = 12
    reach = np.zeros((nodes, nodes), dtype=bool)
    for start, end in edges:
        reach[start, end] = True
    for middle in range(nodes):
        reach |= np.outer(reach[:, middle], reach[middle])
    mutual = reach & reach.T
    expected = {frozenset(np.flatnonzero(mutual[n]).tolist()) for n in range(nodes) if mutual[n].sum() > 1}
    pairs = np.array([edge for edge in edges if edge[0] != edge[1]], dtype=np.int64).reshape(-1, 2)
    found = [frozenset(component) for component in cycles(pairs[:, 0], pairs[:, 1], nodes)]
    assert set(found) == expected
    assert len(found) == len(expected)
