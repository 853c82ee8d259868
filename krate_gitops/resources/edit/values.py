"""When two values are the same as far as a file is concerned."""

from __future__ import annotations

from typing import Any

Json = Any


def same(one: Json, other: Json) -> bool:
    """Equality that tells ``true`` from ``1`` and ``1`` from ``1.0``, and takes NaN for itself."""
    if isinstance(one, dict):
        return isinstance(other, dict) and one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(map(same, one, other))
    if type(one) is not type(other):
        return False
    return bool(one == other) or (isinstance(one, float) and repr(one) == repr(other))


def without_nulls(value: Json) -> Json:
    """A copy in which no map has a null member; a loaded file has none either."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, (list, tuple)) else value
