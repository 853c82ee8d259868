"""What a policy lets through, and that the rest leaves no trace."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from krate_gitops.memory.single import show_one
from tests.unit.memory.conftest import Make, Policy
from tests.unit.memory.world import ONTOLOGY, UPDATED, World, markdown, record

WORD = "quartz"

FILES = {
    "graph/services/api.yaml": record("Service", "service:api", summary=f"The {WORD} service"),
    "graph/customers/north.yaml": record("Customer", "customer:north", summary=f"Buys {WORD}", sensitivity="public"),
    "graph/vaults/key.yaml": record("Vault", "vault:key", title=f"Key of {WORD}", summary=f"{WORD} inside", owners=["team:core"]),
    "graph/teams/core.yaml": record("Team", "team:core", summary=f"Keeps {WORD}"),
    "runbooks/pay/a.md": markdown("Runbook", "runbook:a", f"Turn the {WORD}.\n"),
    "runbooks/pay/draft.md": markdown("Runbook", "runbook:draft", f"{WORD} drafted.\n", status="draft"),
    "runbooks/pay/none.md": markdown("Runbook", "runbook:none", f"{WORD} without status.\n", status=None),
    "runbooks/pay/old.md": markdown("Runbook", "runbook:old", f"{WORD} archived.\n", status="archived"),
    "runbooks/pay/past.md": markdown("Runbook", "runbook:past", f"{WORD} deprecated.\n", status="deprecated"),
    "runbooks/pay/secret.md": markdown("Runbook", "runbook:secret", f"{WORD} secret.\n", sensitivity="secret-metadata"),
    "runbooks/pay/limited.md": markdown("Runbook", "runbook:limited", f"{WORD} limited.\n", sensitivity="restricted"),
    "runbooks/pay/deep/er/b.md": markdown("Runbook", "runbook:b", f"{WORD} deeper.\n"),
    "runbooks/pay/[x].md": markdown("Runbook", "runbook:x", f"{WORD} in brackets.\n"),
    "runbooks/broken.md": f"---\nid: [\n---\nBroken {WORD}.\n",
    "runbooks/twice.md": markdown("Runbook", "runbook:twice", f"First {WORD}.\n"),
    "runbooks/again.md": markdown("Runbook", "runbook:twice", f"Second {WORD}.\n"),
    "runbooks/case.md": markdown("Runbook", "runbook:Case", f"Upper {WORD}.\n"),
    "runbooks/cased.md": markdown("Runbook", "runbook:case", f"Lower {WORD}.\n"),
    "notes/n.md": f"# Note\n\nA {WORD} note.\n",
    "notes/open.md": f"---\nsensitivity: public\n---\n# Open\n\nAn open {WORD}.\n",
    "notes/limited.md": f"---\nsensitivity: restricted\n---\n# Limited\n\nA limited {WORD}.\n",
    "README.md": f"# Brain of {WORD}\n",
    "babysitter/MEMORY.md": f"# Memory\n\n{WORD} first.\n",
    "indexes/x.json": f'{{"{WORD}": 1}}\n',
    "stray.txt": f"{WORD}\n",
    "graph/dump.csv": f"{WORD}\n",
    "ontology/validation-rules.yaml": f"schemaVersion: 1\nontologyVersion: 1.0.0\n# {WORD}\n",
}  # fmt: skip
SERVED = {
    "graph/services/api.yaml", "graph/customers/north.yaml", "graph/teams/core.yaml", "runbooks/pay/a.md", "runbooks/pay/draft.md",
    "runbooks/pay/none.md", "runbooks/pay/old.md", "runbooks/pay/past.md", "runbooks/pay/limited.md", "runbooks/pay/deep/er/b.md",
    "runbooks/pay/[x].md", "runbooks/broken.md", "runbooks/twice.md", "runbooks/again.md", "runbooks/case.md", "runbooks/cased.md",
    "notes/n.md", "notes/open.md", "notes/limited.md", "README.md", "babysitter/MEMORY.md",
}  # fmt: skip
LEVELS = ["public", "internal", "restricted", "secret-metadata"]
STATUSES = ["approved", "draft", "deprecated", "archived"]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from tests.unit.memory.world import opened_world

    with opened_world(tmp_path_factory.mktemp("admission"), FILES) as made:
        yield made


def records(world: World, policy: Any = None) -> set[str]:
    return set(world.ids(WORD, policy, edge_depth=0, max_records=200))


def files(world: World, policy: Any = None) -> set[str]:
    """Files that lines come from."""
    found = world.ask(WORD, policy, mode="grep-only", max_matches=200, max_excerpts=200).excerpts
    return {excerpt.path for excerpt in found}


def shown(world: World, policy: Any) -> set[str]:
    """Paths that can be read whole."""
    found = world.ask(mode="document-read", document_paths=tuple(FILES), policy=policy)
    assert {denied.value for denied in found.denied} == set(FILES) - {document.path for document in found.documents}
    return {document.path for document in found.documents}


def test_the_owner_reads_everything_but_what_is_no_memory(world: World) -> None:
    assert files(world) == shown(world, None) == SERVED


def test_ontology_indexes_and_strays_are_never_served_even_by_name(world: World, allow: Policy) -> None:
    everything = allow({"include": {"paths": ["**"], "sensitivity": LEVELS, "statuses": STATUSES}, "readPolicy": {"mode": "allow-all"}})
    assert shown(world, everything) == SERVED


def test_a_kind_admits_its_records_and_their_markdown_but_no_graph_file(world: World, allow: Policy) -> None:
    policy = allow({"include": {"graphKinds": ["Runbook", "Service"]}})
    assert records(world, policy) == {"service:api", "runbook:a", "runbook:draft", "runbook:none", "runbook:past", "runbook:b", "runbook:x"}
    assert files(world, policy) == {
        "runbooks/pay/a.md", "runbooks/pay/draft.md", "runbooks/pay/none.md", "runbooks/pay/past.md", "runbooks/pay/deep/er/b.md",
        "runbooks/pay/[x].md", "runbooks/twice.md", "runbooks/again.md", "runbooks/case.md", "runbooks/cased.md",
    }  # fmt: skip


def test_a_path_admits_records_and_documents_alike(world: World, allow: Policy) -> None:
    policy = allow({"include": {"paths": ["graph/services/**", "notes/*"]}})
    assert records(world, policy) == {"service:api"}
    assert files(world, policy) == {"graph/services/api.yaml", "notes/n.md", "notes/open.md"}


def test_kinds_and_paths_are_alternatives(world: World, allow: Policy) -> None:
    policy = allow({"include": {"graphKinds": ["Team"], "paths": ["graph/services/api.yaml"]}})
    assert records(world, policy) == {"team:core", "service:api"}


def test_exclude_wins_over_both_channels(world: World, allow: Policy) -> None:
    policy = allow({"include": {"graphKinds": ["Service", "Team"], "paths": ["**"]}, "exclude": {"paths": ["notes/n.md", "runbooks/**"], "kinds": ["Service"]}})
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
def test_sensitivity_is_the_declared_one_the_default_of_the_kind_or_its_minimum(world: World, allow: Policy, levels: list[str]) -> None:
    policy = allow({"include": {"paths": ["**"], "sensitivity": levels}})
    level = {"graph/customers/north.yaml": "restricted", "runbooks/pay/limited.md": "restricted", "notes/limited.md": "restricted", "notes/open.md": "public", "runbooks/broken.md": "restricted"}
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
def test_globs_are_anchored_literal_and_mind_their_case(world: World, allow: Policy, glob: str, matched: set[str]) -> None:
    assert records(world, allow({"include": [glob]})) == {f"runbook:{name}" for name in matched}
    names = {"x": "runbooks/pay/[x].md", "b": "runbooks/pay/deep/er/b.md"}
    assert files(world, allow({"include": [glob]})) == {names.get(name, f"runbooks/pay/{name}.md") for name in matched}


# Secrets

SECRET_POLICY = {"include": {"paths": ["**"], "sensitivity": LEVELS, "statuses": STATUSES}}


@pytest.mark.parametrize("identifier", ["vault:key", "runbook:secret"])
def test_of_a_secret_only_identity_owners_and_edges_are_told(world: World, allow: Policy, identifier: str) -> None:
    # No text finds a secret, so it is picked by hand.
    policy = allow(SECRET_POLICY)
    [item] = [r for r in world.ask("nothing", policy, mode="graph-only", include=(identifier,)).records if r.id == identifier]
    assert item.sensitivity == "secret-metadata"
    assert (item.status, item.summary, item.updated_at, item.source_refs) == (None, None, None, ())
    assert [reason.criterion for reason in item.why] == ["user-selected"]
    found = show_one(world.opened, identifier, policy)
    assert found.text is None and found.record is not None
    assert (found.record.status, found.record.summary, found.record.updated_at, found.record.attributes) == (None, None, None, {})
    text = msgspec.json.encode(found).decode()
    assert UPDATED not in text and f"{WORD} inside" not in text and f"{WORD} secret" not in text


def test_the_text_of_a_secret_finds_nothing_and_is_in_no_excerpt_and_no_document(world: World, allow: Policy) -> None:
    policy = allow(SECRET_POLICY)
    assert not {"vault:key", "runbook:secret"} & set(world.ids("inside secret", policy, edge_depth=0))
    assert not {path for path in files(world, policy) if "vaults" in path or "secret" in path}
    assert not {"graph/vaults/key.yaml", "runbooks/pay/secret.md"} & shown(world, policy)


def test_a_secret_is_not_found_by_what_is_not_told_of_it(world: World) -> None:
    for filters in ({"statuses": ("approved",)}, {"tags": ("x",)}, {"repo_refs": ("repository:x",)}):
        assert "vault:key" not in world.ids("core", consumer={"service": "team:core"}, **filters)


def test_a_secret_is_reached_over_its_edges(world: World, allow: Policy) -> None:
    assert "vault:key" in world.ids("core", allow(SECRET_POLICY))
    assert "vault:key" not in world.ids("core", allow({"include": ["**"]}))


# No trace

CHAIN = {
    "graph/services/one.yaml": record("Service", "service:one", title="Beginning", edges={"depends_on": ["service:two"]}),
    "graph/hidden/two.yaml": record("Service", "service:two", edges={"depends_on": ["service:three"]}),
    "graph/services/three.yaml": record("Service", "service:three"),
}


def test_a_denied_record_between_two_is_not_walked_through_nor_told(make: Make, allow: Policy) -> None:
    world, policy = make(CHAIN), allow({"include": ["**"], "exclude": ["graph/hidden/**"]})
    assert set(world.ids("beginning")) == {"service:one", "service:two", "service:three"}
    found = world.ask("beginning", policy)
    assert [item.id for item in found.records] == ["service:one"]
    assert found.records[0].edges == ()
    assert found.limits.omitted.records == 0 and not found.limits.truncated
    # The file says so itself, and may be read.
    assert all("two" not in msgspec.json.encode(item).decode() for item in found.records)
    one = show_one(world.opened, "service:three", policy)
    assert one.inbound == ()


def test_a_denied_record_the_question_is_about_lends_no_nearness(make: Make, allow: Policy) -> None:
    files = {
        "graph/hidden/r.yaml": record("Repository", "repository:pay", edges={"depends_on": ["service:linked"]}),
        "graph/services/a.yaml": record("Service", "service:apart", title="Ledger word"),
        "graph/services/b.yaml": record("Service", "service:linked", title="Ledger", summary="word among many other ones"),
        "graph/services/c.yaml": record("Service", "service:points", title="Other word", repoRefs=["repository:pay"]),
    }
    world = make(files)
    asked = {"consumer": {"repository": "pay"}, "mode": "graph-only", "edge_depth": 0}
    assert "graph-distance" in [r.criterion for r in {i.id: i for i in world.ask("word", **asked).records}["service:linked"].why]
    found = {item.id: item for item in world.ask("word", allow({"include": ["graph/services/**"]}), **asked).records}
    assert "graph-distance" not in [reason.criterion for reason in found["service:linked"].why]
    assert found["service:points"].rank == 1  # it names the repository itself


def test_an_id_that_may_not_be_read_is_answered_like_one_that_is_not_there(world: World, allow: Policy) -> None:
    policy = allow({"include": ["notes/**"]})
    found = world.ask(mode="document-read", document_ids=("runbook:a", "runbook:nowhere"), document_paths=("runbooks/pay/a.md", "x.md"), policy=policy)
    assert [(d.scope, d.value, d.reason) for d in found.denied] == [
        ("path", name, "not found or not readable") for name in ("runbooks/pay/a.md", "x.md", "runbook:a", "runbook:nowhere")
    ]
    assert found.warnings == ("denied-scope",)


def test_named_kinds_and_paths_that_are_kept_back_are_said_to_be(world: World, allow: Policy) -> None:
    policy = allow({"include": {"graphKinds": ["Runbook"]}, "exclude": {"paths": ["runbooks/pay/deep/**"], "graphKinds": ["Customer"]}})
    found = world.ask(WORD, policy, kinds=("Customer", "Runbook", "Team"), paths=("runbooks/pay/deep/**", "runbooks/pay/*", "notes/n.md", "runbooks/pay/a.md"))
    assert [(denied.scope, denied.value) for denied in found.denied] == [
        ("kind", "Customer"), ("kind", "Team"), ("path", "notes/n.md"), ("path", "runbooks/pay/deep/**"),
    ]  # fmt: skip
    assert {item.kind for item in found.records} == {"Runbook"}


def test_the_ontology_is_that_of_the_commit(make: Make, allow: Policy) -> None:
    files = {"ontology/node-kinds.yaml": str(ONTOLOGY["ontology/node-kinds.yaml"]).replace("name: Service,", "name: Service, minSensitivity: restricted,")}
    files["graph/services/a.yaml"] = record("Service", "service:a", sensitivity="public")
    assert make(files).ids("service", allow({"include": ["**"]})) == []
