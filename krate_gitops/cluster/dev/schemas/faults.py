"""What is wrong with an object, field by field, in the words of a Kubernetes API server."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isfinite
from typing import Any, Final

import msgspec

from krate_gitops.cluster.dev.failure import ApiFailure, Cause

NO_FIELD: Final = "<nil>"
"""The field of a fault that belongs to no field."""

_encode = msgspec.json.Encoder().encode


class Fault(msgspec.Struct, frozen=True):
    """One fault: the machine-readable reason, the path of the field, and the text without the path."""

    reason: str
    field: str
    message: str


class _Omitted:
    """Stands for a value that is left out of the text of a fault."""


OMITTED: Final = _Omitted()


def go_quote(text: str) -> str:
    """The text in double quotes, escaped as Go's ``%q`` does."""
    out = ['"']
    for character in text:
        if character in '"\\':
            out.append("\\" + character)
        elif character in _ESCAPES:
            out.append(_ESCAPES[character])
        elif character.isprintable():
            out.append(character)
        else:
            out.append(_numbered(ord(character)))
    out.append('"')
    return "".join(out)


_HIDDEN: Final = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}
"""What JSON of the server never has as it is."""
_ESCAPES: Final = {"\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"}


def _numbered(point: int) -> str:
    """The escape of a character that can't be printed."""
    if point < 0x80:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def shown(value: Any) -> str:
    """A value as the text of a fault shows it: strings quoted, numbers plain, the rest as JSON."""
    if isinstance(value, str):
        return go_quote(value)
    if isinstance(value, float):
        return go_float(value)
    text = _encode(value).decode()
    for character, code in _HIDDEN.items():
        text = text.replace(character, code)
    return text


def go_float(value: float) -> str:
    """A number as Go's ``%v`` shows it."""
    if not isfinite(value):
        return "NaN" if value != value else "+Inf" if value > 0 else "-Inf"
    if value == int(value) and abs(value) < 1e21:
        return str(int(value))
    return repr(value)


def required(field: str, detail: str = "") -> Fault:
    """A field that is missing."""
    return Fault("FieldValueRequired", field, f"Required value: {detail}" if detail else "Required value")


def invalid_value(field: str, value: Any, detail: str) -> Fault:
    """A value that breaks a rule; ``OMITTED`` as value is not shown."""
    return Fault("FieldValueInvalid", field, _with_value("Invalid value", value, detail))


def type_invalid(field: str, value: Any, detail: str) -> Fault:
    """A value of a wrong type; ``value`` is the name of its type."""
    return Fault("FieldValueTypeInvalid", field, _with_value("Invalid value", value, detail))


def forbidden(field: str, detail: str) -> Fault:
    """A field that may not be set or changed."""
    return Fault("FieldValueForbidden", field, f"Forbidden: {detail}")


def duplicate(field: str, value: Any) -> Fault:
    """A value that is there twice."""
    return Fault("FieldValueDuplicate", field, f"Duplicate value: {shown(value)}")


def too_long(field: str, limit: int) -> Fault:
    """A text of more than ``limit`` bytes."""
    return Fault("FieldValueTooLong", field, f"Too long: may not be more than {limit} bytes")


def too_many(field: str, count: int, limit: int) -> Fault:
    """A list or map of more than ``limit`` items."""
    return Fault("FieldValueTooMany", field, f"Too many: {count}: must have at most {limit} items")


def not_supported(field: str, value: Any, allowed: Iterable[Any]) -> Fault:
    """A value that isn't one of those allowed, which are shown in the order given."""
    listed = ", ".join(go_quote(one) if isinstance(one, str) else go_quote(shown(one)) for one in allowed)
    detail = f"supported values: {listed}" if listed else ""
    return Fault("FieldValueNotSupported", field, _with_value("Unsupported value", value, detail))


def not_found(field: str, value: Any) -> Fault:
    """A value that refers to something that isn't there."""
    return Fault("FieldValueNotFound", field, f"Not found: {shown(value)}")


def _with_value(kind: str, value: Any, detail: str) -> str:
    """``kind: value: detail``, without the parts that are empty."""
    parts = [kind] if isinstance(value, _Omitted) else [kind, shown(value)]
    return ": ".join([*parts, detail] if detail else parts)


def invalid(kind: str, group: str, name: str, faults: Sequence[Fault]) -> ApiFailure:
    """The 422 answer for an object with faults."""
    texts = list(dict.fromkeys(f"{fault.field}: {fault.message}" for fault in faults))
    joined = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    qualified = f"{kind}.{group}" if group else kind
    details: dict[str, Any] = {"name": name} if name else {}
    if group:
        details["group"] = group
    details["kind"] = kind
    return ApiFailure(
        422,
        "Invalid",
        f"{qualified} {go_quote(name)} is invalid: {joined}",
        causes=tuple(Cause(fault.reason, fault.message, fault.field) for fault in faults),
        details=details,
    )
