"""ConfigMaps: which keys and sizes are fine, and what frozen ones refuse."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.unit.cluster.dev.builtin.pipeline import faults, kind_of, written

KIND = kind_of("configmaps")
FROZEN = "field is immutable when `immutable` is set"
A_MEBIBYTE = 1 << 20


def encoded(size: int) -> str:
    return base64.b64encode(b"x" * size).decode()


@pytest.mark.parametrize("key", ["a", "A_b-c.1", ".hidden", "k" * 253])
def test_keys_that_can_name_a_file_are_fine(key: str) -> None:
    assert faults(KIND, {"data": {key: "1"}}) == []


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("a b", "a valid config key must consist of"),
        ("", "a valid config key must consist of"),
        ("..", "must not be '..'"),
        (".", "must not be '.'"),
        ("..a", "must not start with '..'"),
        ("k" * 254, "must be no more than 253 characters"),
    ],
)
def test_other_keys_are_refused(key: str, why: str) -> None:
    for part, value in (("data", "1"), ("binaryData", "AA==")):
        found = faults(KIND, {part: {key: value}})
        assert len(found) == 1
        assert found[0].startswith(f'{part}[{key}]: Invalid value: "{key}": {why}')


def test_a_key_is_in_one_part_only() -> None:
    assert faults(KIND, {"data": {"a": "1"}, "binaryData": {"a": "AA=="}}) == [
        'data[a]: Invalid value: "a": duplicate of key present in binaryData'
    ]


@pytest.mark.parametrize(
    ("body", "is_fine"),
    [
        ({"data": {"a": "x" * A_MEBIBYTE}}, True),
        ({"data": {"a": "x" * A_MEBIBYTE, "b": "x"}}, False),
        ({"data": {"a": "ü" * (A_MEBIBYTE // 2)}}, True),
        ({"data": {"a": "ü" * (A_MEBIBYTE // 2) + "x"}}, False),
        ({"binaryData": {"a": encoded(A_MEBIBYTE)}}, True),
        ({"binaryData": {"a": encoded(A_MEBIBYTE + 1)}}, False),
        ({"binaryData": {"a": encoded(A_MEBIBYTE)}, "data": {"b": "x"}}, False),
    ],
    ids=["text", "text and more", "wide text", "wide text and more", "bytes", "bytes and more", "both"],
)
def test_a_mebibyte_of_content_is_the_most(body: dict[str, Any], is_fine: bool) -> None:
    found = faults(KIND, body)
    assert found == ([] if is_fine else ["[]: Too long: may not be more than 1048576 bytes"])


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({}, []),
        ({"metadata": {"labels": {"a": "b"}}}, []),
        ({"data": {"a": "2"}}, [f"data: Forbidden: {FROZEN}"]),
        ({"binaryData": {"b": "AA=="}}, [f"binaryData: Forbidden: {FROZEN}"]),
        ({"immutable": False}, [f"immutable: Forbidden: {FROZEN}"]),
        ({"immutable": None}, [f"immutable: Forbidden: {FROZEN}"]),
    ],
)
def test_a_frozen_one_keeps_its_content(change: dict[str, Any], wrong: list[str]) -> None:
    body: dict[str, Any] = {"data": {"a": "1"}, "immutable": True}
    old = written(KIND, body)
    assert faults(KIND, {**body, **change}, old) == wrong


def test_one_that_is_not_frozen_may_change_and_freeze_at_once() -> None:
    old = written(KIND, {"data": {"a": "1"}, "immutable": False})
    assert old["immutable"] is False
    assert faults(KIND, {"data": {"a": "2"}, "immutable": True}, old) == []


def test_values_of_null_are_empty_and_empty_maps_are_left_out() -> None:
    assert written(KIND, {"data": {"a": None}})["data"] == {"a": ""}
    assert "data" not in written(KIND, {"data": {}})
    assert "immutable" not in written(KIND, {"immutable": None})
