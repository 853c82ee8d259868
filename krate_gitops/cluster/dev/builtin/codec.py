"""Reads the body of a built-in kind as the real server's typed objects do: types, zero values, spellings."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from krate_gitops.cluster.dev.builtin.scalars import (
    INT_LIMITS,
    DecodingError,
    Reader,
    integer_reader,
    mismatch,
    read_anything,
    read_bytes,
    read_int_or_string,
    read_micro_time,
    read_quantity,
    read_time,
    scalar_reader,
)
from krate_gitops.cluster.dev.failure import ApiFailure


class Codec:
    """The reader of one kind, compiled from its schema. ``empty`` is what it makes of nothing: never change it."""

    def __init__(self, kind: str, version: str, schema: dict[str, Any]) -> None:
        self._kind = kind
        self._version = version
        self._read = _reader(schema)
        self.empty: dict[str, Any] = self._read({}, "", [])

    def decode(self, body: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """The object as the server keeps it, and the paths of unknown fields. Raises ApiFailure 400."""
        unknown: list[str] = []
        try:
            fresh = self._read(body, "", unknown)
        except DecodingError as problem:
            text = f'{self._kind} in version "{self._version}" cannot be handled as a {self._kind}: {problem}'
            raise ApiFailure(400, "BadRequest", text) from problem
        return fresh, unknown


def _reader(schema: dict[str, Any]) -> Reader:
    """The reader of values of a schema node."""
    if "~lazy" in schema:
        return _lazy_reader(schema["~lazy"], schema["~also"])
    if schema.get("~quantity"):
        return read_quantity
    if schema.get("~int_or_string"):
        return read_int_or_string
    if "~time" in schema:
        return read_micro_time if schema["~time"] == "micro" else read_time
    kind = schema.get("type")
    if kind == "object":
        return _object_reader(schema)
    if kind == "array":
        return _list_reader(schema)
    if kind == "integer":
        return integer_reader(INT_LIMITS.get(schema.get("format", "int64"), 2**63))
    if kind == "string" and schema.get("format") == "byte":
        return read_bytes
    if kind in _SCALARS:
        return scalar_reader(_SCALARS[kind])
    return read_anything


_SCALARS: Final[dict[str, type]] = {"string": str, "boolean": bool}


def _lazy_reader(make: Callable[[], dict[str, Any]], also: tuple[type, ...]) -> Reader:
    """A reader of objects of a schema that contains itself; values of types in ``also`` stay as they are."""
    readers: list[Reader] = []

    def read(value: Any, path: str, unknown: list[str]) -> Any:
        if type(value) in also:
            return value
        if not readers:
            readers.append(_reader(make()))
        return readers[0](value, path, unknown)

    return read


def _list_reader(schema: dict[str, Any]) -> Reader:
    """A reader of lists."""
    item = _reader(schema["items"])
    wanted = f"[]{schema['items'].get('type', 'object')}"

    def read(value: Any, path: str, unknown: list[str]) -> Any:
        if value is None:
            return []
        if type(value) is not list:
            raise mismatch(value, path, wanted)
        return [item(one, f"{path}[{index}]", unknown) for index, one in enumerate(value)]

    return read


def _object_reader(schema: dict[str, Any]) -> Reader:
    """A reader of objects with named members, of maps, or of anything."""
    if "properties" in schema:
        return _record_reader(schema)
    values = schema.get("additionalProperties")
    if isinstance(values, dict):
        return _map_reader(_reader(values), values)

    def read(value: Any, path: str, unknown: list[str]) -> Any:
        if value is None or type(value) is dict:
            return value
        raise mismatch(value, path, "map[string]interface {}")

    return read


def _map_reader(member: Reader, values: dict[str, Any]) -> Reader:
    """A reader of maps."""
    wanted = f"map[string]{values.get('type', 'object')}"

    def read(value: Any, path: str, unknown: list[str]) -> Any:
        if value is None:
            return {}
        if type(value) is not dict:
            raise mismatch(value, path, wanted)
        return {name: member(one, f"{path}.{name}", unknown) for name, one in value.items()}

    return read


def _record_reader(schema: dict[str, Any]) -> Reader:
    """A reader of objects with named members: unknown ones are dropped, empty ones left out or written."""
    members: dict[str, tuple[Reader, bool, bool]] = {}
    written: list[tuple[str, Callable[[], Any]]] = []
    for name, node in schema["properties"].items():
        is_record = "properties" in node and not node.get("~pointer")
        may_be_absent = bool(node.get("~pointer") or node.get("~null"))
        keeps = bool(may_be_absent or node.get("~always") or node.get("~quantity") or is_record)
        members[name] = (_reader(node), keeps, may_be_absent)
        if node.get("~null"):
            written.append((name, lambda: None))
        elif is_record:
            written.append((name, partial(members[name][0], None, "", [])))
        elif node.get("~always"):
            written.append((name, _zero(node)))

    def read(value: Any, path: str, unknown: list[str]) -> Any:
        if value is None:
            value = {}
        if type(value) is not dict:
            raise mismatch(value, path, "object")
        start = f"{path}." if path else ""
        fresh: dict[str, Any] = {}
        for name, one in value.items():
            member = members.get(name)
            if member is None:
                unknown.append(start + name)
                continue
            reader, keeps, may_be_absent = member
            if one is None and may_be_absent:
                continue
            new = reader(one, start + name, unknown)
            if new is not None and (keeps or new not in ("", 0, False, [], {})):
                fresh[name] = new
        for name, zero in written:
            if name not in fresh:
                fresh[name] = zero()
        return fresh

    return read


def _zero(node: dict[str, Any]) -> Callable[[], Any]:
    """Makes the empty value of a field that is always written."""
    if "~time" in node:
        return lambda: None
    return {"string": str, "integer": int, "boolean": bool, "array": list, "object": dict}.get(
        node.get("type", ""), lambda: None
    )
