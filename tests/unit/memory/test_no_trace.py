"""Of what is secret little is told, and what is denied leaves no trace."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from krate_gitops.memory.single import show_one
from tests.unit.memory.admitted import FILES, LEVELS, STATUSES, WORD, files, shown
from tests.unit.memory.conftest import Make, Policy
from tests.unit.memory.world import ONTOLOGY, UPDATED, World, opened_world, record


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with opened_world(tmp_path_factory.mktemp("admission"), FILES) as made:
        yield made


SECRET_POLICY = {"include": {"paths": ["**"], "sensitivity": LEVELS, "statuses": STATUSES}}


@pytest.mark.parametrize("identifier", ["vault:key", "runbook:secret"])
def test_of_a_secret_only_identity_owners_and_edges_are_told(world: World, allow: Policy, identifier: str) -> None:
    # No text finds a secret, so it is picked by hand.
    policy = allow(SECRET_POLICY)
    [item] = [
        r for r in world.ask("nothing", policy, mode="graph-only", include=(identifier,)).records if r.id == identifier
    ]
    assert item.sensitivity == "secret-metadata"
    assert (item.status, item.summary, item.updated_at, item.source_refs) == (None, None, None, ())
    assert [reason.criterion for reason in item.why] == ["user-selected"]
    found = show_one(world.opened, identifier, policy)
    assert found.text is None
    assert found.record is not None
    assert (found.record.status, found.record.summary, found.record.updated_at, found.record.attributes) == (
        None,
        None,
        None,
        {},
    )
    text = msgspec.json.encode(found).decode()
    assert UPDATED not in text
    assert f"{WORD} inside" not in text
    assert f"{WORD} secret" not in text


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


CHAIN = {
    "graph/services/one.yaml": record(
        "Service", "service:one", title="Beginning", edges={"depends_on": ["service:two"]}
    ),
    "graph/hidden/two.yaml": record("Service", "service:two", edges={"depends_on": ["service:three"]}),
    "graph/services/three.yaml": record("Service", "service:three"),
}


def test_a_denied_record_between_two_is_not_walked_through_nor_told(make: Make, allow: Policy) -> None:
    world, policy = make(CHAIN), allow({"include": ["**"], "exclude": ["graph/hidden/**"]})
    assert set(world.ids("beginning")) == {"service:one", "service:two", "service:three"}
    found = world.ask("beginning", policy)
    assert [item.id for item in found.records] == ["service:one"]
    assert found.records[0].edges == ()
    assert found.limits.omitted.records == 0
    assert not found.limits.truncated
    # The file says so itself, and may be read.
    assert all("two" not in msgspec.json.encode(item).decode() for item in found.records)
    one = show_one(world.opened, "service:three", policy)
    assert one.inbound == ()


def test_a_denied_record_the_question_is_about_lends_no_nearness(make: Make, allow: Policy) -> None:
    files = {
        "graph/hidden/r.yaml": record("Repository", "repository:pay", edges={"depends_on": ["service:linked"]}),
        "graph/services/a.yaml": record("Service", "service:apart", title="Ledger word"),
        "graph/services/b.yaml": record(
            "Service", "service:linked", title="Ledger", summary="word among many other ones"
        ),
        "graph/services/c.yaml": record("Service", "service:points", title="Other word", repoRefs=["repository:pay"]),
    }
    world = make(files)
    asked = {"consumer": {"repository": "pay"}, "mode": "graph-only", "edge_depth": 0}
    assert "graph-distance" in [
        r.criterion for r in {i.id: i for i in world.ask("word", **asked).records}["service:linked"].why
    ]
    found = {item.id: item for item in world.ask("word", allow({"include": ["graph/services/**"]}), **asked).records}
    assert "graph-distance" not in [reason.criterion for reason in found["service:linked"].why]
    assert found["service:points"].rank == 1  # it names the repository itself


def test_an_id_that_may_not_be_read_is_answered_like_one_that_is_not_there(world: World, allow: Policy) -> None:
    policy = allow({"include": ["notes/**"]})
    found = world.ask(
        mode="document-read",
        document_ids=("runbook:a", "runbook:nowhere"),
        document_paths=("runbooks/pay/a.md", "x.md"),
        policy=policy,
    )
    assert [(d.scope, d.value, d.reason) for d in found.denied] == [
        ("path", name, "not found or not readable")
        for name in ("runbooks/pay/a.md", "x.md", "runbook:a", "runbook:nowhere")
    ]
    assert found.warnings == ("denied-scope",)


def test_named_kinds_and_paths_that_are_kept_back_are_said_to_be(world: World, allow: Policy) -> None:
    policy = allow(
        {
            "include": {"graphKinds": ["Runbook"]},
            "exclude": {"paths": ["runbooks/pay/deep/**"], "graphKinds": ["Customer"]},
        }
    )
    found = world.ask(
        WORD,
        policy,
        kinds=("Customer", "Runbook", "Team"),
        paths=("runbooks/pay/deep/**", "runbooks/pay/*", "notes/n.md", "runbooks/pay/a.md"),
    )
    assert [(denied.scope, denied.value) for denied in found.denied] == [
        ("kind", "Customer"),
        ("kind", "Team"),
        ("path", "notes/n.md"),
        ("path", "runbooks/pay/deep/**"),
    ]
    assert {item.kind for item in found.records} == {"Runbook"}


def test_the_ontology_is_that_of_the_commit(make: Make, allow: Policy) -> None:
    files = {
        "ontology/node-kinds.yaml": str(ONTOLOGY["ontology/node-kinds.yaml"]).replace(
            "name: Service,", "name: Service, minSensitivity: restricted,"
        )
    }
    files["graph/services/a.yaml"] = record("Service", "service:a", sensitivity="public")
    assert make(files).ids("service", allow({"include": ["**"]})) == []
