"""From what a parser returned to plain values, those canonical JSON can hold.

Text, integers, booleans, lists and maps; a number with a fraction is ``{"$number": source}``, a null in a map is left
out and a null in a list is ``{"$null": true}``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from krate_gitops.brain.model import Number
from krate_gitops.brain.yaml_exact import MAX_DEPTH, Scalar
from krate_gitops.brain.yaml_fast import NeedExact

_MAX_INTEGER = 2**53 - 1


def settle(value: Any, depth: int, fractions: bool) -> Any:
    """The value without parser types. ``fractions`` says whether floats may be trusted to print as their source.

    Raises ``NeedExact`` where the fast path lost something: an odd float, a key that is not text, too deep a nesting.
    """
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return value
    if kind is int:
        if -_MAX_INTEGER <= value <= _MAX_INTEGER:
            return value
        raise NeedExact
    if depth > MAX_DEPTH:
        raise NeedExact
    if kind is dict:
        for key in value:
            if type(key) is not str:
                raise NeedExact
        return {key: settle(item, depth + 1, fractions) for key, item in value.items() if not _is_null(item)}
    if kind is list:
        return [{"$null": True} if _is_null(item) else settle(item, depth + 1, fractions) for item in value]
    if kind is Scalar:
        return {"$number": value.value.source} if type(value.value) is Number else value.value
    if kind is float and fractions and value - value == 0.0:
        return {"$number": repr(value)}
    raise NeedExact


def settle_asking(value: Any, depth: int, are_plain: Callable[[], bool]) -> Any:
    """The settled value; only one with floats asks whether those of its source print as they are written."""
    try:
        return settle(value, depth, False)
    except NeedExact:
        if not are_plain():
            raise
        return settle(value, depth, True)


def _is_null(value: Any) -> bool:
    return value is None or (type(value) is Scalar and value.value is None)


def number_source(value: Any) -> str | None:
    """Source text of a settled number with a fraction, or None for any other value."""
    if type(value) is dict and len(value) == 1:
        source = value.get("$number")
        return source if type(source) is str else None
    return None


def text_of(value: Any) -> str | None:
    """Source text of a scalar that stands where text is expected; None for null. Raises ``TypeError`` otherwise.

    Raises ``NeedExact`` when the fast path has already turned the text into something else.
    """
    kind = type(value)
    if kind is str:
        return value
    if value is None:
        return None
    if kind is Scalar:
        return None if value.value is None else value.source
    if kind is int or kind is bool or kind is float:
        raise NeedExact
    raise TypeError
