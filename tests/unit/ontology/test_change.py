"""Two ontologies compared: levels, versions (KB087) and removed parts in use (KB085)."""

from __future__ import annotations

import pytest

from krate_gitops.brain.model import Ontology
from krate_gitops.brain.ontology import (
    EDGE_KINDS,
    NODE_KINDS,
    RULES,
    VOCABULARY,
    ChangeLevel,
    Usage,
    check_bump,
    classify_change,
    load_ontology,
    removed_in_use,
)
from tests.unit.ontology.sample import edited, loaded

SEVERITY = "staleAfterDays: 90\nseverity: {KB053: "

CHANGES = [
    (NODE_KINDS, "A group.", "A group of people.", "patch"),
    (NODE_KINDS, '["team:core"]', '["team:core", "team:ops"]', "patch"),
    (NODE_KINDS, "A person", "Someone", "patch"),
    (NODE_KINDS, "  - name: Team", "  - {name: Term, idPrefix: term}\n  - name: Team", "minor"),
    (NODE_KINDS, "trigger: {type: string}", "trigger: {type: string}\n      note: {type: text}", "minor"),
    (NODE_KINDS, "trigger: {type: string}", "trigger: {type: text}", "minor"),
    (NODE_KINDS, "level: {type: enum, values: [low, 2, true]}", "level: {type: object}", "minor"),
    (NODE_KINDS, "[low, 2, true]", "[low, 2, true, high]", "minor"),
    (NODE_KINDS, ', kinds: [Team]', "", "minor"),
    (NODE_KINDS, "required: [trigger]", "required: []", "minor"),
    (NODE_KINDS, 'paths: ["graph/teams/**"]', 'paths: ["graph/teams/**", "teams/**"]', "minor"),
    (NODE_KINDS, 'paths: ["graph/teams/**"]', "", "minor"),
    (NODE_KINDS, "required: [trigger]", "required: [trigger]\n    state: deprecated", "minor"),
    (NODE_KINDS, "required: [trigger]", "required: [trigger]\n    reviewAfterDays: 30", "minor"),
    (NODE_KINDS, "required: [trigger]", "required: [trigger]\n    archiveDirect: true", "minor"),
    (NODE_KINDS, "trigger: {type: string}", "trigger: {type: url}", "major"),
    (NODE_KINDS, "      trigger: {type: string}\n", "", "major"),
    (NODE_KINDS, "[low, 2, true]", "[low, 2]", "major"),
    (NODE_KINDS, "required: [trigger]", "required: [trigger, level]", "major"),
    (NODE_KINDS, "required: [trigger]", "required: [trigger]\n    forms: [markdown]", "major"),
    (NODE_KINDS, "required: [trigger]", "required: [trigger]\n    minSensitivity: restricted", "major"),
    (NODE_KINDS, "idPrefix: runbook", "idPrefix: rb", "major"),
    (NODE_KINDS, "name: Runbook", "name: Procedure", "major"),
    (NODE_KINDS, "  - {prefix: user, description: A person}", "  []", "major"),
    (EDGE_KINDS, "external: [user]", "external: [user, issue]", "minor"),
    (EDGE_KINDS, "range: [Team]", 'range: ["*"]', "minor"),
    (EDGE_KINDS, "acyclic: error", "acyclic: warn", "minor"),
    (EDGE_KINDS, "external: [user]\n", "external: []\n", "major"),
    (EDGE_KINDS, "domain: [Runbook]", "domain: [Team]", "major"),
    (EDGE_KINDS, "    range: [Team]\n", "    range: [Team]\n    domain: [Runbook]\n", "major"),
    (EDGE_KINDS, "external: [user]", "external: [user]\n    maxPerSource: 1", "major"),
    (EDGE_KINDS, "external: [user]", "external: [user]\n    minPerSource: 1", "major"),
    (EDGE_KINDS, "external: [user]", "external: [user]\n    traverse: leaf", "major"),
    (EDGE_KINDS, "external: [user]", "external: [user]\n    inverse: supersedes", "minor"),
    (VOCABULARY, "[refunds, ledger]", "[refunds, ledger, fx]", "minor"),
    (VOCABULARY, "[refunds, ledger]", "[refunds]", "major"),
    (VOCABULARY, "closed: false", "closed: true", "major"),
    (VOCABULARY, "{refund: refunds}", "{refund: refunds, book: ledger}", "minor"),
    (VOCABULARY, "  tags:", "  owners: {closed: true, values: []}\n  tags:", "major"),
    (RULES, "staleAfterDays: 90", "staleAfterDays: 30", "minor"),
    (RULES, "staleAfterDays: 90", SEVERITY + "info}", "minor"),
    (RULES, "staleAfterDays: 90", SEVERITY + "error}", "major"),
    (RULES, "staleAfterDays: 90", "staleAfterDays: 90\nfailOn: warning", "major"),
    (RULES, "staleAfterDays: 90", "staleAfterDays: 90\ndisabled: [KB009]", "minor"),
    (RULES, "staleAfterDays: 90", "staleAfterDays: 90\nlimits: {noteBytes: 1000}", "major"),
    (RULES, "staleAfterDays: 90", "staleAfterDays: 90  # a comment", "none"),
]  # fmt: skip


