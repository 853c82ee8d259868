"""The base ontology, the seed of a brain, and the examples that are shipped."""

from __future__ import annotations

from pathlib import Path

import pytest

from krate_gitops.brain.attribute_types import fits
from krate_gitops.brain.globs import compile_globs
from krate_gitops.brain.layout import EXPECTED_ENTRIES, REQUIRED_ENTRIES, Classifier
from krate_gitops.brain.model import FileClass, Ontology
from krate_gitops.brain.ontology import EDGE_KINDS, NODE_KINDS, RULES, VOCABULARY, OntologyIndex, load_ontology
from krate_gitops.brain.parse import FileParser, Profile
from krate_gitops.brain.seed import base_ontology, seed_files
from krate_gitops.errors import UsageError

EXAMPLES = Path(__file__).parents[3] / "examples"


def ontology_in(folder: Path, *, outside: bool = False) -> Ontology:
    files = {f"ontology/{path.name}": path.read_bytes() for path in folder.glob("*.yaml")}
    return load_ontology(files, outside=outside)


def test_the_base_ontology_loads_without_a_finding() -> None:
    ontology = load_ontology(base_ontology())
    assert ontology.findings == ()
    assert (len(ontology.node_kinds), len(ontology.edge_kinds), len(ontology.external_prefixes)) == (20, 22, 11)


def test_the_base_ontology_holds_the_kinds_of_run_memory() -> None:
    ontology = load_ontology(base_ontology())
    assert ontology.node_kinds["BabysitterRun"].required[-1] == "retentionTier"
    assert ontology.edge_kinds["has_journal_event"].inverse == "event_of_run"
    exactly_one = ontology.edge_kinds["event_of_run"]
    assert (exactly_one.min_per_source, exactly_one.max_per_source) == (1, 1)
    direct = {name for name, kind in ontology.node_kinds.items() if kind.archive_direct}
    assert direct == {
        "Incident", "BabysitterRun", "BabysitterSession", "RunJournalEvent", "RunTaskResult", "RunRetrospective"
    }  # fmt: skip
    leaves = {name for name, kind in ontology.edge_kinds.items() if kind.traverse == "leaf"}
    assert leaves == {
        "owned_by", "applies_to_stack", "mentions", "requires_secret", "requires_config", "safe_for_trigger",
        "produced_artifact",
    }  # fmt: skip


def test_applies_to_repo_starts_anywhere_but_at_organizations_and_teams() -> None:
    ontology = load_ontology(base_ontology())
    assert set(ontology.edge_kinds["applies_to_repo"].domain) == set(ontology.node_kinds) - {"Organization", "Team"}


def test_the_seed_holds_every_entry_of_the_layout() -> None:
    files = seed_files("acme")
    assert set(REQUIRED_ENTRIES) | set(EXPECTED_ENTRIES) <= set(files)
    assert list(files) == sorted(files)
    classify = Classifier(None, compile_globs)
    assert all(classify(path) is not FileClass.UNCLASSIFIED for path in files)
    assert b"acme" in files["README.md"]
    assert all(data == b"" for path, data in files.items() if path.endswith(".gitkeep"))


def test_the_seed_has_nothing_to_complain_about() -> None:
    assert findings_of(seed_files("acme")) == []


@pytest.mark.parametrize("name", ["", "a b", "../x", "-x", "{organization}", "x" * 64])
def test_an_organization_needs_a_name(name: str) -> None:
    with pytest.raises(UsageError) as failure:
        seed_files(name)
    assert failure.value.code == "ORG_NAME_INVALID"


def findings_of(files: dict[str, bytes]) -> list[tuple[str, str, str]]:
    """What parsing and the ontology have to say about each file of a brain."""
    ontology = load_ontology(files)
    index = OntologyIndex(ontology)
    tags = ontology.vocabularies.get("tags")
    classify, parser = Classifier(None, compile_globs), FileParser(Profile())
    found = [(item.path, item.finding.code, item.finding.message) for item in ontology.findings]
    for path, data in files.items():
        parsed, _, _ = parser.parse(path, "0" * 40, classify(path), data)
        found += [(path, finding.code, finding.message) for finding in parsed.findings]
        for record in parsed.records:
            kind = ontology.node_kinds[record.kind]
            if not index.path_fits(record.kind, path):
                found.append((path, "KB011", record.kind))
            for name, value in record.attributes.items():
                if name not in kind.attributes or not fits(kind.attributes[name], value):
                    found.append((path, "KB021", name))
            found += [(path, "KB028", tag) for tag in record.tags if tags and tags.values and tag not in tags.values]
            for edge in record.edges:
                if edge.kind not in ontology.edge_kinds or not index.admits_source(edge.kind, record.kind):
                    found.append((path, "KB036", edge.kind))
    return found


def example_brain() -> dict[str, bytes]:
    folder = EXAMPLES / "brain"
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_example_brain_has_nothing_to_complain_about() -> None:
    files = example_brain()
    assert findings_of(files) == []
    assert len(files) > 35


def test_the_example_brain_uses_the_base_kinds_as_they_are() -> None:
    files, base = example_brain(), base_ontology()
    assert (files[NODE_KINDS], files[EDGE_KINDS]) == (base[NODE_KINDS], base[EDGE_KINDS])


def test_the_atlas_ontology_loads_from_outside_only() -> None:
    ontology = ontology_in(EXAMPLES / "atlas-ontology", outside=True)
    assert ontology.findings == ()
    assert (len(ontology.node_kinds), len(ontology.edge_kinds)) == (242, 383)
    assert {"ProviderTranslation", "EvidenceClaim", "AdapterModel"}.isdisjoint(ontology.node_kinds)
    assert {item.path for item in ontology_in(EXAMPLES / "atlas-ontology").findings} >= {RULES}
    assert VOCABULARY in {f"ontology/{path.name}" for path in (EXAMPLES / "atlas-ontology").iterdir()}
