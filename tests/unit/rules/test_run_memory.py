"""Rules for what imports of runs leave in a brain."""

from __future__ import annotations

import pytest

from krate_gitops.brain.model import Finding, Severity
from krate_gitops.brain.ontology import OntologyIndex
from krate_gitops.brain.rules.place import document_ordinals
from krate_gitops.brain.rules.run_memory import (
    JournalEvent,
    check_retention,
    check_runs,
    is_normalised_run_file,
    journal_event,
    journal_sequences,
)
from tests.unit.rules.sample import check, graph, ontology, parse

RUN = "babysitter/runs/r1/run.yaml"
DIGEST = f"sourceDigest: sha256:{'0' * 64}"
COMPLETE = ("organization: org:acme", "repository: repository:payments", DIGEST)


def run(*more: str) -> str:
    return graph("BabysitterRun", "babysitter-run:r1", *more)


def codes(findings: list[Finding]) -> list[tuple[str, str, str]]:
    return [(finding.code, finding.field, finding.message) for finding in findings]


# Provenance and organization


def test_a_complete_run_is_fine() -> None:
    assert check(RUN, run(*COMPLETE)) == []


def test_a_run_says_where_it_comes_from() -> None:
    assert codes(check(RUN, run("sourceRefs: [issue:1]"))) == [
        ("KB090", "attributes.organization", "organization missing"),
        ("KB090", "attributes.repository", "repository missing"),
        ("KB090", "attributes.sourceDigest", "sourceDigest missing"),
    ]


def test_an_event_reaches_organization_and_repository_through_its_run() -> None:
    path = "babysitter/runs/r1/journal/000001.yaml"
    assert check(path, graph("RunJournalEvent", "run-journal-event:r1:000001", "sequence: 1", DIGEST)) == []


@pytest.mark.parametrize(
    ("organization", "stated", "expected"),
    [
        ("acme", "org:acme", []),
        ("acme", "acme", []),
        ("acme", "org:globex", ["KB091"]),
        ("acme", "org:acme:west", ["KB091"]),
        ("", "org:globex", []),
    ],
)
def test_a_run_belongs_to_this_organization(organization: str, stated: str, expected: list[str]) -> None:
    text = run(f"organization: {stated}", *COMPLETE[1:])
    found = [finding.code for finding in check(RUN, text, organization=organization) if finding.code != "KB021"]
    assert found == expected


def test_a_foreign_ontology_may_use_the_names_of_run_memory_for_its_own() -> None:
    index = OntologyIndex(ontology(rules="foreign: {multiDocument: true}\n", outside=True))
    text = graph("RunJournalEvent", "run-journal-event:started")
    assert check("graph/events.yaml", text, index=index) == []
    assert [finding.code for finding in check(RUN, text, index=index)] == ["KB054", "KB090"]


# Files of a run folder


@pytest.mark.parametrize(
    ("inside", "normalised"),
    [
        ("run.yaml", True),
        ("journal/000012.yaml", True),
        ("tasks/t2.yaml", True),
        ("artifacts/manifest.yaml", True),
        ("journal/.gitkeep", True),
        ("journal/12.yaml", False),
        ("journal/000012.json", False),
        ("tasks/t1.log", False),
        ("tasks/t1/output.yaml", False),
        ("artifacts/report.json", False),
        ("README.md", False),
        ("run.yaml.orig", False),
    ],
)
def test_run_folders_hold_only_normalised_files(inside: str, normalised: bool) -> None:
    assert is_normalised_run_file(f"babysitter/runs/r1/{inside}") is normalised


def test_files_beside_the_run_folders_are_no_artifacts() -> None:
    assert is_normalised_run_file("babysitter/runs/README.md")


# Order of the journal


def event(sequence: int, run: str = "babysitter-run:r1", path: str = "") -> JournalEvent:
    path = path or f"babysitter/runs/{run.partition(':')[2]}/journal/{sequence:06}.yaml"
    return JournalEvent(path, 0, f"run-journal-event:{sequence}", run, sequence)


def test_an_event_is_read_from_its_record() -> None:
    path = "babysitter/runs/r1/journal/000012.yaml"
    file = parse(path, graph("RunJournalEvent", "run-journal-event:r1:000012", "sequence: 12", DIGEST))
    by_id = journal_event(path, document_ordinals(file)[0], file.records[0])
    assert by_id == JournalEvent(path, 0, "run-journal-event:r1:000012", "babysitter-run:r1", 12)
    edges = ("sequence: 12", "edges:", "event_of_run: [{target: babysitter-run:other}]")
    file = parse(path, graph("RunJournalEvent", "run-journal-event:r1:000012", *edges))
    by_edge = journal_event(path, 0, file.records[0])
    assert by_edge is not None
    assert by_edge.run == "babysitter-run:other"