def with_version(ontology_files: dict[str, bytes], version: str) -> Ontology:
    return load_ontology({path: data.replace(b"1.2.0", version.encode()) for path, data in ontology_files.items()})


@pytest.mark.parametrize(("path", "old", "new", "level"), CHANGES)
def test_a_change_has_the_level_of_what_it_does_to_content(path: str, old: str, new: str, level: str) -> None:
    change = classify_change(loaded(), loaded(path, old, new))
    assert change.level.label == level
    assert [reason.level for reason in change.reasons] == sorted((r.level for r in change.reasons), reverse=True)


def test_re_enabling_a_rule_narrows() -> None:
    old = loaded(RULES, "staleAfterDays: 90", "disabled: [KB009]\nstaleAfterDays: 90")
    assert classify_change(old, loaded()).level is ChangeLevel.MAJOR


@pytest.mark.parametrize(
    ("version", "complains"),
    [("1.2.0", True), ("1.2.1", True), ("1.3.0", True), ("2.0.0", False), ("3.1.0", False), ("0.9.0", True)],
)
def test_kb087_a_removed_kind_needs_a_major_bump(version: str, complains: bool) -> None:
    new = with_version(edited(NODE_KINDS, "name: Runbook", "name: Procedure"), version)
    findings = check_bump(loaded(), new)
    assert [item.finding.code for item in findings] == (["KB087"] if complains else [])


@pytest.mark.parametrize(("version", "complains"), [("1.2.0", True), ("1.2.1", False), ("1.3.0", False)])
def test_kb087_wording_needs_a_patch(version: str, complains: bool) -> None:
    new = with_version(edited(NODE_KINDS, "A group.", "A team."), version)
    assert bool(check_bump(loaded(), new)) is complains


def test_kb087_says_what_and_which_version() -> None:
    [found] = check_bump(loaded(), loaded(NODE_KINDS, "name: Runbook", "name: Procedure"))
    assert found.path == NODE_KINDS
    assert found.finding.message == "kind Runbook removed without a major bump"
    assert found.finding.hint == "set ontologyVersion to 2.0.0"


def test_kb087_a_version_never_goes_back() -> None:
    [found] = check_bump(loaded(), with_version(edited(), "1.1.9"))
    assert found.finding.message == "ontologyVersion went back from 1.2.0 to 1.1.9"


def test_an_unchanged_ontology_needs_no_bump() -> None:
    assert check_bump(loaded(), loaded()) == []
    assert check_bump(loaded(), with_version(edited(), "1.2.1")) == []


def test_kb085_removed_parts_that_are_still_used() -> None:
    old = loaded()
    usage = Usage(
        node_kinds={"Runbook": 12, "Team": 1}, edge_kinds={"supersedes": 1}, attributes={("Runbook", "trigger"): 3}
    )
    no_kind = loaded(NODE_KINDS, "name: Runbook", "name: Procedure")
    no_attribute = loaded(NODE_KINDS, "      trigger: {type: string}\n", "")
    no_edge = loaded(EDGE_KINDS, "name: supersedes", "name: replaces")
    messages = [
        [i.finding.message for i in removed_in_use(old, new, usage)] for new in (no_kind, no_attribute, no_edge)
    ]
    assert messages == [
        ["Runbook removed but used by 12 records"],
        ["Runbook.trigger removed but used by 3 records"],
        ["supersedes removed but used by 1 edge"],
    ]
    assert removed_in_use(old, no_kind, Usage()) == []
