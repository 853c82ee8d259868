"""Reads single values of a built-in kind's body: texts, numbers, bytes, amounts, times."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from krate_gitops.cluster.dev.schemas.quantity import canonical

INT_LIMITS: Final = {"int32": 2**31, "int64": 2**63}
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


def mismatch(value: Any, path: str, wanted: str) -> DecodingError:
    """The error of a value of a wrong type."""
    field = path.lstrip(".")
    said = _WORDS.get(type(value), "null")
    return DecodingError(f"json: cannot unmarshal {said} into Go struct field {field} of type {wanted}")


def read_anything(value: Any, path: str, unknown: list[str]) -> Any:
    """Takes any value."""
    return value


def scalar_reader(kind: type) -> Reader:
    """A reader of strings or booleans; null is the empty one."""
    zero = kind()
    wanted = "bool" if kind is bool else "string"

    def read(value: Any, path: str, unknown: list[str]) -> Any:
        if type(value) is kind:
            return value
        if value is None:
            return zero
        raise mismatch(value, path, wanted)

    return read


def integer_reader(limit: int) -> Reader:
    """A reader of whole numbers below a limit."""
    wanted = "int32" if limit == INT_LIMITS["int32"] else "int64"

    def read(value: Any, path: str, unknown: list[str]) -> Any:
        if value is None:
            return 0
        if type(value) is float and value.is_integer():
            value = int(value)
        if type(value) is not int or not -limit <= value < limit:
            raise mismatch(value, path, wanted)
        return value

    return read


def read_bytes(value: Any, path: str, unknown: list[str]) -> Any:
    """Base64, spelled as the server does."""
    if value is None:
        return ""
    if type(value) is not str:
        raise mismatch(value, path, "[]uint8")
    compact = value.replace("\n", "").replace("\r", "")
    try:
        content = base64.b64decode(compact, validate=True)
    except (binascii.Error, ValueError) as problem:
        raise DecodingError("illegal base64 data") from problem
    return base64.b64encode(content).decode()


def read_quantity(value: Any, path: str, unknown: list[str]) -> Any:
    """An amount in canonical form."""
    if value is None:
        return "0"
    if type(value) in (int, float):
        value = repr(value)
    if type(value) is not str:
        raise mismatch(value, path, "resource.Quantity")
    try:
        return canonical(value)
    except ValueError as problem:
        raise DecodingError(str(problem)) from problem


def read_int_or_string(value: Any, path: str, unknown: list[str]) -> Any:
    """A number or a name."""
    if value is None:
        return 0
    if type(value) is str or (type(value) is int and -INT_LIMITS["int32"] <= value < INT_LIMITS["int32"]):
        return value
    raise mismatch(value, path, "intstr.IntOrString")


def read_time(value: Any, path: str, unknown: list[str]) -> Any:
    """A time, in seconds and UTC."""
    moment = _moment(value, path)
    return None if moment is None else f"{moment.replace(tzinfo=None, microsecond=0).isoformat()}Z"


def read_micro_time(value: Any, path: str, unknown: list[str]) -> Any:
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
        raise mismatch(value, path, "string")
    found = _RFC3339.fullmatch(value)
    try:
        if found is None:
            raise ValueError(value)
        day, clock, fraction, zone = found.groups()
        zone = "+00:00" if zone in "Zz" else zone
        return datetime.fromisoformat(f"{day}T{clock}{(fraction or '')[:7]}{zone}").astimezone(UTC)
    except (ValueError, OverflowError) as problem:
        raise DecodingError(f'parsing time "{value}" as "2006-01-02T15:04:05Z07:00": cannot parse') from problem
