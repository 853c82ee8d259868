"""Protobuf bodies, byte by byte."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krate_gitops.cluster.dev.http.bodies import UnreadableError
from krate_gitops.cluster.dev.http.protobuf import MAGIC, read_protobuf, write_status


def field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2, len(content)]) + content


def body(kind: bytes, raw: bytes) -> bytes:
    return MAGIC + field(1, field(1, b"v1") + field(2, kind)) + field(2, raw)


def test_a_config_map_is_read() -> None:
    metadata = field(1, b"x") + field(11, field(1, b"a") + field(2, b"b")) + field(14, b"f/1") + field(14, b"f/2")
    raw = field(1, metadata) + field(2, field(1, b"k") + field(2, b"v")) + field(3, field(1, b"b") + field(2, b"\0"))
    raw += bytes([4 << 3, 1])
    assert read_protobuf(body(b"ConfigMap", raw)) == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "x", "labels": {"a": "b"}, "finalizers": ["f/1", "f/2"]},
        "data": {"k": "v"},
        "binaryData": {"b": "AA=="},
        "immutable": True,
    }


def test_ports_are_numbers_or_names() -> None:
    number = field(4, bytes([2 << 3, 80]))
    name = field(4, bytes([1 << 3, 1]) + field(3, b"http"))
    spec = field(1, bytes([3 << 3, 80]) + number) + field(1, name)
    value = read_protobuf(body(b"Service", field(2, spec)))
    assert value["spec"]["ports"] == [{"port": 80, "targetPort": 80}, {"targetPort": "http"}]


def test_times_are_text() -> None:
    metadata = field(8, bytes([1 << 3, 0x80, 0xA3, 0x05]))
    assert read_protobuf(body(b"Namespace", field(1, metadata)))["metadata"] == {
        "creationTimestamp": "1970-01-02T00:00:00Z"
    }


def test_unknown_fields_and_negative_numbers_are_fine() -> None:
    negative = bytes([1 << 3]) + b"\xff" * 9 + b"\x01"
    value = read_protobuf(body(b"DeleteOptions", negative + field(100 % 16, b"x")))
    assert value["gracePeriodSeconds"] == -1


@pytest.mark.parametrize(
    "raw", [b"", b"k8s", b"nonsense", body(b"Pod", b""), MAGIC + b"\x0a\xff", MAGIC + b"\x0b", MAGIC + b"\xff" * 12]
)
def test_what_is_no_message_is_refused(raw: bytes) -> None:
    with pytest.raises(UnreadableError):
        read_protobuf(raw)


@given(st.binary(max_size=100))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    for message in (MAGIC + raw, body(b"ClusterRole", raw[:100])):
        with contextlib.suppress(UnreadableError):
            read_protobuf(message)


def test_a_status_is_written() -> None:
    assert write_status({"status": "Failure", "message": "m", "reason": "R", "code": 406}) == (
        MAGIC
        + field(1, field(1, b"v1") + field(2, b"Status"))
        + field(
            2,
            field(1, field(1, b"") + field(2, b"") + field(3, b""))
            + field(2, b"Failure")
            + field(3, b"m")
            + field(4, b"R")
            + b"\x30\x96\x03",
        )
        + field(3, b"")
        + field(4, b"")
    )
