"""Protobuf bodies of built-in kinds, which kubectl sends for what it makes itself (``kubectl create namespace``).

Only reading, and only with the fields of the tables: answers are JSON, which every client takes as well. A library
would need the definitions of all kinds in a form that it compiles; the wire format itself is a page.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from krate_gitops.cluster.dev.http.bodies import UnreadableError
from krate_gitops.cluster.dev.http.protobuf_fields import MESSAGES, Field

MAGIC = b"k8s\0"

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_DEEPEST = 50


def read_protobuf(body: bytes) -> dict[str, Any]:
    """The object in a body. Raises ``UnreadableError``."""
    if not body.startswith(MAGIC):
        raise UnreadableError("provided data does not appear to be a protobuf message")
    envelope = dict(_fields(body[len(MAGIC) :]))
    identity = dict(_fields(_chunk(envelope.get(1, b""))))
    api_version, kind = _text(identity.get(1, b"")), _text(identity.get(2, b""))
    if kind not in MESSAGES:
        raise UnreadableError(f"protobuf bodies of kind {kind or 'unknown'} are not supported; send JSON")
    value = _message(kind, _chunk(envelope.get(2, b"")), 0)
    return {"apiVersion": api_version, "kind": kind, **value}


def write_status(status: dict[str, Any]) -> bytes:
    """A Status as a message, for clients that take nothing else."""
    metadata = _written(1, b"") + _written(2, b"") + _written(3, b"")
    raw = _written(1, metadata)
    for number, name in ((2, "status"), (3, "message"), (4, "reason")):
        raw += _written(number, str(status.get(name, "")).encode())
    raw += bytes([6 << 3 | _VARINT]) + _number(int(status["code"]))
    identity = _written(1, b"v1") + _written(2, b"Status")
    return MAGIC + _written(1, identity) + _written(2, raw) + _written(3, b"") + _written(4, b"")


def _written(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | _BYTES]) + _number(len(content)) + content


def _number(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _message(name: str, raw: bytes, depth: int) -> dict[str, Any]:
    """An object of the message ``name``; fields that no table knows are left out."""
    if depth > _DEEPEST:
        raise UnreadableError("the message is nested too deeply")
    table = MESSAGES[name]
    found: dict[str, Any] = {}
    for number, raw_value in _fields(raw):
        field = table.get(number)
        if field is None:
            continue
        value = _value(field, raw_value, depth)
        if field.repeated:
            found.setdefault(field.name, []).append(value)
        elif field.is_map:
            found.setdefault(field.name, {}).update([value])
        else:
            found[field.name] = value
    return found


def _value(field: Field, raw: int | bytes, depth: int) -> Any:
    if field.is_map:
        pair = dict(_fields(_chunk(raw)))
        inner = Field("", field.type)
        return _text(pair.get(1, b"")), _value(inner, pair.get(2, b""), depth)
    if field.type == "text":
        return _text(raw)
    if field.type == "bytes":
        return base64.b64encode(_chunk(raw)).decode()
    if field.type == "flag":
        return bool(raw)
    if field.type == "number":
        return _signed(raw)
    if field.type in ("time", "microtime"):
        return _time(_chunk(raw), micro=field.type == "microtime")
    if field.type == "quantity":
        return _text(dict(_fields(_chunk(raw))).get(1, b""))
    if field.type == "intstr":
        parts = dict(_fields(_chunk(raw)))
        return _text(parts.get(3, b"")) if parts.get(1) else _signed(parts.get(2, 0))
    if field.type == "texts":
        return [_text(each) for _, each in _fields(_chunk(raw))]
    return _message(field.type, _chunk(raw), depth + 1)


def _time(raw: bytes, *, micro: bool) -> str | None:
    parts = dict(_fields(raw))
    if not parts:
        return None
    moment = datetime.fromtimestamp(_signed(parts.get(1, 0)), UTC)
    text = moment.strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{_signed(parts.get(2, 0)) // 1000:06d}Z" if micro else f"{text}Z"


def _fields(raw: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and value of each field. Raises ``UnreadableError`` for what is cut off."""
    at = 0
    while at < len(raw):
        key, at = _varint(raw, at)
        kind = key & 7
        if kind == _VARINT:
            value, at = _varint(raw, at)
            yield key >> 3, value
            continue
        if kind == _BYTES:
            size, at = _varint(raw, at)
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
        else:
            raise UnreadableError("proto: wrong wireType")
        if at + size > len(raw):
            raise UnreadableError("unexpected EOF")
        yield key >> 3, raw[at : at + size]
        at += size


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(raw) and shift < 70:
        byte = raw[at]
        value |= (byte & 0x7F) << shift
        at += 1
        shift += 7
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, at
    raise UnreadableError("unexpected EOF")


def _signed(value: int | bytes) -> int:
    if isinstance(value, bytes):
        raise UnreadableError("proto: wrong wireType")
    return value - (1 << 64) if value >= 1 << 63 else value


def _chunk(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise UnreadableError("proto: wrong wireType")
    return value


def _text(value: int | bytes) -> str:
    try:
        return _chunk(value).decode()
    except UnicodeDecodeError as error:
        raise UnreadableError("proto: invalid UTF-8 string") from error
