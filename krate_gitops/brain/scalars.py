"""The one table that types plain scalars: the YAML 1.2 core schema, applied to source text.

No common Python parser follows the core schema exactly, and parsers lose the source of what they convert (``1.10``
becomes ``1.1``). So both parsing paths are held to this table.
"""

from __future__ import annotations

import re
from typing import Any

from krate_gitops.brain.model import Number

_MAX_INTEGER = 2**53 - 1
_LONGEST_INTEGER = 22
"""Characters of any notation that may be an integer up to 2^53-1, and a few more."""
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
        if len(source) > _LONGEST_INTEGER and len(source.lstrip("+-0")) > _LONGEST_INTEGER:
            return Number(source)  # thousands of digits are not worth a conversion, and Python refuses it
        number = int(source, 0) if source[:2] in ("0o", "0x") else int(source)
        return number if abs(number) <= _MAX_INTEGER else Number(source)
    return Number(source) if _FLOAT.match(source) else source
