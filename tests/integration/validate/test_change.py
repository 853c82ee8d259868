"""Profile U: what a change may not do, and what it spoils elsewhere."""

from __future__ import annotations

import pytest

from krate_gitops.brain.seed import base_ontology
from tests.integration.validate.brains import LEDGER, RUNBOOK, Brain, graph
from tests.repos import Content


def test_a_change_without_faults_is_valid(brain: Brain) -> None:
    base = brain.repo.tip()
    head = brain.commit({"runbooks/refunds.md": RUNBOOK.replace("2025-12-30", "2025-12-31") + "More.\n"})
    report = brain.validate(head, base=base).report
    assert (report.diagnostics, report.profile, report.result) == ([], "U", "valid")
    assert (report.files, report.records, report.commit) == (1, 1, head)


def test_a_commit_against_itself_has_nothing_to_say(brain: Brain) -> None:
    base = brain.commit({"notes/x.md": "words\n"})
    report = brain.validate(base, base=base).report
    assert (report.diagnostics, report.files) == ([], 0)


FORBIDDEN: dict[str, tuple[dict[str, Content], list[str]]] = {
    "an id that changes": (
        {"graph/teams/web.yaml": graph("Team", "team:www")},
        ["KB034 graph/teams/web.yaml:2:5"],
    ),
    "a status that goes back": (
        {"graph/teams/web.yaml": graph("Team", "team:web", status="draft")},
        ["KB052 graph/teams/web.yaml:5:11", "KB058 graph/teams/web.yaml:7:14"],
    ),
    "a new record that is archived": (
        {"graph/teams/new.yaml": graph("Team", "team:new", status="archived")},
        ["KB052 graph/teams/new.yaml:5:11"],
    ),
    "a deletion of an approved record": ({"graph/teams/web.yaml": None}, ["KB057 graph/teams/web.yaml:1:1"]),
    "a text that changes without its time": (
        {"runbooks/refunds.md": RUNBOOK + "More.\n"},
        ["KB058 runbooks/refunds.md:9:12"],
    ),
    "a sensitivity that is lowered": (
        {"graph/teams/web.yaml": graph("Team", "team:web", more="  sensitivity: public\n")},
        ["KB058 graph/teams/web.yaml:7:14", "KB065 graph/teams/web.yaml:8:16"],
    ),
}


@pytest.mark.parametrize("name", FORBIDDEN)
def test_what_a_change_may_not_do_is_found_at_its_place(brain: Brain, name: str) -> None:
    files, expected = FORBIDDEN[name]
    base = brain.commit({"graph/teams/web.yaml": graph("Team", "team:web")})
    head = brain.commit(files)
    assert brain.found(head, base=base) == expected


def test_a_record_that_moves_is_neither_deleted_nor_new(brain: Brain) -> None:
    base = brain.repo.tip()
    head = brain.commit({"graph/services/ledger.yaml": None, "graph/services/payments/ledger.yaml": LEDGER})
    assert brain.found(head, base=base) == []


def test_faults_that_were_there_before_are_no_matter_of_the_change(brain: Brain) -> None:
    base = brain.commit({"notes/old.md": "words\n", "graph/services/x.yaml": "a: [\n"})
    head = brain.commit({"notes/new.md": "words\n"})
    assert brain.found(head, base=base) == ["KB030 notes/new.md:1:1"]


def test_a_change_answers_for_what_it_breaks_elsewhere(brain: Brain) -> None:
    base = brain.commit({"graph/services/fx-rates.yaml": graph("Service", "service:fx-rates", status="draft")})
    head = brain.commit({"graph/services/fx-rates.yaml": None})
    assert brain.found(head, base=base) == ["KB038 graph/services/ledger.yaml:10:15"]


def test_time_that_passes_is_no_fault_of_a_change(brain: Brain) -> None:
    base = brain.repo.tip()
    head = brain.commit({"notes/x.md": "# X\n\nx\n"}, at=1_900_000_000)
    assert brain.found(head, base=base) == []
    assert {one[:5] for one in brain.found(head)} == {"KB053"}


def test_an_ontology_that_loses_what_is_used_needs_a_new_major_version(brain: Brain) -> None:
    base = brain.repo.tip()
    edges = base_ontology()["ontology/edge-kinds.yaml"].decode()
    start = edges.index("  - name: depends_on")
    end = edges.index("  - name:", start + 1)
    head = brain.commit({"ontology/edge-kinds.yaml": edges[:start] + edges[end:]})
    found = brain.validate(head, base=base).report.diagnostics
    by_code = {one.code: one for one in found}
    assert by_code.keys() == {"KB035", "KB085", "KB087"}
    assert by_code["KB085"].message == "depends_on removed but used by 2 edges"
    lines = (edges[:start] + edges[end:]).split("\n")
    assert lines[by_code["KB087"].line - 1].startswith("ontologyVersion: ")
    # Files that nobody touched are wrong now, and that is the change's doing.
    assert {one.path for one in found if one.code == "KB035"} == {"graph/services/ledger.yaml", "runbooks/refunds.md"}


def test_an_attribute_removed_in_use_is_found(brain: Brain) -> None:
    base = brain.commit({"graph/teams/core.yaml": graph("Team", "team:core", more="  contact: nobody\n")})
    nodes = base_ontology()["ontology/node-kinds.yaml"].decode()
    line = next(text for text in nodes.split("\n") if text.strip().startswith("contact:"))
    head = brain.commit({"ontology/node-kinds.yaml": nodes.replace(line + "\n", "")})
    found = [one for one in brain.validate(head, base=base).report.diagnostics if one.code == "KB085"]
    assert [one.message for one in found] == ["Team.contact removed but used by 1 record"]
