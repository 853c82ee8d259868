"""Secrets: plain text is folded in, types ask for their keys, and no message shows a value."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.unit.cluster.dev.builtin.pipeline import faults, kind_of, written

KIND = kind_of("secrets")
A_MEBIBYTE = 1 << 20


def test_plain_text_is_folded_into_data_and_wins() -> None:
    made = written(KIND, {"stringData": {"a": "text", "both": "from string"}, "data": {"b": "AAEC", "both": "eA=="}})
    assert made["data"] == {"a": "dGV4dA==", "b": "AAEC", "both": "ZnJvbSBzdHJpbmc="}
    assert "stringData" not in made


@pytest.mark.parametrize("body", [{}, {"data": {}}, {"stringData": {}}, {"stringData": None, "type": ""}])
def test_what_is_empty_is_left_out_and_opaque(body: dict[str, Any]) -> None:
    made = written(KIND, body)
    assert made["type"] == "Opaque"
    assert not {"data", "stringData"} & made.keys()


@pytest.mark.parametrize(
    ("type_", "data", "wrong"),
    [
        ("kubernetes.io/tls", {}, ["data[tls.crt]: Required value", "data[tls.key]: Required value"]),
        ("kubernetes.io/tls", {"tls.crt": "x"}, ["data[tls.key]: Required value"]),
        ("kubernetes.io/tls", {"tls.crt": "x", "tls.key": ""}, []),
        ("kubernetes.io/basic-auth", {}, ["data[username]: Required value", "data[password]: Required value"]),
        ("kubernetes.io/basic-auth", {"username": "x"}, []),
        ("kubernetes.io/basic-auth", {"password": "x"}, []),
        ("kubernetes.io/ssh-auth", {}, ["data[ssh-privatekey]: Required value"]),
        ("kubernetes.io/dockercfg", {}, ["data[.dockercfg]: Required value"]),
        ("kubernetes.io/dockerconfigjson", {}, ["data[.dockerconfigjson]: Required value"]),
        ("kubernetes.io/dockerconfigjson", {".dockerconfigjson": "{}"}, []),
        (
            "kubernetes.io/dockerconfigjson",
            {".dockerconfigjson": "hidden"},
            [
                'data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": '
                "invalid character 'h' looking for beginning of value"
            ],
        ),
        (
            "kubernetes.io/dockercfg",
            {".dockercfg": ""},
            ['data[.dockercfg]: Invalid value: "<secret contents redacted>": unexpected end of JSON input'],
        ),
        (
            "kubernetes.io/dockercfg",
            {".dockercfg": "[" * 200_000},
            ['data[.dockercfg]: Invalid value: "<secret contents redacted>": exceeded max depth'],
        ),
        (
            "kubernetes.io/service-account-token",
            {},
            ["metadata.annotations[kubernetes.io/service-account.name]: Required value"],
        ),
        ("example.com/kind", {}, []),
    ],
)
def test_a_type_asks_for_its_keys(type_: str, data: dict[str, str], wrong: list[str]) -> None:
    assert faults(KIND, {"type": type_, "stringData": data}) == wrong


def test_the_type_never_changes() -> None:
    old = written(KIND, {})
    assert faults(KIND, {"type": "example.com/other"}, old) == [
        'type: Invalid value: "example.com/other": field is immutable'
    ]


def test_a_mebibyte_of_content_is_the_most() -> None:
    most = {"a": "x" * A_MEBIBYTE}
    assert faults(KIND, {"stringData": most}) == []
    assert faults(KIND, {"stringData": {**most, "b": "x"}}) == ["data: Too long: may not be more than 1048576 bytes"]


def test_a_frozen_one_takes_the_same_plain_text_only() -> None:
    old = written(KIND, {"stringData": {"a": "1"}, "immutable": True})
    body: dict[str, Any] = {"immutable": True, "data": old["data"]}
    assert faults(KIND, {**body, "stringData": {"a": "1"}}, old) == []
    assert faults(KIND, {**body, "stringData": {"a": "2"}}, old) == [
        "data: Forbidden: field is immutable when `immutable` is set"
    ]


def test_no_fault_shows_a_value() -> None:
    hidden = base64.b64encode(b"hush-hush").decode()
    body = {"type": "kubernetes.io/tls", "data": {"a/b": hidden, "..": hidden}}
    said = "\n".join(faults(KIND, body))
    assert "data[a/b]" in said
    assert hidden not in said
    assert "hush" not in said
