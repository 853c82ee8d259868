"""Sets of fields."""

from __future__ import annotations

from typing import Any

import pytest

from krate_gitops.cluster.dev.fields.sets import (
    checked,
    difference,
    intersection,
    key_element,
    path_text,
    paths,
    union,
    value_element,
)

A: dict[str, Any] = {"f:spec": {".": {}, "f:size": {}, "f:labels": {"f:a": {}}}}


@pytest.mark.parametrize(
    ("left", "right", "whole"),
    [
        ({}, A, A),
        (A, A, A),
        ({"f:a": {}}, {"f:b": {}}, {"f:a": {}, "f:b": {}}),
        ({"f:a": {}}, {"f:a": {"f:b": {}}}, {"f:a": {".": {}, "f:b": {}}}),
        ({"f:a": {"f:c": {}}}, {"f:a": {"f:b": {}}}, {"f:a": {"f:c": {}, "f:b": {}}}),
    ],
)
def test_a_union_has_what_one_of_the_two_has(left: Any, right: Any, whole: Any) -> None:
    assert union(left, right) == whole


@pytest.mark.parametrize(
    ("left", "right", "rest"),
    [
        (A, {}, A),
        (A, A, {}),
        ({"f:a": {".": {}, "f:b": {}}}, {"f:a": {}}, {"f:a": {"f:b": {}}}),
        ({"f:a": {".": {}, "f:b": {}}}, {"f:a": {"f:b": {}}}, {"f:a": {}}),
        ({"f:a": {"f:b": {}}}, {"f:a": {}}, {"f:a": {"f:b": {}}}),
        ({"f:a": {}}, {"f:a": {"f:b": {}}}, {"f:a": {}}),
    ],
)
def test_a_difference_takes_paths_and_not_what_is_below_them(left: Any, right: Any, rest: Any) -> None:
    assert difference(left, right) == rest


def test_an_intersection_has_what_both_have() -> None:
    assert intersection(A, {"f:spec": {"f:size": {}, "f:other": {}}}) == {"f:spec": {"f:size": {}}}
    assert intersection({"f:a": {}}, {"f:a": {"f:b": {}}}) == {}
    assert intersection({"f:a": {}}, {"f:a": {".": {}, "f:b": {}}}) == {"f:a": {}}


def test_paths_come_in_the_order_of_messages() -> None:
    fields: dict[str, Any] = {
        "f:z": {},
        "f:b": {"f:x": {}},
        "f:a": {".": {}, 'k:{"port":443}': {}, 'k:{"port":80}': {}},
    }
    assert [path_text(path) for path in paths(fields)] == [".a", ".z", ".a[port=80]", ".a[port=443]", ".b.x"]


def test_elements_are_spelled_in_one_way() -> None:
    assert key_element({"protocol": "TCP", "port": 80.0}) == 'k:{"port":80,"protocol":"TCP"}'
    assert value_element('a"b') == 'v:"a\\"b"'
    assert path_text(("f:set", 'v:"a"')) == '.set[="a"]'
    assert checked({'k:{ "b": 1, "a": true }': {".": {}}}) == {'k:{"a":true,"b":1}': {}}


@pytest.mark.parametrize(
    "wrong", [[], {"spec": {}}, {"f:a": 1}, {"k:[]": {}}, {"k:{": {}}, {"v:{}": {}}, {"i:x": {}}, {"": {}}]
)
def test_a_set_of_a_client_that_is_none_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        checked(wrong)


def test_a_set_that_is_nested_too_deeply_is_refused() -> None:
    deep: dict[str, Any] = {}
    for _ in range(300):
        deep = {"f:a": deep}
    with pytest.raises(ValueError, match="not a set"):
        checked(deep)
