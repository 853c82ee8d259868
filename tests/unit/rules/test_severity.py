"""How serious findings are under the settings of a brain."""

from __future__ import annotations

import pytest

from krate_gitops.brain.model import Finding, Severity, ValidationRules
from krate_gitops.brain.rules.severity import Severities, result
from krate_gitops.brain.rules.table import LOCKED
from tests.unit.rules.sample import ontology

ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO


def test_a_finding_has_the_severity_of_its_rule_or_its_own() -> None:
    severities = Severities(ValidationRules())
    assert severities.of(Finding("KB053", "old"), "a.md") is WARNING
    assert severities.of(Finding("KB028", "closed", severity=ERROR), "a.md") is ERROR


def test_a_brain_raises_lowers_and_disables_rules() -> None:
    severities = Severities(
        ontology(
            rules="""\
            severity: {KB053: info, KB026: error, KB028: warning}
            disabled: [KB029]
            disabledPaths: {KB009: ["notes/scratch/**"]}
            """
        ).rules
    )
    assert severities.of(Finding("KB053", "old"), "a.md") is INFO
    assert severities.of(Finding("KB026", "undeclared"), "a.md") is ERROR
    assert severities.of(Finding("KB028", "closed", severity=ERROR), "a.md") is WARNING
    assert severities.of(Finding("KB029", "title"), "a.md") is None
    assert severities.of(Finding("KB009", "empty"), "notes/scratch/x.md") is None
    assert severities.of(Finding("KB009", "empty"), "notes/x.md") is WARNING


@pytest.mark.parametrize("code", sorted(LOCKED))
def test_locked_rules_hear_no_settings(code: str) -> None:
    rules = ValidationRules(severity={code: "info"}, disabled=(code,), disabled_paths={code: ("**",)})
    assert Severities(rules).of(Finding(code, "no"), "a.md") is ERROR


def test_a_locked_rule_may_still_grade_its_own_findings() -> None:
    example = Finding("KB060", "example-credential", severity=INFO)
    assert Severities(ValidationRules()).of(example, "a.md") is INFO


@pytest.mark.parametrize(
    ("counts", "fail_on", "expected"),
    [
        ({}, "error", "valid"),
        ({INFO: 9}, "error", "valid"),
        ({WARNING: 1, INFO: 9}, "error", "degraded"),
        ({ERROR: 1}, "error", "invalid"),
        ({ERROR: 0, WARNING: 0}, "error", "valid"),
        ({WARNING: 1}, "warning", "invalid"),
        ({INFO: 1}, "warning", "valid"),
    ],
)
def test_the_result_follows_the_threshold(counts: dict[Severity, int], fail_on: str, expected: str) -> None:
    assert result(counts, fail_on) == expected
