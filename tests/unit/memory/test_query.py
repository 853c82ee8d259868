"""Retrieval: walks over edges, filters, where lines are looked for, and the digests of an answer."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import msgspec
import pytest

from krate_gitops.digest import sha256_digest
from tests.unit.memory.conftest import Make, Policy
from tests.unit.memory.world import World, markdown, record


def edge(source: str, **edges: str) -> tuple[str, str]:
    """Path and text of a service that points at others: ``edge("a", depends_on="b c")``."""
    told = {kind: [f"service:{name}" for name in names.split()] for kind, names in edges.items()}
    return f"graph/{source}.yaml", record("Service", f"service:{source}", title="start" if source == "a" else source, edges=told)


def reached(world: World, **asked: Any) -> str:
    """Names of the services that are returned, in alphabetical order."""
    return "".join(sorted(name.partition(":")[2] for name in world.ids("start", **asked)))


CHAIN = dict([edge("a", depends_on="b"), edge("b", depends_on="c"), edge("c", depends_on="d"), edge("d", depends_on="e"), edge("e", depends_on="f"), edge("f", depends_on="g"), edge("g"), edge("z", depends_on="a")])  # fmt: skip


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
    world = make(dict([edge("a", mentions="b", depends_on="x"), edge("x", depends_on="b"), edge("b", depends_on="c"), edge("c")]))
    assert reached(world, edge_depth=3) == "abx"


@pytest.mark.parametrize(("kinds", "found"), [((), "abc"), (("depends_on",), "ab"), (("mentions",), "ac"), (("shadows",), "a"), (("nothing",), "a")])
def test_only_edges_of_the_kinds_asked_for_are_followed(make: Make, kinds: tuple[str, ...], found: str) -> None:
    world = make(dict([edge("a", depends_on="b", mentions="c", shadows="x"), edge("b"), edge("c"), edge("x")]))
    assert reached(world, edge_kinds=kinds) == found


def test_cycles_and_edges_to_oneself_end(make: Make) -> None:
    assert reached(make(dict([edge("a", depends_on="a b"), edge("b", depends_on="c"), edge("c", depends_on="a")])), edge_depth=5) == "abc"


def test_external_and_dangling_targets_are_told_and_not_walked(make: Make) -> None:
    world = make({"graph/a.yaml": record("Service", "service:a", title="start", edges={"depends_on": ["issue:7", "service:gone"]})})
    [item] = world.ask("start").records
    assert [(e.kind, e.target, e.via) for e in item.edges] == [("depends_on", "issue:7", "declared"), ("depends_on", "service:gone", "declared")]


def test_owners_repositories_and_sources_are_edges_where_the_ontology_lets_them(make: Make) -> None:
    world = make(
        {
            "graph/t.yaml": record("Team", "team:core"),
            "graph/s.yaml": record("Service", "service:s"),
            "graph/a.yaml": record(
                "Service", "service:a", title="start", owners=["team:core", "service:s"], repoRefs=["repository:gone", "service:s"],
                sourceRefs=["service:s", "issue:7", "https://example.com/x"], edges={"derived_from": ["service:s"]},
            ),
        }
    )  # fmt: skip
    [item] = [item for item in world.ask("start").records if item.id == "service:a"]
    assert [(e.kind, e.target, e.via) for e in item.edges] == [
        ("applies_to_repo", "repository:gone", "derived"), ("derived_from", "issue:7", "derived"),
        ("derived_from", "service:s", "declared"), ("owned_by", "team:core", "derived"),
    ]  # fmt: skip
    assert item.source_refs == ("service:s", "issue:7", "https://example.com/x")


# Filters

FILTERED = {
    "graph/a.yaml": record("Service", "service:a", title="needle", owners=["team:x"], tags=["hot"], edges={"depends_on": ["service:b", "runbook:c"]}),
    "graph/b.yaml": record("Service", "service:b", owners=["team:y"], tags=["cold"], repoRefs=["repository:pay"], status="draft"),
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
def test_filters_are_anded_their_values_ored_and_choose_what_comes_back(make: Make, asked: dict[str, Any], found: str) -> None:
    assert "".join(sorted(name[-1] for name in make(FILTERED).ids("needle", **asked))) == found


def test_aliases_of_tags_are_the_tag(make: Make) -> None:
    vocabulary = "schemaVersion: 1\nontologyVersion: 1.0.0\nvocabularies:\n  tags: {closed: false, values: [hot], aliases: {warm: hot}}\n"
    world = make(FILTERED | {"ontology/controlled-vocabulary.yaml": vocabulary})
    assert set(world.ids("needle", tags=("warm",))) == {"service:a", "runbook:c"}


def test_at_most_two_hundred_matches_are_beginnings_and_those_the_strongest(make: Make) -> None:
    files = {f"graph/{n:03}.yaml": record("Service", f"service:n{n:03}", title="needle", summary="needle " * (n < 5)) for n in range(230)}
    found = make(files).ask("needle", mode="graph-only", max_records=200, edge_depth=0)
    assert len(found.records) == 200 and found.limits.omitted.records == 0
    assert {f"service:n{n:03}" for n in range(5)} <= {item.id for item in found.records}


# Where lines are looked for

SCOPE = {
    "graph/r.yaml": record("Repository", "repository:pay"),
    "graph/s.yaml": record("Service", "service:s", title="needle", repoRefs=["repository:pay"]),
    "notes/shares.md": "---\nrepoRefs: [repository:pay]\n---\n# Shares\n\nA needle here.\n",
    "notes/record.md": markdown("Decision", "decision:shares", "A needle in a note with an id.\n", repoRefs=["repository:pay"], status="archived"),
    "notes/names.md": "# Names\n\nThe needle of `service:s`, as said.\n",
    "notes/longer.md": "# Longer\n\nThe needle of service:s-two.\n",
    "notes/other.md": "# Other\n\nA needle elsewhere.\n",
    "runbooks/o.md": markdown("Runbook", "runbook:o", "A haystack; sewing, and service:s too.\n"),
}


def sources(world: World, **asked: Any) -> set[str]:
    return {excerpt.path for excerpt in world.ask("needle", **asked).excerpts}


def test_records_narrow_lines_to_their_files_and_to_notes_about_them(make: Make) -> None:
    world = make(SCOPE)
    asked: dict[str, Any] = {"edge_depth": 0, "kinds": ("Service",)}
    assert sources(world, **asked) == {"graph/s.yaml", "notes/shares.md", "notes/record.md", "notes/names.md"}


def test_named_paths_go_before_that(make: Make) -> None:
    assert sources(make(SCOPE), paths=("notes/other.md",)) == {"notes/other.md"}


def test_without_records_everything_admitted_is_searched(make: Make, allow: Policy) -> None:
    world = make(SCOPE)
    assert sources(world, kinds=("Team",)) == {path for path, text in SCOPE.items() if "needle" in text}
    policy = allow({"include": {"graphKinds": ["Service"], "paths": ["notes/*"]}, "exclude": ["notes/names.md"]})
    assert "notes/names.md" not in sources(world, policy=policy)
    assert "graph/s.yaml" not in sources(world, policy=policy)


def test_lines_alone_are_looked_for_everywhere(make: Make) -> None:
    assert sources(make(SCOPE), mode="grep-only") == {path for path, text in SCOPE.items() if "needle" in text}


# What stands in items

def test_a_record_without_summary_shows_the_first_paragraph_of_its_body(make: Make) -> None:
    long = "word " * 200
    world = make(
        {
            "runbooks/a.md": markdown("Runbook", "runbook:a", "# Needle\n\n## More\n\nFirst line\nsecond line.\n\nNext.\n"),
            "runbooks/b.md": markdown("Runbook", "runbook:b", f"needle {long}\n"),
            "runbooks/c.md": markdown("Runbook", "runbook:c", "# needle\n"),
            "runbooks/d.md": markdown("Runbook", "runbook:d", "needle body\n", summary="The summary."),
            "graph/e.yaml": record("Service", "service:e", title="needle"),
        }
    )
    found = {item.id: item.summary for item in world.ask("needle").records}
    assert found == {"runbook:a": "First line second line.", "runbook:b": f"needle {long}"[:500], "runbook:c": None, "runbook:d": "The summary.", "service:e": None}


def test_old_and_retired_records_carry_a_warning(make: Make) -> None:
    world = make(
        {
            "graph/a.yaml": record("Service", "service:a", title="needle", updatedAt="2024-12-31T00:00:00Z"),
            "graph/b.yaml": record("Service", "service:b", title="needle", updatedAt="2025-01-01T00:00:00Z"),
            "graph/c.yaml": record("Service", "service:c", title="needle", status="deprecated", updatedAt="2020-01-01T00:00:00Z"),
        }
    )
    assert {item.id: item.warnings for item in world.ask("needle").records} == {
        "service:a": ("record-stale",), "service:b": (), "service:c": ("record-deprecated",),
    }  # fmt: skip


# Digests

def canonical(value: Any) -> str:
    """The digest of a value as the contract writes it, without the code under test."""

    def without_nulls(one: Any) -> Any:
        if isinstance(one, dict):
            return {name: without_nulls(item) for name, item in one.items() if item is not None}
        return [without_nulls(item) for item in one] if isinstance(one, list) else one

    text = json.dumps(without_nulls(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(("value", "start"), [({}, "44136fa355b3678a"), ([], "4f53cda18c2baa0c"), ({"b": 1, "a": "é"}, "aa58fba8483623be")])
def test_the_digest_written_down_here_is_that_of_the_contract(value: Any, start: str) -> None:
    assert canonical(value).startswith(f"sha256:{start}")


def test_every_digest_of_an_answer_can_be_made_from_the_answer(make: Make) -> None:
    world = make(SCOPE)
    found = world.ask("needle", include=("notes/other.md", "notes/names.md:3"))
    plain = json.loads(msgspec.json.encode(found))
    preview = plain["snapshotPreview"]
    assert preview["selectedRecordsDigest"] == canonical([{n: item[n] for n in ("id", "kind", "path", "digest")} for item in plain["records"]])
    assert preview["selectedExcerptsDigest"] == canonical([{n: item[n] for n in ("path", "lineStart", "lineEnd", "digest")} for item in plain["excerpts"]])
    assert preview["selectedDocumentsDigest"] == canonical([{n: item[n] for n in ("path", "id", "digest")} for item in plain["documents"]])
    for item in plain["excerpts"]:
        assert item["digest"] == sha256_digest(item["text"].encode())
        assert item["fileDigest"] == sha256_digest(SCOPE[item["path"]].encode())
    for item in (*plain["records"], *plain["documents"]):
        assert item["digest"] == sha256_digest(SCOPE[item["path"]].encode())
    for kind in ("records", "excerpts", "documents"):
        ranks = [item["rank"] for item in plain[kind]]
        assert ranks == sorted(ranks)


def test_an_empty_selection_has_the_digest_of_an_empty_list(make: Make) -> None:
    preview = make({}).ask("nothing").snapshot_preview
    assert {preview.selected_records_digest, preview.selected_excerpts_digest, preview.selected_documents_digest} == {canonical([])}


REORDERED: dict[str, Any] = {
    "kinds": ("Service", "Runbook"), "owners": ("team:x", "team:y"), "tags": ("a", "b"), "ids": ("service:s", "service:t"), "statuses": ("draft", "approved"),
    "repo_refs": ("repository:a", "repository:b"), "edge_kinds": ("x", "y"), "paths": ("a", "b"), "include": ("service:s", "notes/other.md"),
    "exclude": ("c", "d"), "consumer": {"skills": ("s", "t")},
}  # fmt: skip


def test_the_order_in_which_sets_are_given_changes_no_digest_and_no_answer(make: Make) -> None:
    world = make(SCOPE)
    other = {name: {"skills": ("t", "s", "t")} if name == "consumer" else (*value[::-1], value[0]) for name, value in REORDERED.items()}
    assert msgspec.json.encode(world.ask("needle", **REORDERED)) == msgspec.json.encode(world.ask("needle", **other))


@pytest.mark.parametrize(
    "asked",
    [
        {"text": "needles"}, {"mode": "graph-only"}, {"edge_depth": 1}, {"max_bytes": 1000}, {"max_records": 3}, {"context_lines": 0}, {"regex": True},
        {"case_sensitive": True}, {"intent": "debug"}, {"consumer": {"user": "u"}}, {"ranking_version": 1}, {"include": ("service:s",)},
        {"kinds": ("Service",)}, {"direction": "out"}, {"exclude": ("x",)},
    ],
    ids=str,
)  # fmt: skip
def test_whatever_decides_the_answer_is_in_the_digest_of_the_query(make: Make, asked: dict[str, Any]) -> None:
    world = make(SCOPE)
    digests = [world.ask(**({"text": "needle"} | one)).snapshot_preview.query_manifest_digest for one in ({}, asked)]
    assert digests[0] != digests[1]


def test_the_policy_is_in_the_digest_of_the_query_and_the_clock_is_not(make: Make, allow: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    world = make(SCOPE)
    one = world.ask("needle")
    monkeypatch.setattr("time.time", lambda: 4e9)
    assert world.ask("needle") == one
    other = world.ask("needle", allow({"include": {}, "readPolicy": {"mode": "allow-all"}}))
    assert other.snapshot_preview.query_manifest_digest != one.snapshot_preview.query_manifest_digest