def test_an_event_without_a_number_has_no_place_in_the_order() -> None:
    path = "babysitter/runs/r1/journal/000012.yaml"
    file = parse(path, graph("RunJournalEvent", "run-journal-event:r1:000012", "sequence: twelve"))
    assert journal_event(path, 0, file.records[0]) is None


def test_numbers_in_a_row_are_fine_wherever_they_start() -> None:
    assert journal_sequences([event(3), event(2), event(4), event(9, "babysitter-run:r2")], {}) == []


def test_a_number_that_appears_twice_is_an_error_on_both() -> None:
    first = event(7, path="babysitter/runs/r1/journal/000007.yaml")
    second = event(7, path="babysitter/runs/r1/journal/000008.yaml")
    found = journal_sequences([second, first], {})
    assert [(path, finding.code, finding.message, finding.severity) for path, finding in found] == [
        (first.path, "KB092", "sequence 7 appears twice", None),
        (second.path, "KB092", "sequence 7 appears twice", None),
    ]
    assert [related.path for related in found[0][1].related] == [second.path]


@pytest.mark.parametrize(("tier", "gaps"), [("full-journal-redacted", 1), ("curated-journal", 0), ("", 1)])
def test_a_gap_is_a_warning_unless_the_journal_is_curated(tier: str, gaps: int) -> None:
    found = journal_sequences([event(1), event(5), event(6)], {"babysitter-run:r1": tier})
    assert len(found) == gaps
    for path, finding in found:
        assert path == event(5).path
        assert (finding.message, finding.severity) == ("sequence 5 follows 1", Severity.WARNING)


# Retention


def retention(attributes: tuple[str, ...], inside: tuple[str, ...]) -> list[str]:
    record = parse(RUN, run(*COMPLETE, *attributes)).records[0]
    paths = [f"babysitter/runs/r1/{name}" for name in ("run.yaml", *inside)]
    findings = check_retention(record, 0, paths)
    assert all(finding.code == "KB096" for finding in findings)
    return [finding.message for finding in findings]


JOURNAL, TASK, MANIFEST = "journal/000001.yaml", "tasks/t1.yaml", "artifacts/manifest.yaml"


@pytest.mark.parametrize(
    ("tier", "inside", "expected"),
    [
        ("summary-only", (TASK, MANIFEST), []),
        ("summary-only", (JOURNAL, TASK), ["summary-only run has journal files"]),
        ("summary-only", ("journal/.gitkeep",), []),
        ("curated-journal", (JOURNAL, TASK, MANIFEST), []),
        ("full-journal-redacted", (JOURNAL, TASK, MANIFEST), []),
        ("artifact-manifest-only", (MANIFEST,), []),
        ("artifact-manifest-only", (TASK,), ["artifact-manifest-only run has task files"]),
        ("everything", (), ['"everything" is no retention tier']),
    ],
)
def test_a_folder_holds_what_its_tier_keeps(tier: str, inside: tuple[str, ...], expected: list[str]) -> None:
    assert retention((f"retentionTier: {tier}",), inside) == expected


def test_a_curated_journal_is_a_selection() -> None:
    events = tuple(f"journal/{number:06}.yaml" for number in range(201))
    assert retention(("retentionTier: curated-journal",), events[:200]) == []
    [message] = retention(("retentionTier: curated-journal",), events)
    assert message == "curated-journal run has 201 journal files, 200 are the most"


def test_a_run_that_keeps_no_artifacts_has_no_manifest() -> None:
    attributes = ("retentionTier: summary-only", "artifactRetention: none")
    assert retention(attributes, (MANIFEST,)) == ["run that keeps no artifacts has an artifact manifest"]
    assert retention(attributes, ()) == []


def test_a_run_without_a_tier_is_reported_elsewhere() -> None:
    assert retention((), (JOURNAL,)) == []


def test_run_folders_are_judged_as_a_whole() -> None:
    def journal(run_id: str, number: int) -> tuple[str, str]:
        path = f"babysitter/runs/{run_id}/journal/{number:06}.yaml"
        return path, graph("RunJournalEvent", f"run-journal-event:{run_id}:{number:06}", f"sequence: {number}", DIGEST)

    second = graph("BabysitterRun", "babysitter-run:r2", *COMPLETE, "retentionTier: curated-journal")
    texts = [
        (RUN, run(*COMPLETE, "retentionTier: summary-only")),
        journal("r1", 1),
        ("babysitter/runs/r2/run.yaml", second),
        journal("r2", 1),
        journal("r2", 9),
        ("notes/a.md", "A note."),
    ]
    [(path, finding)] = check_runs([parse(path, text) for path, text in texts])
    assert (path, finding.code, finding.message) == (RUN, "KB096", "summary-only run has journal files")
    assert finding.field == "attributes.retentionTier"
    gap = check_runs([parse(path, text) for path, text in (texts[0], journal("r1", 1), journal("r1", 4))])
    assert [finding.code for _, finding in gap] == ["KB092", "KB096"]
