"""The models as a small tree of types: what validation walks and what schemas are written from.

``msgspec.inspect`` says everything, but wraps it in many ways; here each field is one of a few shapes, made once.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec
from msgspec import inspect

from krate_gitops.resources.kinds.common import Part

_NOTHING: Mapping[str, Any] = {}


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """What all shapes have: words for people, and the rules that a missing or bad value breaks."""

    description: str = ""
    missing: str = "KR008"
    bad: str = ""
    """Rule for a value of the right type that isn't admitted; empty for the general ones."""


class Text(Shape, frozen=True, kw_only=True):
    """A string. ``ref`` is the kind it refers to; ``choices`` all it may be, where that is listed."""

    pattern: str = ""
    least: int = 0
    most: int | None = None
    most_bytes: int | None = None
    ref: str = ""
    choices: tuple[str, ...] = ()


class Number(Shape, frozen=True, kw_only=True):
    """An integer, or any number."""

    integer: bool
    least: int | float | None = None
    most: int | float | None = None


class Flag(Shape, frozen=True):
    """A boolean."""


class Anything(Shape, frozen=True):
    """Whatever JSON holds."""


class Sequence(Shape, frozen=True, kw_only=True):
    """A list."""

    items: Shape
    least: int = 0


class Table(Shape, frozen=True, kw_only=True):
    """A map with keys of the author's choice."""

    values: Shape
    least: int = 0


class Field(msgspec.Struct, frozen=True):
    """A field of an object. ``default`` is in JSON form; ``has_default`` tells an absent one from null."""

    name: str
    shape: Shape
    required: bool
    has_default: bool = False
    default: Any = None


class Object(Shape, frozen=True, kw_only=True):
    """A part with fields."""

    part: type[Part]
    fields: Mapping[str, Field]


@cache
def shape_of(part: type[Part]) -> Object:
    """The shape of a model."""
    return _object(part, inspect.type_info(part))


def _object(part: Any, described: Any) -> Object:
    fields = {field.encode_name: _field(field) for field in described.fields}
    return Object(part=part, fields=fields, description=_first_line(part))


def _first_line(part: type) -> str:
    return (part.__doc__ or "").strip().partition("\n")[0]


def _field(field: inspect.Field) -> Field:
    shape = _shape(field.type, _NOTHING, "")
    if field.required:
        return Field(field.encode_name, shape, required=True)
    default = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
    if default is None:
        return Field(field.encode_name, shape, required=False)
    # A part's own defaults are written at its own fields.
    plain = {} if isinstance(default, Part) else msgspec.json.decode(msgspec.json.encode(default))
    return Field(field.encode_name, shape, required=False, has_default=True, default=plain)


def _shape(described: inspect.Type, extra: Mapping[str, Any], said: str) -> Shape:
    """The shape of a type, under what annotations around it have said."""
    if isinstance(described, inspect.Metadata):
        words = said or (described.extra_json_schema or {}).get("description", "")
        return _shape(described.type, {**(described.extra or {}), **extra}, words)
    codes = {name: extra[name] for name in ("missing", "bad") if name in extra}
    if isinstance(described, inspect.UnionType):
        [inner] = [one for one in described.types if not isinstance(one, inspect.NoneType)]
        return _shape(inner, extra, said)
    if isinstance(described, inspect.StrType):
        return _text(described, extra, said, codes)
    if isinstance(described, inspect.LiteralType):
        return Text(choices=tuple(str(value) for value in described.values), description=said)
    if isinstance(described, (inspect.IntType, inspect.FloatType)):
        is_integer = isinstance(described, inspect.IntType)
        return Number(integer=is_integer, least=described.ge, most=described.le, description=said, **codes)
    if isinstance(described, inspect.BoolType):
        return Flag(description=said)
    if isinstance(described, inspect.VarTupleType):
        items = _shape(described.item_type, _NOTHING, "")
        return Sequence(items=items, least=described.min_length or 0, description=said, **codes)
    if isinstance(described, inspect.DictType):
        values = _shape(described.value_type, _NOTHING, "")
        return Table(values=values, least=described.min_length or 0, description=said)
    if isinstance(described, inspect.StructType):
        shape = _object(described.cls, described)
        return msgspec.structs.replace(shape, description=said) if said else shape
    return Anything(description=said)


def _text(described: inspect.StrType, extra: Mapping[str, Any], said: str, codes: Mapping[str, str]) -> Text:
    return Text(
        pattern=described.pattern or "",
        least=described.min_length or 0,
        most=described.max_length,
        most_bytes=extra.get("maxBytes"),
        ref=extra.get("ref", ""),
        description=said,
        missing=codes.get("missing", "KR008"),
        bad=codes.get("bad", ""),
    )
