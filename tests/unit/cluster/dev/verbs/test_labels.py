"""Label selectors: what they match and how they are refused."""

from __future__ import annotations

import pytest

from krate_gitops.cluster.dev.failure import ApiFailure
from krate_gitops.cluster.dev.verbs.labels import parse_labels

WEB, DB, NONE, EMPTY = {"tier": "web", "env": "prod"}, {"tier": "db"}, {}, {"tier": "", "5": "9"}


@pytest.mark.parametrize(
    ("text", "matching"),
    [
        ("", [WEB, DB, NONE, EMPTY]),
        ("tier=web", [WEB]),
        ("tier == web", [WEB]),
        ("tier!=web", [DB, NONE, EMPTY]),
        ("tier in (web, db)", [WEB, DB]),
        ("tier notin (web)", [DB, NONE, EMPTY]),
        ("tier", [WEB, DB, EMPTY]),
        ("!tier", [NONE]),
        ("tier=", [EMPTY]),
        ("tier in ()", [EMPTY]),
        ("tier in (,web)", [WEB, EMPTY]),
        ("tier in (web,)", [WEB, EMPTY]),
        ("tier=web,env!=prod", []),
        ("5>8", [EMPTY]),
        ("5<8", []),
        ("tier>8", []),
        ("in=a", []),
        ("notin", []),
    ],
)
def test_selects(text: str, matching: list[dict[str, str]]) -> None:
    selector = parse_labels(text)
    assert [each for each in (WEB, DB, NONE, EMPTY) if selector.matches(each)] == matching


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a in b", "unable to parse requirement: found 'b' expected: '('"),
        ("a=b c", "found 'c', expected: ',' or 'end of string'"),
        ("a===", "unable to parse requirement: found '=', expected: identifier"),
        ("a,", "found '', expected: identifier after ','"),
        (",a", "found ',', expected: !, identifier, or 'end of string'"),
        ("a in (b", "unable to parse requirement: found '', expected: ',', ')' or identifier"),
        ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
    ],
)
def test_refuses(text: str, message: str) -> None:
    with pytest.raises(ApiFailure) as error:
        parse_labels(text)
    assert (error.value.code, error.value.message) == (400, message)


@pytest.mark.parametrize("text", ["-a=b", "a/=b", "/a=b", "a/b/c=d", f"{'a' * 64}=b", f"a={'b' * 64}", "a=-b", "a>x"])
def test_refuses_names_and_values_that_no_label_has(text: str) -> None:
    with pytest.raises(ApiFailure, match="Invalid value"):
        parse_labels(text)
