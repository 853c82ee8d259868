"""Derived files: what they say, and that the same commit gives the same bytes however its index came about."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from krate_gitops.brain.seed import base_ontology
from krate_gitops.git.objects import ObjectReader
from krate_gitops.index.build import Builder
from krate_gitops.index.export import EXPORTS, export, report_digest, stamp_of
from krate_gitops.index.judged import Judged
from tests.integration.validate.brains import LEDGER, RUNBOOK, Brain, graph
from tests.repos import Content


def exported(brain: Brain, commit: str, kind: str, builder: Builder | None = None) -> bytes:
    builder = builder or brain.builder
    target = brain.target(commit)
    judged = Judged.of(builder, builder.build(target))
    with ObjectReader(target.repository) as reader:
        return b"".join(export(kind, judged, reader, stamp_of(judged.manifest)))


def read(brain: Brain, commit: str, kind: str) -> Any:
    return json.loads(exported(brain, commit, kind))


def edges(document: Any, source: str) -> dict[tuple[str, str], dict[str, Any]]:
    return {(edge["kind"], edge["target"]): edge for edge in document["edges"] if edge["source"] == source}


def test_the_header_names_what_the_file_was_made_from(brain: Brain) -> None:
    commit = brain.repo.tip() or ""
    manifest = brain.builder.build(brain.target(commit)).manifest
    for kind in EXPORTS:
        document = read(brain, commit, kind)
        assert document["sourceCommit"] == commit
        assert document["generatedAt"] == "2026-01-01T00:00:00Z"
        assert document["sourceDigest"] == manifest.source_digest
        assert document["ontologyDigest"] == manifest.ontology_digest
        assert (document["schemaVersion"], document["ontologyVersion"]) == (1, "1.0.0")
        assert list(document) == sorted(document)


def test_a_record_is_listed_whole(brain: Brain) -> None:
    record = read(brain, brain.repo.tip() or "", "graph-index")["records"]["runbook:refunds"]
    digest = record.pop("digest")
    assert digest.startswith("sha256:")
    assert record == {
        "kind": "Runbook", "form": "markdown", "path": "runbooks/refunds.md", "title": "Replaying refunds",
        "status": "approved", "sensitivity": "internal", "owners": ["team:core"], "repoRefs": [], "tags": [],
        "aliases": [], "summary": None, "updatedAt": "2025-12-30T09:15:00Z", "sourceRefs": [], "attributes": {},
        "bytes": len(RUNBOOK),
    }  # fmt: skip


def test_owners_repositories_and_sources_become_edges(brain: Brain) -> None:
    more = "related:\n  owned_by: [team:core]"
    text = RUNBOOK.replace(
        "related:",
        "repoRefs: [repository:x, repository:gone]\n"
        "sourceRefs: [path:notes/meeting.md, path:notes/gone.md, 'https://example.com/x', 'issue:p/1']\n" + more,
    ).replace("owners: [team:core]", "owners: [team:core, user:dana]")
    commit = brain.commit(
        {"runbooks/refunds.md": text, "graph/repositories/x.yaml": graph("Repository", "repository:x")}
    )
    found = edges(read(brain, commit, "graph-index"), "runbook:refunds")
    assert {key: (edge["origin"], edge["external"], edge["resolved"]) for key, edge in found.items()} == {
        ("depends_on", "service:ledger"): ("declared", False, True),
        ("owned_by", "team:core"): ("declared", False, True),
        ("owned_by", "user:dana"): ("derived", True, False),
        ("applies_to_repo", "repository:x"): ("derived", False, True),
        ("applies_to_repo", "repository:gone"): ("derived", False, False),
        ("derived_from", "path:notes/meeting.md"): ("derived", True, True),
        ("derived_from", "path:notes/gone.md"): ("derived", True, False),
        ("derived_from", "issue:p/1"): ("derived", True, False),
    }


def test_an_edge_kind_forbids_derived_edges_by_domain_and_range(brain: Brain) -> None:
    more = "  repoRefs: [repository:x, service:ledger]\n"
    commit = brain.commit(
        {
            "graph/repositories/x.yaml": graph("Repository", "repository:x"),
            "graph/teams/core.yaml": graph("Team", "team:core", more=more),
            "graph/services/fx-rates.yaml": graph("Service", "service:fx-rates", more=more),
        }
    )
    document = read(brain, commit, "graph-index")
    assert [kind for kind, _ in edges(document, "team:core")] == ["owned_by"]
    assert set(edges(document, "service:fx-rates")) == {
        ("applies_to_repo", "repository:x"), ("owned_by", "team:core"),
    }  # fmt: skip


def test_inverse_edges_are_derived_unless_they_are_declared(brain: Brain) -> None:
    text = base_ontology()["ontology/edge-kinds.yaml"].decode()
    start = text.index("  - name: depends_on")
    end = text.index("\n  - name:", start + 1)
    assert "inverse" not in text[start:end]
    entry = text[start:end].rstrip() + "\n    inverse: needed_by\n"
    inverse = (
        "\n  - name: needed_by\n    description: What needs it.\n    domain: [Service]\n    range: [Service, Runbook]\n"
        "    examples: [service:a needed_by service:b]\n"
    )
    commit = brain.commit(
        {
            "ontology/edge-kinds.yaml": text[:start] + entry + inverse + text[end:],
            "graph/services/fx-rates.yaml": graph(
                "Service", "service:fx-rates", more="edges:\n  needed_by:\n    - {target: service:ledger, note: x}\n"
            ),
        }
    )
    document = read(brain, commit, "graph-index")
    assert edges(document, "service:ledger")["needed_by", "runbook:refunds"]["origin"] == "derived"
    declared = edges(document, "service:fx-rates")["needed_by", "service:ledger"]
    assert (declared["origin"], declared["attributes"]) == ("declared", {"note": "x"})
    order = [(edge["source"], edge["kind"], edge["target"]) for edge in document["edges"]]
    assert order == sorted(set(order))
    assert document["stats"]["edges"] == len(order)


def test_a_contested_id_is_no_record_but_a_conflict(brain: Brain) -> None:
    commit = brain.commit({"graph/services/two.yaml": graph("Service", "service:Ledger")})
    document = read(brain, commit, "graph-index")
    paths = ["graph/services/ledger.yaml", "graph/services/two.yaml"]
    assert document["conflicts"] == {"service:Ledger": paths, "service:ledger": paths}
    assert not {"service:ledger", "service:Ledger"} & document["records"].keys()
    assert edges(document, "service:ledger") == {}
    assert edges(document, "runbook:refunds")["depends_on", "service:ledger"]["resolved"] is False


def test_lists_lead_to_records(brain: Brain) -> None:
    commit = brain.commit({"graph/teams/core.yaml": graph("Team", "team:core", more="  tags: [payments]\n")})
    document = read(brain, commit, "graph-index")
    assert document["kindIndex"]["Service"] == ["service:fx-rates", "service:ledger"]
    assert document["pathIndex"]["runbooks/refunds.md"] == ["runbook:refunds"]
    assert document["ownerIndex"]["team:core"] == ["runbook:refunds", "service:fx-rates", "service:ledger", "team:core"]
    assert document["tagIndex"] == {"payments": ["team:core"]}
    assert document["stats"] == {
        "records": 4, "edges": 6, "markdownRecords": 1, "freeFormDocuments": 1, "parseErrors": 0
    }  # fmt: skip


def test_aliases_of_terms_become_the_terms(brain: Brain) -> None:
    vocabulary = base_ontology()["ontology/controlled-vocabulary.yaml"].decode()
    changed = vocabulary.replace(
        "\nvocabularies:\n", "\nvocabularies:\n  tags: {values: [refunds], aliases: {refund: refunds}}\n"
    )
    commit = brain.commit(
        {
            "ontology/controlled-vocabulary.yaml": changed,
            "graph/teams/core.yaml": graph("Team", "team:core", more="  tags: [refund, refunds]\n"),
        }
    )
    document = read(brain, commit, "graph-index")
    assert document["records"]["team:core"]["tags"] == ["refunds"]
    assert document["tagIndex"] == {"refunds": ["team:core"]}


SECRET_RECORD = RUNBOOK.replace("status:", "sensitivity: secret-metadata\nsummary: s\ntags: [x]\nstatus:")


def test_of_records_about_secrets_only_identity_and_edges_are_written(brain: Brain) -> None:
    commit = brain.commit({"runbooks/refunds.md": SECRET_RECORD})
    document = read(brain, commit, "graph-index")
    record = document["records"]["runbook:refunds"]
    assert (record["title"], record["owners"], record["sensitivity"]) == (
        "Replaying refunds", ["team:core"], "secret-metadata",
    )  # fmt: skip
    assert (record["summary"], record["tags"], record["attributes"]) == (None, [], {})
    assert ("depends_on", "service:ledger") in edges(document, "runbook:refunds")
    assert document["tagIndex"] == {}
    assert "runbooks/refunds.md" not in read(brain, commit, "search-manifest")["documents"]


def test_every_searchable_file_is_in_the_search_manifest(brain: Brain) -> None:
    commit = brain.commit({"notes/2026-03-04-call.md": "---\nsensitivity: restricted\n---\n# Call\n\nx\n",
                           "graph/services/broken.yaml": "a: [\n"})  # fmt: skip
    document = read(brain, commit, "search-manifest")
    assert list(document["documents"]) == [
        "README.md", "babysitter/MEMORY.md", "graph/services/broken.yaml", "graph/services/fx-rates.yaml",
        "graph/services/ledger.yaml", "graph/teams/core.yaml", "notes/2026-03-04-call.md", "notes/meeting.md",
        "runbooks/refunds.md",
    ]  # fmt: skip
    call = document["documents"]["notes/2026-03-04-call.md"]
    del call["digest"]
    assert call == {
        "class": "note", "id": None, "kind": None, "title": "Call", "status": "draft", "sensitivity": "restricted",
        "owners": [], "tags": [], "repoRefs": [], "bytes": 42, "lines": 6, "freshnessDate": "2026-03-04",
        "parseError": False,
    }  # fmt: skip
    broken = document["documents"]["graph/services/broken.yaml"]
    assert (broken["parseError"], broken["sensitivity"]) == (True, None)
    sizes = [entry["bytes"] for entry in document["documents"].values()]
    assert document["stats"] == {"documents": 9, "bytes": sum(sizes)}


def test_the_report_lists_what_wants_attention(brain: Brain) -> None:
    commit = brain.commit(
        {
            "graph/services/ledger.yaml": LEDGER.replace("fx-rates", "gone").replace("2025", "2020"),
            "graph/teams/web.yaml": graph("Team", "team:web").replace("owners: [team:core]", "owners: []"),
            "runbooks/refunds.md": SECRET_RECORD,
        }
    )
    document = read(brain, commit, "ontology-report")
    assert document["reports"] == {
        "unowned": ["team:web"],
        "stale": ["service:ledger"],
        "danglingEdges": ["service:ledger"],
        "sensitive": {"restricted": [], "secret-metadata": ["runbook:refunds"]},
        "deprecatedKinds": [],
    }
    assert (document["result"], document["profile"]) == ("invalid", "R")
    assert document["countsByCode"] == {"KB038": 1, "KB050": 1, "KB053": 1}
    assert document["counts"] == {"error": 2, "warning": 1, "info": 0}
    assert [one["line"] for one in document["diagnostics"]] == [7, 10, 6]


def test_a_report_has_the_same_digest_whenever_it_was_made(brain: Brain) -> None:
    document = read(brain, brain.repo.tip() or "", "ontology-report")
    later = {**document, "generatedAt": "2027-01-01T00:00:00Z", "sourceCommit": "0" * 40}
    assert report_digest(document) == report_digest(later)
    assert report_digest(document) != report_digest({**document, "result": "invalid"})


@pytest.mark.parametrize("kind", EXPORTS)
def test_cold_incremental_and_parallel_indexes_give_the_same_bytes(brain: Brain, tmp_path: Path, kind: str) -> None:
    many: dict[str, Content] = {
        f"graph/services/s{number:04}.yaml": graph("Service", f"service:s{number}") for number in range(600)
    }
    brain.builder.build(brain.target(brain.commit(many)))
    brain.builder.build(brain.target(brain.commit({"graph/services/s0300.yaml": None, "notes/x.md": "words\n"})))
    commit = brain.commit({"graph/services/s0400.yaml": graph("Service", "service:s5")})
    incremental = exported(brain, commit, kind)
    assert incremental == exported(brain, commit, kind, Builder(tmp_path / "cold", jobs=1))
    assert incremental == exported(brain, commit, kind, Builder(tmp_path / "parallel", jobs=3))


def committed(brain: Brain, kind: str = "graph-index", **changes: str) -> str:
    """A commit that holds a derived file of the commit before it, with some of its text replaced."""
    name = EXPORTS[kind].name
    text = exported(brain, brain.repo.tip() or "", kind).decode()
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    return brain.commit({f"indexes/{name}": text})


def test_a_committed_index_that_equals_a_rebuild_is_right(brain: Brain) -> None:
    for kind in EXPORTS:
        committed(brain, kind)
    assert brain.found(brain.repo.tip() or "") == []


def test_a_committed_index_of_other_files_is_stale(brain: Brain) -> None:
    committed(brain)
    commit = brain.commit({"notes/x.md": "# X\n\nx\n"})
    report = brain.validate(commit).report
    assert [(one.code, one.message) for one in report.diagnostics] == [
        ("KB070", "graph-index.json was built from another source digest")
    ]


def test_a_committed_index_that_was_edited_is_an_error(brain: Brain) -> None:
    committed(brain, Replaying="Undoing")
    assert brain.found(brain.repo.tip() or "") == ["KB071 indexes/graph-index.json:1:1"]
    commit = brain.commit({"indexes/graph-index.json": b"\xff\xfe nothing", "indexes/other.json": "{}"})
    assert brain.found(commit) == ["KB071 indexes/graph-index.json:1:1"]
