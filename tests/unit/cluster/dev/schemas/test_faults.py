"""Faults in the words of a real server."""

from __future__ import annotations

import pytest

from krate_gitops.cluster.dev.schemas.faults import OMITTED, go_quote, invalid, invalid_value, required, shown


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("a", '"a"'),
        ('"\\', '"\\"\\\\"'),
        ("\n\t\x00", '"\\n\\t\\x00"'),
        ("ü", '"ü"'),
        ("\u200b", '"\\u200b"'),
        ("\U000e0001", '"\\U000e0001"'),
    ],
)
def test_texts_are_quoted_as_go_does(text: str, quoted: str) -> None:
    assert go_quote(text) == quoted


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "1"), (1.0, "1"), (0.5, "0.5"), (True, "true"), (None, "null"), ([1, "a"], '[1,"a"]'), ("a", '"a"'),
        (float("inf"), "+Inf"), (float("-inf"), "-Inf"), (float("nan"), "NaN"),
    ],
)  # fmt: skip
def test_values_are_shown_as_go_does(value: object, text: str) -> None:
    assert shown(value) == text


def test_a_value_can_be_left_out() -> None:
    assert invalid_value("spec", OMITTED, "too much").message == "Invalid value: too much"


def test_one_fault_stands_alone_and_several_in_brackets() -> None:
    one, two = required("spec.a"), required("spec.b", "must be there")
    assert invalid("ConfigMap", "", "x", [one]).message == 'ConfigMap "x" is invalid: spec.a: Required value'
    failure = invalid("Widget", "example.com", "x", [one, two])
    assert failure.message == (
        'Widget.example.com "x" is invalid: [spec.a: Required value, spec.b: Required value: must be there]'
    )
    status = failure.status()
    assert (status["code"], status["reason"]) == (422, "Invalid")
    assert status["details"]["causes"][1] == {
        "reason": "FieldValueRequired",
        "message": "Required value: must be there",
        "field": "spec.b",
    }
