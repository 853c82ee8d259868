"""Drafting an ontology: it loads, accepts what it was drafted from, and depends on the set of documents only."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from krate_gitops.brain.attribute_types import fits
from krate_gitops.brain.base_fields import BASE_FIELDS
from krate_gitops.brain.infer import infer_ontology
from krate_gitops.brain.model import Ontology
from krate_gitops.brain.ontology import EDGE_KINDS, NODE_KINDS, RULES, OntologyIndex, load_ontology

Document = tuple[str, dict[str, Any]]


def record(path: str, kind: str, identifier: str, edges: Any = None, **attributes: Any) -> Document:
    return path, {"nodeKind": kind, "id": identifier, "attributes": attributes, "edges": edges}


def infer(*documents: Document) -> tuple[dict[str, str], Ontology]:
    files = infer_ontology(documents)
    return {path: data.decode() for path, data in files.items()}, load_ontology(files, outside=True)


def test_kinds_prefixes_and_attribute_types_are_drafted_with_counts() -> None:
    texts, ontology = infer(
        record("graph/a.yaml", "Service", "service:a", tier=1, notes="x\ny", peers=["service:b"], mixed="a"),
        record("graph/b.yaml", "Service", "service:b", tier=2, notes="x", peers=["other:c"], mixed=["a"]),
    )
    service = ontology.node_kinds["Service"]
    assert ontology.findings == ()
    assert service.id_prefix == "service"
    assert {name: kind.type for name, kind in service.attributes.items()} == {
        "tier": "integer", "notes": "text", "peers": "string-list", "mixed": "object"
    }  # fmt: skip
    assert "name: Service  # 2 records" in texts[NODE_KINDS]
    assert "mixed: {type: object}  # 2: list 1, text 1" in texts[NODE_KINDS]


def test_ids_are_recognised_by_the_prefixes_of_the_brain() -> None:
    _, ontology = infer(
        record("graph/a.yaml", "Team", "team:a"),
        record("graph/b.yaml", "Service", "service:b", owner="team:a", peers=["service:b"], remark="note:this"),
    )
    types = {name: kind.type for name, kind in ontology.node_kinds["Service"].attributes.items()}
    assert types == {"owner": "id", "peers": "id-list", "remark": "string"}


def test_edge_kinds_have_the_ends_that_were_seen() -> None:
    texts, ontology = infer(
        record("graph/a.yaml", "Service", "service:a", {"uses": [{"target": "tool:x"}, "service:gone", "issue:p/1"]}),
        record("graph/x.yaml", "Tool", "tool:x", [{"kind": "uses", "target": "service:a"}]),
    )
    uses = ontology.edge_kinds["uses"]
    assert (uses.domain, uses.range, uses.external) == (("Service", "Tool"), ("Service", "Tool"), ("issue",))
    assert "name: uses  # 4 edges, 1 dangling" in texts[EDGE_KINDS]
    assert list(ontology.external_prefixes) == ["issue"]


def test_owners_and_references_count_as_the_edges_they_become() -> None:
    _, ontology = infer(record("graph/a.yaml", "Service", "service:a", owners=["user:dana"], sourceRefs=["https://a"]))
    assert ontology.edge_kinds["owned_by"].external == ("user",)
    assert "derived_from" not in ontology.edge_kinds


def test_names_that_are_no_names_are_left_out_and_said() -> None:
    texts, ontology = infer(
        record("graph/a.yaml", "service-kind\n- x", "service:a", {"Depends-On\nx: y": ["team:a"]}),
        record("graph/b.yaml", "Team", "team:a", {"likes": ["service:a"]}),
        record("graph/c.yaml", "Thing", "no-prefix"),
    )
    assert list(ontology.node_kinds) == ["Team"]
    assert list(ontology.edge_kinds) == ["likes"]
    assert not [item for item in ontology.findings if item.finding.code != "KB084"]
    assert "# left out, its name is not PascalCase: service-kind\\n- x (1 record)" in texts[NODE_KINDS]
    assert "# left out, its ids have no prefix: Thing (1 record)" in texts[NODE_KINDS]


def test_a_brain_of_this_layout_needs_no_foreign_block() -> None:
    base = {"title": "A", "status": "approved", "owners": ["team:a"], "updatedAt": "2026-06-02T09:15:00Z"}
    texts, ontology = infer(record("graph/a.yaml", "Team", "team:a", **base))
    assert ontology.rules.foreign is None
    assert "foreign" not in texts[RULES]


def test_the_conventions_of_a_foreign_brain_are_drafted() -> None:
    _, ontology = infer(
        record("graph/a.yaml", "Claim", "claim:a@1", displayName="A", status="accepted"),
        record("graph/a.yaml", "Claim", "theClaim:b", displayName="B", status="odd"),
        ("graph/c.yaml", {"nodeKind": "Claim", "id": "claim:a@1", "edges": {"about": ["theClaim:b"]}}),
        ("graph/d.yaml", {"extendsNode": {"nodeKind": "Claim", "id": "theClaim:b"}, "edges": {"about": ["claim:a@1"]}}),
        ("graph/schema/kinds.yaml", {"nodeKinds": []}),
        ("graph/wiki/page.md", {"kind": "Page", "id": "page:a", "title": "A", "slug": "a"}),
        ("data/x.yaml", {"nodeKind": "Claim", "id": "claim:c", "attributes": {"displayName": "C"}}),
    )
    foreign = ontology.rules.foreign
    assert foreign is not None
    assert ontology.findings == ()
    assert foreign.multi_document
    assert foreign.required == ()
    assert foreign.field_aliases == {"title": ("displayName",)}
    assert foreign.status_map == {"accepted": "approved", "odd": "draft"}
    assert (foreign.id_pattern, foreign.prefixes, foreign.duplicate_ids) == ("relaxed", "many", "merge-edges")
    assert foreign.sidecars is not None
    assert foreign.sidecars.key == "extendsNode"
    assert foreign.ignore == ("graph/schema/**",)
    assert foreign.classes == {"data/**/*.yaml": "graph", "graph/wiki/**/*.md": "markdown-record"}
    assert ontology.node_kinds["Claim"].id_prefixes == ("claim", "theClaim")


def test_nothing_gives_an_empty_ontology_that_loads() -> None:
    _, ontology = infer()
    assert (ontology.node_kinds, ontology.edge_kinds, ontology.findings) == ({}, {}, ())


NAMES = st.sampled_from(["Team", "Service", "bad kind", "A1"])
IDS = st.sampled_from(["team:a", "team:b", "service:a", "svc:x", "fooBar:y@1", "plain", "a:b:c"])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.text('ab:#\n" é', max_size=6)
    | IDS
    | st.sampled_from(["2026-06-02", "2026-06-02T09:15:00Z", "https://a/b"])
    | st.just({"$number": "1.5"}),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["k", "k: #"]), inner, max_size=2),
    max_leaves=4,
)
ATTRIBUTES = st.dictionaries(
    st.sampled_from(["a", "b c", "displayName", "status", "owners", "# x", "true"]), VALUES, max_size=4
)
EDGES = st.dictionaries(st.sampled_from(["uses", "owned_by", "Bad-Kind"]), st.lists(IDS, max_size=3), max_size=3)
DOCUMENTS = st.lists(
    st.tuples(
        st.sampled_from(["graph/a.yaml", "graph/b/c.yaml", "x.yaml", "pages/p.md"]),
        st.builds(
            lambda kind, identifier, attributes, edges: {
                "nodeKind": kind,
                "id": identifier,
                "attributes": attributes,
                "edges": edges,
            },
            NAMES,
            IDS,
            ATTRIBUTES,
            EDGES,
        ),
    ),
    max_size=5,
)


@given(DOCUMENTS)
def test_a_draft_loads_and_accepts_what_it_was_drafted_from(documents: list[Document]) -> None:
    files = infer_ontology(documents)
    ontology = load_ontology(files, outside=True)
    assert ontology.findings == ()
    index = OntologyIndex(ontology)
    for path, document in documents:
        kind = ontology.node_kinds.get(document["nodeKind"])
        if kind is None or path.endswith(".md"):
            continue
        assert index.path_fits(kind.name, path)
        for name, value in document["attributes"].items():
            if name not in BASE_FIELDS:
                assert fits(kind.attributes[name], value, relaxed_ids=True)
        for edge in document["edges"]:
            if document["edges"][edge] and edge in ontology.edge_kinds:
                assert index.admits_source(edge, kind.name)
    assert infer_ontology(reversed(documents)) == files
