"""Records as YAML in block style, a line for each scalar.

PyYAML writes the rest of this program's YAML, at most of a millisecond a record. A full journal has ten thousand, all
of one shape and without a text of several lines, so they are written here: plain where every reader of YAML sees the
same text, else as a JSON string, which is a double-quoted scalar.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from krate_gitops.brain.timestamps import normalise_timestamp
from krate_gitops.printable import escape_invisible

_PLAIN = re.compile(r"[A-Za-z](?:[A-Za-z0-9_./@+()-]|[ :,;](?=[A-Za-z0-9_(])|:(?=[A-Za-z0-9]))*\Z")
_MAY_BE_A_KEY = re.compile(r":(?:\s|\Z)")
_WORDS = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf", "none"))
"""What some table of YAML reads as something else than text."""
_SHORT = 64
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\Z")


def scalar(value: Any) -> str:
    """A value as it stands behind a key."""
    if type(value) is str:
        return _known(value) if len(value) <= _SHORT else _text(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else _text(str(value))


def _text(text: str) -> str:
    if _TIME.match(text) and normalise_timestamp(text):
        return text
    if _PLAIN.match(text) and not _MAY_BE_A_KEY.search(text) and text.lower() not in _WORDS:
        return text
    return escape_invisible(json.dumps(text, ensure_ascii=False))


_known = lru_cache(maxsize=4_096)(_text)
"""Keys, owners and types are the same in all records."""


def document(value: Mapping[str, Any]) -> bytes:
    """A whole document. Members that are None are left out."""
    return ("\n".join(_map(value, "")) + "\n").encode()


def frontmatter(value: Mapping[str, Any]) -> str:
    """The same between lines of three dashes, as it stands on top of a Markdown file."""
    return "\n".join(("---", *_map(value, ""), "---", ""))


def _map(value: Mapping[str, Any], indent: str) -> Iterator[str]:
    for key, item in value.items():
        if item is None:
            continue
        name = scalar(key)
        if isinstance(item, dict):
            inner = list(_map(item, indent + "  "))
            yield f"{indent}{name}:" if inner else f"{indent}{name}: {{}}"
            yield from inner
        elif isinstance(item, (list, tuple)):
            yield f"{indent}{name}:" if item else f"{indent}{name}: []"
            yield from _list(item, indent + "  ")
        else:
            yield f"{indent}{name}: {scalar(item)}"


def _list(items: list[Any] | tuple[Any, ...], indent: str) -> Iterator[str]:
    for item in items:
        if isinstance(item, (dict, list, tuple)):
            inner = list(_map(item, "") if isinstance(item, dict) else _list(item, ""))
            if not inner:
                yield f"{indent}- " + ("{}" if isinstance(item, dict) else "[]")
                continue
            yield f"{indent}- {inner[0]}"
            yield from (f"{indent}  {line}" for line in inner[1:])
        else:
            yield f"{indent}- {scalar(item)}"
