"""What a policy lets through."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.memory.admitted import FILES, LEVELS, SERVED, STATUSES, files, records, shown
from tests.unit.memory.conftest import Policy
from tests.unit.memory.world import World, opened_world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with opened_world(tmp_path_factory.mktemp("admission"), FILES) as made:
        yield made


def test_the_owner_reads_everything_but_what_is_no_memory(world: World) -> None:
    assert files(world) == shown(world, None) == SERVED


def test_ontology_indexes_and_strays_are_never_served_even_by_name(world: World, allow: Policy) -> None:
    everything = allow(
        {"include": {"paths": ["**"], "sensitivity": LEVELS, "statuses": STATUSES}, "readPolicy": {"mode": "allow-all"}}
    )
    assert shown(world, everything) == SERVED


def test_a_kind_admits_its_records_and_their_markdown_but_no_graph_file(world: World, allow: Policy) -> None:
    policy = allow({"include": {"graphKinds": ["Runbook", "Service"]}})
    assert records(world, policy) == {
        "service:api",
        "runbook:a",
        "runbook:draft",
        "runbook:none",
        "runbook:past",
        "runbook:b",
        "runbook:x",
    }
    assert files(world, policy) == {
        "runbooks/pay/a.md",
        "runbooks/pay/draft.md",
        "runbooks/pay/none.md",
        "runbooks/pay/past.md",
        "runbooks/pay/deep/er/b.md",
        "runbooks/pay/[x].md",
        "runbooks/twice.md",
        "runbooks/again.md",
        "runbooks/case.md",
        "runbooks/cased.md",
    }


def test_a_path_admits_records_and_documents_alike(world: World, allow: Policy) -> None:
    policy = allow({"include": {"paths": ["graph/services/**", "notes/*"]}})
    assert records(world, policy) == {"service:api"}
    assert files(world, policy) == {"graph/services/api.yaml", "notes/n.md", "notes/open.md"}


def test_kinds_and_paths_are_alternatives(world: World, allow: Policy) -> None:
    policy = allow({"include": {"graphKinds": ["Team"], "paths": ["graph/services/api.yaml"]}})
    assert records(world, policy) == {"team:core", "service:api"}


def test_exclude_wins_over_both_channels(world: World, allow: Policy) -> None:
    policy = allow(
        {
            "include": {"graphKinds": ["Service", "Team"], "paths": ["**"]},
            "exclude": {"paths": ["notes/n.md", "runbooks/**"], "kinds": ["Service"]},
        }
    )
    assert records(world, policy) == {"team:core"}
    assert files(world, policy) == {"graph/teams/core.yaml", "notes/open.md", "README.md", "babysitter/MEMORY.md"}


def test_exclude_wins_over_allow_all(world: World, allow: Policy) -> None:
    policy = allow({"include": {}, "readPolicy": {"mode": "allow-all"}, "exclude": ["**"]})
    assert (records(world, policy), files(world, policy)) == (set(), set())


def test_an_exclude_of_one_source_binds_the_others(world: World, allow: Policy) -> None:
    policy = allow([{"include": ["notes/**"]}, {"include": ["README.md"], "exclude": ["notes/n.md"]}])
    assert files(world, policy) == {"notes/open.md", "README.md"}


def test_sources_do_not_lend_each_other_their_levels_and_statuses(world: World, allow: Policy) -> None:
    wide = {"include": {"sensitivity": ["public"]}, "readPolicy": {"mode": "allow-all"}}
    deep = {"include": {"paths": ["runbooks/pay/limited.md"], "sensitivity": ["restricted"]}}
    old = {"include": {"paths": ["runbooks/pay/old.md"], "statuses": ["archived"]}}
    policy = allow([wide, deep, old])
    assert records(world, policy) == {"runbook:limited", "runbook:old"}
    assert files(world, policy) == {"runbooks/pay/limited.md", "runbooks/pay/old.md", "notes/open.md"}


@pytest.mark.parametrize("levels", [["public"], ["internal"], ["restricted"], ["public", "internal"]])
def test_sensitivity_is_the_declared_one_the_default_of_the_kind_or_its_minimum(
    world: World, allow: Policy, levels: list[str]
) -> None:
    policy = allow({"include": {"paths": ["**"], "sensitivity": levels}})
    level = {
        "graph/customers/north.yaml": "restricted",
        "runbooks/pay/limited.md": "restricted",
        "notes/limited.md": "restricted",
        "notes/open.md": "public",
        "runbooks/broken.md": "restricted",
    }
    expected = {path for path in SERVED if level.get(path, "internal") in levels} - {"runbooks/pay/old.md"}
    assert files(world, policy) == expected
    assert ("customer:north" in records(world, policy)) is ("restricted" in levels)


def test_a_file_nobody_could_parse_needs_restricted_and_a_path(world: World, allow: Policy) -> None:
    for include, served in (
        ({"paths": ["runbooks/**"]}, False),
        ({"graphKinds": ["Runbook"], "sensitivity": LEVELS}, False),
        ({"paths": ["runbooks/**"], "sensitivity": LEVELS}, True),
    ):
        assert ("runbooks/broken.md" in files(world, allow({"include": include}))) is served


@pytest.mark.parametrize("status", STATUSES)
def test_statuses_choose_records_and_their_texts(world: World, allow: Policy, status: str) -> None:
    policy = allow({"include": {"paths": ["runbooks/pay/*.md"], "statuses": [status]}})
    by_status = {"approved": {"a", "x"}, "draft": {"draft", "none"}, "deprecated": {"past"}, "archived": {"old"}}
    assert records(world, policy) == {f"runbook:{name}" for name in by_status[status]}
    assert files(world, policy) == {f"runbooks/pay/{'[x]' if name == 'x' else name}.md" for name in by_status[status]}


def test_ids_that_several_define_are_served_by_nobody_but_their_files_are_searched(world: World) -> None:
    assert not {name for name in records(world) if name in ("runbook:twice", "runbook:case", "runbook:Case")}
    assert {"runbooks/twice.md", "runbooks/again.md", "runbooks/case.md", "runbooks/cased.md"} <= files(world)
    found = world.ask("first", mode="grep-only", paths=("runbooks/twice.md",)).excerpts
    assert [excerpt.record_id for excerpt in found] == [None]
    for name in ("runbook:twice", "runbook:case"):
        assert world.ask(mode="document-read", document_ids=(name,)).denied[0].value == name


@pytest.mark.parametrize(
    ("glob", "matched"),
    [
        ("runbooks/pay/*", {"a", "draft", "none", "past", "x"}),
        ("runbooks/pay/**", {"a", "draft", "none", "past", "x", "b"}),
        ("runbooks/pay/?.md", {"a"}),
        ("**/b.md", {"b"}),
        ("**/er/**", {"b"}),
        ("**/pay/**", {"a", "draft", "none", "past", "x", "b"}),
        ("runbooks/pay/[x].md", {"x"}),
        ("runbooks/pay/[a].md", set()),
        ("runbooks/pay/{a,b}.md", set()),
        ("Runbooks/pay/*", set()),
        ("runbooks/pay/A.md", set()),
        ("pay/a.md", set()),
        ("/runbooks/pay/a.md", set()),
        ("runbooks/pay", set()),
        ("runbooks/pay/", set()),
        ("!runbooks/pay/a.md", set()),
        ("runbooks/*/a.md", {"a"}),
        ("*/a.md", set()),
    ],
)
def test_globs_are_anchored_literal_and_mind_their_case(
    world: World, allow: Policy, glob: str, matched: set[str]
) -> None:
    assert records(world, allow({"include": [glob]})) == {f"runbook:{name}" for name in matched}
    names = {"x": "runbooks/pay/[x].md", "b": "runbooks/pay/deep/er/b.md"}
    assert files(world, allow({"include": [glob]})) == {names.get(name, f"runbooks/pay/{name}.md") for name in matched}
