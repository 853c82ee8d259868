"""Reads the body of a built-in kind as the real server's typed objects do: types, zero values, spellings."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from krate_gitops.cluster.dev.failure import ApiFailure
from krate_gitops.cluster.dev.schemas.quantity import canonical

_INT_LIMITS: Final = {"int32": 2**31, "int64": 2**63}
_WORDS: Final[dict[type, str]] = {
    str: "string",
    bool: "bool",
    int: "number",
    float: "number",
    dict: "object",
    list: "array",
}
_RFC3339: Final = re.compile(r"(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}:\d{2})(\.\d+)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)


class DecodingError(Exception):
    """A value that can't be read into its field; the text is what comes after ``cannot be handled as a KIND``."""


Reader = Callable[[Any, str, list[str]], Any]


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
        return _read_quantity
    if schema.get("~int_or_string"):
        return _read_int_or_string
    if "~time" in schema:
        return _read_micro_time if schema["~time"] == "micro" else _read_time
    kind = schema.get("type")
    if kind == "object":
        return _object_reader(schema)
    if kind == "array":
        return _list_reader(schema)
    if kind == "integer":
        return _integer_reader(_INT_LIMITS.get(schema.get("format", "int64"), 2**63))
    if kind == "string" and schema.get("format") == "byte":
        return _read_bytes
    if kind in _SCALARS:
        return _scalar_reader(_SCALARS[kind])
    return _read_anything


_SCALARS: Final[dict[str, type]] = {"string": str, "boolean": bool}


def _mismatch(value: Any, path: str, wanted: str) -> DecodingError:
    """The error of a value of a wrong type."""
    field = path.lstrip(".")
    said = _WORDS.get(type(value), "null")
    return DecodingError(f"json: cannot unmarshal {said} into Go struct field {field} of type {wanted}")


def _read_anything(value: Any, path: str, unknown: list[str]) -> Any:
    """Takes any value."""
    return value


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


def _scalar_reader(kind: type) -> Reader:
    """A reader of strings or booleans; null is the empty one."""
    zero = kind()
    wanted = "bool" if kind is bool else "string"

    def read(value: Any, path: str, unknown: list[str]) -> Any:
        if type(value) is kind:
            return value
        if value is None:
            return zero
        raise _mismatch(value, path, wanted)

    return read


def _integer_reader(limit: int) -> Reader:
    """A reader of whole numbers below a limit."""
    wanted = "int32" if limit == _INT_LIMITS["int32"] else "int64"

    def read(value: Any, path: str, unknown: list[str]) -> Any:
        if value is None:
            return 0
        if type(value) is float and value.is_integer():
            value = int(value)
        if type(value) is not int or not -limit <= value < limit:
            raise _mismatch(value, path, wanted)
        return value

    return read


def _read_bytes(value: Any, path: str, unknown: list[str]) -> Any:
    """Base64, spelled as the server does."""
    if value is None:
        return ""
    if type(value) is not str:
        raise _mismatch(value, path, "[]uint8")
    compact = value.replace("\n", "").replace("\r", "")
    try:
        content = base64.b64decode(compact, validate=True)
    except (binascii.Error, ValueError) as problem:
        raise DecodingError("illegal base64 data") from problem
    return base64.b64encode(content).decode()


def _read_quantity(value: Any, path: str, unknown: list[str]) -> Any:
    """An amount in canonical form."""
    if value is None:
        return "0"
    if type(value) in (int, float):
        value = repr(value)
    if type(value) is not str:
        raise _mismatch(value, path, "resource.Quantity")
    try:
        return canonical(value)
    except ValueError as problem:
        raise DecodingError(str(problem)) from problem


def _read_int_or_string(value: Any, path: str, unknown: list[str]) -> Any:
    """A number or a name."""
    if value is None:
        return 0
    if type(value) in (int, str):
        return value
    raise _mismatch(value, path, "intstr.IntOrString")


def _read_time(value: Any, path: str, unknown: list[str]) -> Any:
    """A time, in seconds and UTC."""
    moment = _moment(value, path)
    return None if moment is None else f"{moment.replace(tzinfo=None, microsecond=0).isoformat()}Z"


def _read_micro_time(value: Any, path: str, unknown: list[str]) -> Any:
    """A time with exactly six digits."""
    moment = _moment(value, path)
    if moment is None:
        return None
    found = _RFC3339.fullmatch(value)
    if found is None or len(found.group(3) or "") != 7:
        raise DecodingError(f'parsing time "{value}" as "2006-01-02T15:04:05.000000Z07:00": cannot parse')
    return f"{moment.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def _moment(value: Any, path: str) -> datetime | None:
    """The time of a text; None for null and the empty text."""
    if value is None or value == "":
        return None
    if type(value) is not str:
        raise _mismatch(value, path, "string")
    found = _RFC3339.fullmatch(value)
    try:
        if found is None:
            raise ValueError(value)
        day, clock, fraction, zone = found.groups()
        zone = "+00:00" if zone in "Zz" else zone
        return datetime.fromisoformat(f"{day}T{clock}{(fraction or '')[:7]}{zone}").astimezone(UTC)
    except (ValueError, OverflowError) as problem:
        raise DecodingError(f'parsing time "{value}" as "2006-01-02T15:04:05Z07:00": cannot parse') from problem


def _list_reader(schema: dict[str, Any]) -> Reader:
    """A reader of lists."""
    item = _reader(schema["items"])
    wanted = f"[]{schema['items'].get('type', 'object')}"

    def read(value: Any, path: str, unknown: list[str]) -> Any:
        if value is None:
            return []
        if type(value) is not list:
            raise _mismatch(value, path, wanted)
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
        raise _mismatch(value, path, "map[string]interface {}")

    return read


def _map_reader(member: Reader, values: dict[str, Any]) -> Reader:
    """A reader of maps."""
    wanted = f"map[string]{values.get('type', 'object')}"

    def read(value: Any, path: str, unknown: list[str]) -> Any:
        if value is None:
            return {}
        if type(value) is not dict:
            raise _mismatch(value, path, wanted)
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
            raise _mismatch(value, path, "object")
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
