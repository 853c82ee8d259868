"""Every code is known, means one thing, and has somebody who finds it."""

from __future__ import annotations

from krate_gitops.resources.permissions.reasons import REASONS
from krate_gitops.resources.rules.elsewhere import ELSEWHERE, REASON_CODES
from krate_gitops.resources.rules.table import RULES, Effect

_RANGES = (
    (1, 21), (101, 112), (201, 213), (301, 322), (401, 411), (501, 505), (601, 607), (701, 711), (720, 727),
    (730, 732), (740, 741), (801, 806),
)  # fmt: skip
HELD = {"KR313", "KR720", "KR721", "KR722", "KR723", "KR724", "KR727", "KR730", "KR731"}


def test_every_code_of_the_ranges_is_in_one_table() -> None:
    every = {f"KR{number:03}" for first, last in _RANGES for number in range(first, last + 1)}
    assert set(RULES) | set(ELSEWHERE) == every
    assert not set(RULES) & set(ELSEWHERE)


def test_effects_are_those_of_the_contract() -> None:
    assert {code for code, one in ELSEWHERE.items() if one.effect is Effect.HOLD} == HELD
    assert all(one.effect is Effect.REFUSE for code, one in ELSEWHERE.items() if code.startswith("KR8"))
    assert all(one.says and not one.says.endswith(".") for one in ELSEWHERE.values())


def test_reasons_of_the_review_name_known_rules() -> None:
    assert set(REASON_CODES) <= set(REASONS)
    assert set(REASON_CODES.values()) <= set(RULES) | set(ELSEWHERE)
