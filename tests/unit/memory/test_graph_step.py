"""Records: walks over edges, and filters."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.memory.conftest import Make, Policy
from tests.unit.memory.world import RULES, World, markdown, record


def edge(source: str, **edges: str) -> tuple[str, str]:
    """Path and text of a service that points at others: ``edge("a", depends_on="b c")``."""
    told = {kind: [f"service:{name}" for name in names.split()] for kind, names in edges.items()}
    return f"graph/{source}.yaml", record(
        "Service", f"service:{source}", title="start" if source == "a" else source, edges=told
    )


def reached(world: World, **asked: Any) -> str:
    """Names of the services that are returned, in alphabetical order."""
    return "".join(sorted(name.partition(":")[2] for name in world.ids("start", **asked)))


CHAIN = dict(
    [
        edge("a", depends_on="b"),
        edge("b", depends_on="c"),
        edge("c", depends_on="d"),
        edge("d", depends_on="e"),
        edge("e", depends_on="f"),
        edge("f", depends_on="g"),
        edge("g"),
        edge("z", depends_on="a"),
    ]
)


@pytest.mark.parametrize(("depth", "found"), [(0, "a"), (1, "abz"), (2, "abcz"), (5, "abcdefz")])
def test_edges_are_followed_as_far_as_asked(make: Make, depth: int, found: str) -> None:
    assert reached(make(CHAIN), edge_depth=depth) == found


@pytest.mark.parametrize(("direction", "found"), [("both", "abcz"), ("out", "abc"), ("in", "az")])
def test_edges_are_followed_in_the_direction_asked_for(make: Make, direction: str, found: str) -> None:
    assert reached(make(CHAIN), direction=direction) == found


def test_the_policy_caps_the_depth(make: Make, allow: Policy) -> None:
    policy = allow({"include": ["**"], "readPolicy": {"maxDepth": 1}})
    assert reached(make(CHAIN), policy=policy, edge_depth=5) == "abz"


def test_leaf_edges_end_a_path_and_none_edges_are_not_followed(make: Make) -> None:
    world = make(dict([edge("a", mentions="b", shadows="x"), edge("b", depends_on="c"), edge("c"), edge("x")]))
    assert reached(world, edge_depth=5) == "ab"


def test_a_record_reached_over_a_leaf_and_a_full_edge_at_once_is_walked_through(make: Make) -> None:
    world = make(dict([edge("a", mentions="b", depends_on="b"), edge("b", depends_on="c"), edge("c")]))
    assert reached(world) == "abc"


def test_a_record_first_reached_over_a_leaf_stays_at_its_shortest_distance(make: Make) -> None:
    world = make(
        dict([edge("a", mentions="b", depends_on="x"), edge("x", depends_on="b"), edge("b", depends_on="c"), edge("c")])
    )
    assert reached(world, edge_depth=3) == "abx"


@pytest.mark.parametrize(
    ("kinds", "found"),
    [((), "abc"), (("depends_on",), "ab"), (("mentions",), "ac"), (("shadows",), "a"), (("nothing",), "a")],
)
def test_only_edges_of_the_kinds_asked_for_are_followed(make: Make, kinds: tuple[str, ...], found: str) -> None:
    world = make(dict([edge("a", depends_on="b", mentions="c", shadows="x"), edge("b"), edge("c"), edge("x")]))
    assert reached(world, edge_kinds=kinds) == found


def test_cycles_and_edges_to_oneself_end(make: Make) -> None:
    assert (
        reached(
            make(dict([edge("a", depends_on="a b"), edge("b", depends_on="c"), edge("c", depends_on="a")])),
            edge_depth=5,
        )
        == "abc"
    )


def test_external_and_dangling_targets_are_told_and_not_walked(make: Make) -> None:
    world = make(
        {
            "graph/a.yaml": record(
                "Service", "service:a", title="start", edges={"depends_on": ["issue:7", "service:gone"]}
            )
        }
    )
    [item] = world.ask("start").records
    assert [(e.kind, e.target, e.via) for e in item.edges] == [
        ("depends_on", "issue:7", "declared"),
        ("depends_on", "service:gone", "declared"),
    ]


def test_owners_repositories_and_sources_are_edges_where_the_ontology_lets_them(make: Make) -> None:
    world = make(
        {
            "graph/t.yaml": record("Team", "team:core"),
            "graph/s.yaml": record("Service", "service:s"),
            "graph/a.yaml": record(
                "Service",
                "service:a",
                title="start",
                owners=["team:core", "service:s"],
                repoRefs=["repository:gone", "service:s"],
                sourceRefs=["service:s", "issue:7", "https://example.com/x"],
                edges={"derived_from": ["service:s"]},
            ),
        }
    )
    [item] = [item for item in world.ask("start").records if item.id == "service:a"]
    assert [(e.kind, e.target, e.via) for e in item.edges] == [
        ("applies_to_repo", "repository:gone", "derived"),
        ("derived_from", "issue:7", "derived"),
        ("derived_from", "service:s", "declared"),
        ("owned_by", "team:core", "derived"),
    ]
    assert item.source_refs == ("service:s", "issue:7", "https://example.com/x")


FILTERED = {
    "graph/a.yaml": record(
        "Service",
        "service:a",
        title="needle",
        owners=["team:x"],
        tags=["hot"],
        edges={"depends_on": ["service:b", "runbook:c"]},
    ),
    "graph/b.yaml": record(
        "Service", "service:b", owners=["team:y"], tags=["cold"], repoRefs=["repository:pay"], status="draft"
    ),
    "runbooks/c.md": markdown("Runbook", "runbook:c", tags=["hot"], owners=["team:x", "team:y"]),
    "graph/d.yaml": record("Service", "service:d", title="needle", status=None),
}


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, "abcd"),
        ({"kinds": ("Service",)}, "abd"),
        ({"kinds": ("Service", "Runbook")}, "abcd"),
        ({"kinds": ("Nothing",)}, ""),
        ({"owners": ("team:x",)}, "ac"),
        ({"owners": ("team:x", "team:y")}, "abc"),
        ({"tags": ("hot",)}, "ac"),
        ({"tags": ("hot", "cold")}, "abc"),
        ({"tags": ("none",)}, ""),
        ({"tags": ("cold",)}, ""),
        ({"statuses": ("draft",)}, "d"),
        ({"statuses": ("approved",)}, "ac"),
        ({"repo_refs": ("repository:pay",)}, ""),
        ({"repo_refs": ("repository:pay",), "consumer": {"repository": "pay"}}, "b"),
        ({"ids": ("service:a", "runbook:c")}, "ac"),
        ({"ids": ("runbook:c",)}, ""),
        ({"kinds": ("Service",), "owners": ("team:y",)}, ""),
        ({"kinds": ("Runbook",), "tags": ("hot",), "consumer": {"issue": "runbook:c"}}, "c"),
    ],
    ids=str,
)
def test_filters_are_anded_their_values_ored_and_choose_what_comes_back(
    make: Make, asked: dict[str, Any], found: str
) -> None:
    assert "".join(sorted(name[-1] for name in make(FILTERED).ids("needle", **asked))) == found


def test_aliases_of_tags_are_the_tag(make: Make) -> None:
    vocabulary = f"{RULES}vocabularies:\n  tags: {{closed: false, values: [hot], aliases: {{warm: hot}}}}\n"
    world = make(FILTERED | {"ontology/controlled-vocabulary.yaml": vocabulary})
    assert set(world.ids("needle", tags=("warm",))) == {"service:a", "runbook:c"}


def test_at_most_two_hundred_matches_are_beginnings_and_those_the_strongest(make: Make) -> None:
    files = {
        f"graph/{n:03}.yaml": record("Service", f"service:n{n:03}", title="needle", summary="needle " * (n < 5))
        for n in range(230)
    }
    found = make(files).ask("needle", mode="graph-only", max_records=200, edge_depth=0)
    assert len(found.records) == 200
    assert found.limits.omitted.records == 0
    assert {f"service:n{n:03}" for n in range(5)} <= {item.id for item in found.records}
