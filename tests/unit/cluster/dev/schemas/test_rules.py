"""Rules of schemas (``x-kubernetes-validations``): when they run, and what they say."""

from __future__ import annotations

from typing import Any

import pytest

from krate_gitops.cluster.dev.schemas.rules import for_cel
from krate_gitops.cluster.dev.schemas.structural import compile_schema

NOTHING = object()


def told(node: dict[str, Any], value: Any, old: Any = NOTHING) -> list[str]:
    """What is wrong with ``x`` of an object that also says something new."""
    structural = compile_schema({"type": "object", "properties": {"x": node, "more": {"type": "integer"}}})
    before = {} if old is NOTHING else {"x": old}
    found = structural.validate({"x": value, "more": 1}, None if old is NOTHING else before)
    return [f"{fault.field}: {fault.message}" for fault in found]


def ruled(type_: str, rule: str, **more: Any) -> dict[str, Any]:
    """A node of one type with one rule."""
    return {"type": type_, "x-kubernetes-validations": [{"rule": rule, **more}]}


@pytest.mark.parametrize(
    ("node", "value", "messages"),
    [
        (ruled("integer", "self > 1"), 2, []),
        (ruled("integer", "self > 1"), 1, ["x: Invalid value: 1: failed rule: self > 1"]),
        (ruled("integer", "self > 1", message="too low"), 1, ["x: Invalid value: 1: too low"]),
        (
            ruled("integer", "self > 1", message="low", messageExpression="'only ' + string(self)"),
            1,
            ["x: Invalid value: 1: only 1"],
        ),
        (
            ruled("integer", "self > 1", message="low", messageExpression="self.a.b"),
            1,
            ["x: Invalid value: 1: low"],
        ),
        (ruled("integer", "self > 1", message="low", messageExpression="''"), 1, ["x: Invalid value: 1: low"]),
        (ruled("integer", "self > 1", message="low", reason="FieldValueForbidden"), 1, ["x: Forbidden: low"]),
        (ruled("integer", "self > 1", message="low", reason="FieldValueRequired"), 1, ["x: Required value: low"]),
        (
            ruled("integer", "self > 1", message="low", reason="FieldValueDuplicate"),
            1,
            ["x: Duplicate value: 1: low"],
        ),
        (
            {**ruled("object", "self.a > 1", message="low", fieldPath=".a"), "properties": {"a": {"type": "integer"}}},
            {"a": 1},
            ["x.a: Invalid value: low"],
        ),
        (
            {**ruled("object", "self.a > 1"), "properties": {"a": {"type": "integer"}}},
            {},
            ["x: Invalid value: no such key: a evaluating rule: self.a > 1"],
        ),
        (
            {"type": "array", "items": ruled("string", "self.startsWith('a')")},
            ["ab", "b"],
            ["x[1]: Invalid value: \"b\": failed rule: self.startsWith('a')"],
        ),
        (
            {"type": "object", "additionalProperties": ruled("integer", "self > 1", message="low")},
            {"k": 1},
            ["x[k]: Invalid value: 1: low"],
        ),
        (
            {**ruled("object", "self.a__dash__b > self.__in__"), "properties": {
                "a-b": {"type": "integer"}, "in": {"type": "integer"}}},
            {"a-b": 2, "in": 1},
            [],
        ),
    ],
)  # fmt: skip
def test_a_rule_that_fails_is_told(node: dict[str, Any], value: Any, messages: list[str]) -> None:
    assert told(node, value) == messages


@pytest.mark.parametrize(
    ("rule", "optional", "old", "new", "holds"),
    [
        ("self == oldSelf", False, NOTHING, 1, True),
        ("self == oldSelf", False, 1, 2, False),
        ("self == oldSelf", False, 1, 1, True),
        ("oldSelf.hasValue() || self == 7", True, NOTHING, 7, True),
        ("oldSelf.hasValue() || self == 7", True, NOTHING, 8, False),
        ("!oldSelf.hasValue() || self > oldSelf.value()", True, 1, 2, True),
        ("!oldSelf.hasValue() || self > oldSelf.value()", True, 2, 1, False),
        ("self > 5", False, 1, 1, True),
        ("self > 5", False, 1, 2, False),
    ],
)
def test_a_rule_sees_what_was_before(rule: str, optional: bool, old: Any, new: Any, holds: bool) -> None:
    node = ruled("integer", rule, optionalOldSelf=True) if optional else ruled("integer", rule)
    assert (told(node, new, old) == []) is holds


def test_an_item_of_a_list_is_known_by_its_keys_only() -> None:
    item = {
        "type": "object",
        "required": ["name"],
        "properties": {"name": {"type": "string"}, "size": ruled("integer", "self == oldSelf")},
    }
    keyed = {"type": "array", "items": item, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}
    old = [{"name": "a", "size": 1}, {"name": "b", "size": 2}]
    new = [{"name": "b", "size": 3}, {"name": "a", "size": 1}]
    assert told(keyed, new, old) == ["x[0].size: Invalid value: 3: failed rule: self == oldSelf"]
    assert told({"type": "array", "items": item}, new, old) == []


@pytest.mark.parametrize(
    ("value", "reason"), [("1", "FieldValueTypeInvalid"), ({"a": 1, "b": 2, "c": 3}, "FieldValueTooMany")]
)
def test_rules_wait_for_an_object_that_is_sound(value: Any, reason: str) -> None:
    node = {
        **ruled("object", "self.a > 1"),
        "additionalProperties": {"type": "integer"},
        "maxProperties": 2,
    }
    structural = compile_schema({"type": "object", "properties": {"x": node}})
    found = structural.validate({"x": value})
    assert [fault.reason for fault in found] == [reason, "FieldValueInvalid"]
    assert found[-1].field == "<nil>"
    assert "some validation rules were not checked" in found[-1].message


def test_a_value_that_is_only_out_of_range_is_held_against_rules_too() -> None:
    assert told({**ruled("integer", "self > 1", message="low"), "minimum": 1}, 0) == [
        "x: Invalid value: 0: x in body should be greater than or equal to 1",
        "x: Invalid value: 0: low",
    ]


def test_a_value_without_special_names_is_not_copied() -> None:
    structural = compile_schema({"type": "object", "properties": {"a": {"type": "string"}}})
    value = {"a": "b"}
    assert for_cel(structural.root, value) is value
