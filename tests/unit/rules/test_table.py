"""The rule table is complete, and says the same everywhere."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from krate_gitops.brain.model import Severity
from krate_gitops.brain.rules.table import LOCKED, RULES, Rule

CODES_IN_SOURCE = {
    code
    for file in (Path(__file__).parents[3] / "krate_gitops").rglob("*.py")
    for code in re.findall(r'"(KB\d{3})"', file.read_text())
}


@pytest.mark.parametrize("rule", RULES.values(), ids=list(RULES))
def test_every_rule_is_explained(rule: Rule) -> None:
    assert re.fullmatch(r"KB\d{3}", rule.code)
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", rule.name)
    for line in (rule.checks, rule.hint):
        assert 10 <= len(line) <= 100
        assert "\n" not in line
        assert not line.endswith(".")
    assert rule.profiles
    assert rule.profiles <= {"R", "U", "I"}


def test_names_and_codes_are_unique_and_in_order() -> None:
    assert max(Counter(rule.name for rule in RULES.values()).values()) == 1
    assert list(RULES) == sorted(RULES)
    assert len(RULES) == 75


def test_every_code_that_the_program_reports_is_in_the_table() -> None:
    assert not CODES_IN_SOURCE - RULES.keys()


def test_what_protects_readers_is_locked() -> None:
    numbers = [*range(1, 9), 13, 33, 34, 60, 63, 64, *range(80, 84), 90, 91, 96]
    assert sorted(LOCKED) == [f"KB{number:03}" for number in numbers]
    assert all(RULES[code].severity is Severity.ERROR for code in LOCKED)


def test_rules_about_changes_run_on_changes_only() -> None:
    update = {code for code, rule in RULES.items() if rule.profiles == {"U"}}
    assert update == {"KB034", "KB052", "KB057", "KB058", "KB065", "KB085", "KB087"}
    assert {code for code, rule in RULES.items() if rule.profiles == {"R"}} == {"KB070", "KB072"}
