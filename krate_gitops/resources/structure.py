"""A value against the shape of its model: every breach at its place, not only the first."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

import msgspec

from krate_gitops.resources import shapes
from krate_gitops.resources.kinds.common import Part
from krate_gitops.resources.shapes import Field, Object, Sequence, Shape, Table

VALUE_NAMES = frozenset(
    (
        "value", "values", "data", "stringData", "binaryData", "secretValue", "token", "accessToken", "refreshToken",
        "idToken", "bearerToken", "authToken", "password", "passwd", "passphrase", "privateKey", "apiKey", "secretKey",
        "accessKey", "clientSecret", "credential", "credentials",
    )
)  # fmt: skip
"""Names of fields that promise a secret value (KR301)."""

MOST = 100
"""Breaches of one object or field that are told: whoever has more has one mistake, or means harm."""
_LONGEST_NAME = 64
_ORDINARY_NAME = re.compile(r"[A-Za-z][A-Za-z_-]{0,39}")


class Breach(NamedTuple):
    """What is wrong at a pointer. Messages name fields and choices, never the values that were found."""

    code: str
    field: str
    message: str
    at_key: bool = False
    hint: str = ""


def breaches(value: Any, shape: Shape, at: str) -> Iterator[Breach]:
    """Everything that is wrong with a value that stands at pointer ``at``."""
    if isinstance(shape, Object):
        yield from _object(value, shape, at)
    elif isinstance(shape, shapes.Text):
        yield from _text(value, shape, at)
    elif isinstance(shape, shapes.Number):
        yield from _number(value, shape, at)
    elif isinstance(shape, Sequence):
        yield from _sequence(value, shape, at)
    elif isinstance(shape, Table):
        yield from _table(value, shape, at)
    elif isinstance(shape, shapes.Flag) and not isinstance(value, bool):
        yield _wrong_type("true or false", value, at)


def shown_name(name: str) -> str:
    """A field name for a message; what may be something else than a name stays unsaid."""
    return name if _ORDINARY_NAME.fullmatch(name) else "…"


def did_you_mean(text: str, known: Iterable[str]) -> str:
    """Advice to write a known word that is almost what was written; empty when there is none."""
    near = difflib.get_close_matches(text, known, 1) if len(text) <= _LONGEST_NAME else []
    return f"did you mean {near[0]}?" if near else ""


def _object(value: Any, shape: Object, at: str) -> Iterator[Breach]:
    if not isinstance(value, dict):
        yield _wrong_type("a map", value, at)
        return
    found = [*islice(_unknown(value, shape, at), MOST), *_missing(value, shape, at)]
    for name, field in shape.fields.items():
        if name in value and not _is_empty(value[name], field):
            found += islice(breaches(value[name], field.shape, f"{at}.{name}"), MOST)
    yield from found
    if not found:
        yield from _disagreements(msgspec.convert(value, shape.part), at)


def _unknown(value: dict[str, Any], shape: Object, at: str) -> Iterator[Breach]:
    superseded = dict(shape.part.superseded)
    for name in value:
        if name in shape.fields:
            continue
        place = f"{at}.{name}"
        if name in VALUE_NAMES:
            yield Breach("KR301", place, f"{name} promises a secret value, which no field may hold", True)
            continue
        if name in superseded:
            yield Breach("KR020", place, f"{name} is now {superseded[name]}", True, f"write {superseded[name]}")
            continue
        yield Breach("KR012", place, f"unknown field {shown_name(name)}", True, did_you_mean(name, shape.fields))


def _missing(value: dict[str, Any], shape: Object, at: str) -> Iterator[Breach]:
    for name, field in shape.fields.items():
        if field.required and name not in value:
            yield Breach(field.shape.missing, f"{at}.{name}", f"{name} is required")
        elif name in value and _is_empty(value[name], field):
            yield Breach(field.shape.missing, f"{at}.{name}", f"{name} is empty")
    if shape.part.one_of and not any(name in value for name in shape.part.one_of):
        yield Breach("KR403", at, f"one of {' and '.join(shape.part.one_of)} is required", True)


def _is_empty(value: Any, field: Field) -> bool:
    """Whether nothing stands where something must."""
    shape = field.shape
    if isinstance(shape, shapes.Text):
        return value == "" and (shape.least > 0 or (field.required and bool(shape.pattern)))
    return isinstance(shape, (Sequence, Table)) and shape.least > 0 and value in ([], {})


def _disagreements(part: Part, at: str) -> Iterator[Breach]:
    for one in part.agreements:
        if not one.holds(part):
            yield Breach(one.code, f"{at}.{one.field}" if one.field else at, one.message)


def _text(value: Any, shape: shapes.Text, at: str) -> Iterator[Breach]:
    if not isinstance(value, str):
        yield _wrong_type("text", value, at)
    elif shape.choices:
        if value not in shape.choices:
            hint = did_you_mean(value, shape.choices)
            yield Breach(shape.bad or "KR010", at, f"must be one of {', '.join(shape.choices)}", hint=hint)
    elif len(value) < shape.least:
        yield Breach(shape.missing, at, "an empty text")
    elif shape.most is not None and len(value) > shape.most and not shape.bad:
        yield Breach("KR018", at, f"at most {shape.most} characters")
    elif shape.most_bytes is not None and len(value.encode()) > shape.most_bytes:
        yield Breach("KR018", at, f"at most {shape.most_bytes} bytes")
    elif (shape.most is not None and len(value) > shape.most) or not _fits(shape.pattern, value):
        yield Breach(shape.bad or "KR009", at, _form(shape))


def _fits(pattern: str, value: str) -> bool:
    # ``$`` matches before a line feed at the end in Python and nowhere else.
    return not pattern or (not value.endswith("\n") and re.search(pattern, value) is not None)


def _form(shape: shapes.Text) -> str:
    if shape.ref:
        return f"must be the name of an {shape.ref}"
    return f"is not in the required form: {shape.description or shape.pattern}"


def _number(value: Any, shape: shapes.Number, at: str) -> Iterator[Breach]:
    wanted = "an integer" if shape.integer else "a number"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        yield _wrong_type(wanted, value, at)
    elif not math.isfinite(value) or (shape.integer and isinstance(value, float)):
        yield Breach("KR009", at, f"expected {wanted}")
    elif (shape.least is not None and value < shape.least) or (shape.most is not None and value > shape.most):
        yield Breach(shape.bad or "KR011", at, _range(shape))


def _range(shape: shapes.Number) -> str:
    if shape.most is None:
        return f"must be at least {shape.least:g}"
    return f"must be from {shape.least} to {shape.most}"


def _sequence(value: Any, shape: Sequence, at: str) -> Iterator[Breach]:
    if not isinstance(value, list):
        yield _wrong_type("a list", value, at)
        return
    for index, item in enumerate(value):
        yield from breaches(item, shape.items, f"{at}[{index}]")


def _table(value: Any, shape: Table, at: str) -> Iterator[Breach]:
    if not isinstance(value, dict):
        yield _wrong_type("a map", value, at)
        return
    for name, item in value.items():
        yield from breaches(item, shape.values, f"{at}.{name}")


_NAMES = ((bool, "true or false"), (int, "an integer"), (float, "a number"), (str, "text"), (list, "a list"))


def _wrong_type(wanted: str, value: Any, at: str) -> Breach:
    if value is None:
        return Breach("KR009", at, f"expected {wanted}, found null")
    found = next((name for kind, name in _NAMES if isinstance(value, kind)), "a map")
    return Breach("KR009", at, f"expected {wanted}, found {found}")


def references(value: Any, shape: Shape, at: str) -> Iterator[tuple[str, str, str]]:
    """Pointer, kind and text of each reference in a value that its shape admits."""
    if isinstance(shape, Object) and isinstance(value, dict):
        for name, field in shape.fields.items():
            if name in value:
                yield from references(value[name], field.shape, f"{at}.{name}")
    elif isinstance(shape, Sequence) and isinstance(value, list):
        for index, item in enumerate(value):
            yield from references(item, shape.items, f"{at}[{index}]")
    elif isinstance(shape, shapes.Text) and shape.ref and isinstance(value, str):
        yield at, shape.ref, value


def known_fields(value: Any, shape: Shape) -> Any:
    """A value without the fields that its shape doesn't know; what isn't as the shape says stays as it is."""
    if isinstance(shape, Object) and isinstance(value, Mapping):
        fields = shape.fields
        return {name: known_fields(item, fields[name].shape) for name, item in value.items() if name in fields}
    if isinstance(shape, Sequence) and isinstance(value, list):
        return [known_fields(item, shape.items) for item in value]
    return value


def names_in(value: Any, names: Iterable[str], at: str) -> Iterator[tuple[str, str]]:
    """Pointer and name of every member, however deep, that has one of the names."""
    if isinstance(value, dict):
        for name, item in value.items():
            place = f"{at}.{name}" if at else name
            if name in names:
                yield place, name
            yield from names_in(item, names, place)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from names_in(item, names, f"{at}[{index}]")
