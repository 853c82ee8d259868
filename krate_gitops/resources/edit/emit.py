"""Values as YAML and JSON text, whole or as a piece that fits into a file.

PyYAML writes; what it is told is how. A scalar that any table, YAML 1.1 or 1.2, would read as something else than text
is quoted, what is invisible is escaped, a plain text of several lines becomes a literal block, and nothing is folded.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

import yaml

from krate_gitops.brain.scalars import resolve_plain
from krate_gitops.brain.yaml_exact import MAX_DEPTH
from krate_gitops.errors import UsageError
from krate_gitops.printable import escape_invisible, has_invisible

_BLOCK_TEXT = re.compile(r"[^\s#%&*!|>@`'\"\[\]{},?:-][^\n\t]*(\n+[^\n\t]*)*\n?")
"""Texts that a literal block holds without an indentation indicator."""
_TRAILING_SPACE = re.compile(r"[ \t](\n|\Z)")
_LONGEST_SIMPLE_KEY = 400
"""Characters of a key that has its colon on the same line; parsers stop looking for it after 1024."""
_ODD = re.compile("[\0\ud800-\udfff]")
_TEXT = "tag:yaml.org,2002:str"


class Piece(NamedTuple):
    """A value as it stands behind a key or a dash: the rest of that line, and the lines below it."""

    head: str
    body: list[str]


class _Dumper(yaml.SafeDumper):
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)  # sequences stand deeper than the key that holds them

    def check_simple_key(self) -> bool:
        # PyYAML puts keys of 128 characters behind a question mark; names of annotations may have 317.
        text = getattr(self.event, "value", None)
        is_short = super().check_simple_key()
        return is_short or (isinstance(text, str) and "\n" not in text and len(text) < _LONGEST_SIMPLE_KEY)

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar(_TEXT, text, style=_style(text))


_Dumper.add_representer(str, _text)


def _style(text: str) -> str | None:
    if has_invisible(text) or "\r" in text:
        return '"'
    if "\n" in text:
        return "|" if _BLOCK_TEXT.fullmatch(text) and not _TRAILING_SPACE.search(text) and text[-2:] != "\n\n" else '"'
    return None if isinstance(resolve_plain(text), str) else '"'


def _dump(value: Any, *, flow: bool = False) -> str:
    try:
        text: str = yaml.dump(
            value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=2**30, default_flow_style=flow
        )
    except yaml.YAMLError as error:
        raise UsageError("INVALID_REQUEST", f"this can't be written as YAML: {type(error).__name__}") from None
    return escape_invisible(text)


def check_writable(value: Any, depth: int = 1) -> None:
    """Raises ``UsageError(INVALID_REQUEST)`` for what no file can hold: NUL, half a surrogate pair, keys that are no
    text, and more levels than are read.
    """
    if depth > MAX_DEPTH:
        raise UsageError("INVALID_REQUEST", f"a value is nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, str):
        if _ODD.search(value):
            raise UsageError("INVALID_REQUEST", "a text holds NUL or half a surrogate pair, which no file can hold")
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise UsageError("INVALID_REQUEST", "every key must be text")
            check_writable(key, depth)
            check_writable(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            check_writable(item, depth + 1)
    elif not (value is None or isinstance(value, (bool, int, float))):
        raise UsageError("INVALID_REQUEST", f"a {type(value).__name__} has no form in YAML")


def block_text(value: Any) -> str:
    """A whole document in block style, with a line feed at its end."""
    return _dump(value)


def behind_key(value: Any, indent: int) -> Piece:
    """A value behind ``key:``; its further lines stand ``indent`` deep."""
    return _piece(_dump({"k": value}), indent)


def behind_dash(value: Any, indent: int) -> Piece:
    """A value behind ``-``; its further lines stand ``indent`` deep, as its first key does."""
    return _piece(_dump([value]), indent)


def _piece(dumped: str, indent: int) -> Piece:
    first, *rest = dumped.rstrip("\n").split("\n")
    return Piece(first[2:].lstrip(" "), [" " * indent + line[2:] if line else "" for line in rest])


def entry_lines(key: str, value: Any, indent: int) -> list[str]:
    """The lines of a map's entry."""
    return [" " * indent + line if line else "" for line in _dump({key: value}).rstrip("\n").split("\n")]


def item_lines(value: Any, indent: int) -> list[str]:
    """The lines of a sequence's item."""
    return [" " * indent + line if line else "" for line in _dump([value]).rstrip("\n").split("\n")]


def flow_text(value: Any) -> str:
    """A value on one line, as it stands within brackets."""
    return _dump([value], flow=True)[1:-2]


def flow_entry(key: str, value: Any) -> str:
    """An entry of a map in braces."""
    return _dump({key: value}, flow=True)[1:-2]


def quoted(text: str, quote: str) -> str | None:
    """A text of one line in the quotes that stood there before; ``None`` where that can't be."""
    if quote == "'" and not re.search(r"[\n\r\t]", text) and not has_invisible(text) and text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    if quote == '"':
        dumped: str = yaml.dump([text], Dumper=_Quoting, allow_unicode=True, width=2**30, default_flow_style=True)
        return escape_invisible(dumped)[1:-2]
    return None


class _Quoting(_Dumper):
    pass


_Quoting.add_representer(str, lambda dumper, text: dumper.represent_scalar(_TEXT, text, style='"'))


def json_piece(value: Any, *, unit: str | None, margin: str) -> str:
    """A value as JSON: on one line without a ``unit``, else indented by it, lines after the first behind a margin."""
    indented = unit is not None and isinstance(value, (dict, list)) and bool(value)
    separators = (",", ": ") if indented else (", ", ": ")
    text = json.dumps(value, ensure_ascii=False, indent=unit if indented else None, separators=separators)
    return escape_invisible(text.replace("\n", "\n" + margin))
