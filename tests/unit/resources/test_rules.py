"""One test a rule: broken, it is found at its place and nowhere else; mended, it is not found."""

from __future__ import annotations

import pytest

from krate_gitops.resources.rules.table import RULES, Effect, Rule
from tests.unit.resources.cases import CASES, Case
from tests.unit.resources.sample import MARK, check, marked, stack, whole

_IDS = [f"{case.code}-{sum(other.code == case.code for other in CASES[:at])}" for at, case in enumerate(CASES)]
_ELSEWHERE = {"KR203", "KR302", "KR706", "KR709", "KR710"}
"""Rules about files rather than fields; their tests are in test_loading, test_secrets and test_live_context."""


@pytest.mark.parametrize("case", CASES, ids=_IDS)
def test_a_breach_is_found_at_its_place_and_nowhere_else(case: Case) -> None:
    text, places = marked(case.bad)
    assert places
    found = [one for one in check(text, org=case.org, **case.context) if one.code == case.code]
    assert {(one.line, one.column) for one in found} == places


@pytest.mark.parametrize("case", CASES, ids=_IDS)
def test_what_was_mended_is_not_found(case: Case) -> None:
    text = case.bad.replace(MARK, "")
    mended = text.replace(*case.mend)
    assert mended != text
    assert case.code not in [one.code for one in check(mended, org=case.org, **case.context)]


def test_every_rule_has_a_case() -> None:
    assert {case.code for case in CASES} | _ELSEWHERE == set(RULES)


def test_a_stack_with_account_and_binding_is_flawless() -> None:
    assert check(whole(stack())) == []


@pytest.mark.parametrize("rule", RULES.values(), ids=list(RULES))
def test_rules_say_what_must_hold_and_what_to_do(rule: Rule) -> None:
    assert rule.checks
    assert rule.hint
    assert not rule.checks.endswith(".")
    assert (rule.severity.label == "error") == (rule.effect in (Effect.REJECT, Effect.STOP))
