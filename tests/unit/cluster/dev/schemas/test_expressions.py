"""Expressions in CEL: what compiles, what it gives, and what is said where it doesn't."""

from __future__ import annotations

from typing import Any

import pytest

from krate_gitops.cluster.dev.schemas.expressions import LONGEST_EXPRESSION, RULE, ExpressionError, compiled


@pytest.mark.parametrize(
    ("text", "value", "result"),
    [
        ("self.startsWith('a')", "ab", True),
        ("!has(self.min) || self.min <= self.max", {"min": 3, "max": 2}, False),
        ("!has(self.min) || self.min <= self.max", {}, True),
        ("'a' in self", ["b", "a"], True),
        ("self.all(name, self[name] > 1)", {"a": 2, "b": 3}, True),
        ("self.x == 2", {"x": 2.0}, True),
        ("self == null", None, True),
        ("timestamp(self) > timestamp('2020-01-01T00:00:00Z')", "2021-01-01T00:00:00Z", True),
        ("self.matches('^a+$')", "aa", True),
        ("self.?a.orValue(1) == 1", {}, True),
        ("cel.bind(x, self, x + x) == 4", 2, True),
        ("self.lowerAscii() + '!'", "A", "a!"),
        ("self.isSorted()", [1, 3, 2], False),
        ("self.map(x, x * 2).sum()", [1, 2], 6),
        ("self.min() + self.max()", [1, 5], 6),
        ("self.find('[0-9]+')", "a12b3", "12"),
        ("self.findAll('[0-9]+')", "a12b3", ["12", "3"]),
        ("self.findAll('[0-9]+', 1)", "a12b3", ["12"]),
        ("self.find('z')", "a", ""),
        ("isQuantity(self)", "1Gi", True),
        ("isQuantity(self)", "1Zz", False),
        ("quantity(self).isGreaterThan(quantity('1M'))", "1Gi", True),
        ("quantity(self).compareTo(quantity('1k'))", "1000", 0),
        ("quantity(self).asInteger()", "2k", 2000),
        ("isIP(self) && !isCIDR(self)", "10.0.0.1", True),
        ("isCIDR(self)", "10.0.0.0/8", True),
        ("isURL(self)", "https://example.com/x", True),
    ],
)
def test_an_expression_has_a_value(text: str, value: Any, result: Any) -> None:
    assert compiled(text, RULE).evaluate({"self": value}) == result


@pytest.mark.parametrize(
    ("text", "wanted", "said"),
    [
        ("self.", "", "compilation failed: ERROR: <input>:1:6: Syntax error"),
        ("other > 1", "", "undeclared reference to 'other'"),
        ("self.nothing()", "", "undeclared reference to 'nothing'"),
        ("'a' + 1", "", "found no matching overload for '_+_'"),
        ("1 + 1", "BOOL", "must evaluate to bool"),
        ("self == 1", "STRING", "must evaluate to string"),
        ("1" * (LONGEST_EXPRESSION + 1), "", "is longer than"),
    ],
)
def test_what_is_no_expression_is_refused(text: str, wanted: str, said: str) -> None:
    with pytest.raises(ExpressionError) as refused:
        compiled(text, RULE, wanted)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("text", "value", "said"),
    [
        ("self.a > 1", {}, "no such key: a"),
        ("self > 'a'", 1, "no such overload"),
        ("self / 0 == 1", 1, "divide by zero"),
        ("self[3] == 1", [1], "index=3 size=1"),
        ("self > 1", 2**64, "out of range"),
        ("quantity(self) > 1.0", "x", ""),
    ],
)
def test_an_expression_without_a_value_says_why(text: str, value: Any, said: str) -> None:
    with pytest.raises(ExpressionError) as failed:
        compiled(text, RULE).evaluate({"self": value})
    assert said in str(failed.value)


def test_an_expression_is_compiled_once() -> None:
    assert compiled("self.once == 1", RULE, "BOOL") is compiled("self.once == 1", RULE, "BOOL")
