"""The one table that types plain scalars: the YAML 1.2 core schema, applied to source text.

No common Python parser follows the core schema exactly, and parsers lose the source of what they convert (``1.10``
becomes ``1.1``). So both parsing paths are held to this table.
"""

from __future__ import annotations

import re
from typing import Any

from krate_gitops.brain.model import Number

_MAX_INTEGER = 2**53 - 1
_LONGEST_INTEGER = 18
"""Digits of 2^53-1 in the longest notation, octal."""
_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]+\Z|0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z|[-+]?\.(?:inf|Inf|INF)\Z|\.(?:nan|NaN|NAN)\Z"
)


def resolve_plain(source: str) -> Any:
    """Value of a plain scalar: None, bool, int, ``Number`` (non-integers, and integers beyond 2^53-1) or text."""
    if source in _NULL:
        return None
    if source in _BOOL:
        return _BOOL[source]
    first = source[0]
    if first.isascii() and not (first.isdigit() or first in "+-."):
        return source
    if _INT.match(source):
        return _integer(source)
    return Number(source) if _FLOAT.match(source) else source


def _integer(source: str) -> int | Number:
    digits = source.lstrip("+-")
    base = {"0o": 8, "0x": 16}.get(digits[:2], 10)
    digits = (digits if base == 10 else digits[2:]).lstrip("0") or "0"
    if len(digits) > _LONGEST_INTEGER:
        return Number(source)  # Python refuses to convert thousands of digits
    number = -int(digits, base) if source.startswith("-") else int(digits, base)
    return number if abs(number) <= _MAX_INTEGER else Number(source)
