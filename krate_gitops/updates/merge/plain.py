"""Values of a record as they are merged: as exact as their text, and independent of how it is laid out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from krate_gitops.brain.yaml_exact import Scalar, YamlRefused, parse_exact

LONGEST_SHOWN = 400
"""Characters of a value that a conflict or a change shows."""


class Written(msgspec.Struct, frozen=True):
    """A number, or a word such as ``True``, that other software would write otherwise: its text counts (``1.10``)."""

    source: str


class Missing(msgspec.Struct, frozen=True):
    """No value at all."""


MISSING = Missing()


def read_map(text: str) -> dict[str, Any] | None:
    """The map that a YAML text with LF line ends holds, empty for none at all; None for what isn't one map."""
    try:
        documents = parse_exact(text)
    except (YamlRefused, ValueError, RecursionError):
        return None
    value = plain(documents[0].value) if documents else {}
    return value if isinstance(value, dict) else None


def plain(value: Any) -> Any:
    """A parsed value without parser types and without null members of maps, which mean the same as none."""
    if isinstance(value, Scalar):
        return _scalar(value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if not _is_null(item)}
    return [plain(item) for item in value] if isinstance(value, list) else value


def _scalar(scalar: Scalar) -> Any:
    if scalar.value is None or scalar.source in ("true", "false"):
        return scalar.value
    if type(scalar.value) is int:
        return scalar.value if str(scalar.value) == scalar.source else Written(scalar.source)
    try:
        number = float(scalar.source)
    except ValueError:
        return Written(scalar.source)
    return number if repr(number) == scalar.source else Written(scalar.source)


def _is_null(value: Any) -> bool:
    return value is None or (isinstance(value, Scalar) and value.value is None)


def is_scalar(value: Any) -> bool:
    """Whether it is neither a map nor a list, nor missing."""
    return not isinstance(value, (dict, list, Missing))


def fingerprint(value: Any) -> str:
    """A text that only equal values have; the order of a map's keys aside."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=_written)


def _written(value: Any) -> Any:
    # No map of a record has a key with NUL in it, for none can be read.
    return {"\0": value.source} if isinstance(value, Written) else {}


def shown(value: Any) -> str | None:
    """A value in a line or a few, cut to a readable length; None for a missing one."""
    if isinstance(value, Missing):
        return None
    length, pieces = 0, []
    for piece in _pieces(value):
        pieces.append(piece[: LONGEST_SHOWN + 1])
        length += len(piece)
        if length > LONGEST_SHOWN:
            break
    return cut("".join(pieces))


def cut(text: str) -> str:
    """A text of at most ``LONGEST_SHOWN`` characters."""
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"


def _pieces(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for at, (key, item) in enumerate(value.items()):
            yield f"{', ' if at else '{'}{key}: "
            yield from _pieces(item)
        yield "}" if value else "{}"
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield ", " if at else "["
            yield from _pieces(item)
        yield "]" if value else "[]"
    elif isinstance(value, Written):
        yield value.source
    else:
        yield value if isinstance(value, str) else json.dumps(value)
