"""Finds fields in expressions that the schema doesn't have, as a typed compiler would."""

from __future__ import annotations

import re
from typing import Any, Final

from krate_gitops.cluster.dev.schemas.rules import escaped

Schema = dict[str, Any]

_TEXT: Final = re.compile(r"r?'(?:[^'\\]|\\.)*'|r?\"(?:[^\"\\]|\\.)*\"")
_CHAIN: Final = re.compile(r"(?<![\w.])(?:self|oldSelf)((?:\s*\.\s*[A-Za-z_]\w*)+)(\s*\()?")
_IMPLICIT: Final = frozenset({"apiVersion", "kind", "metadata"})


def without_texts(expression: str) -> str:
    """The expression with its texts emptied, for a look at its words."""
    return _TEXT.sub("''", expression)


def unknown_member(text: str, schema: Schema) -> str:
    """The first member of ``self`` or ``oldSelf`` that the schema doesn't have; empty if there is none."""
    for found in _CHAIN.finditer(without_texts(text)):
        names = [name.strip() for name in found.group(1).split(".") if name.strip()]
        if found.group(2):
            names.pop()  # It is a function.
        missing = _missing(names, schema)
        if missing:
            return missing
    return ""


def _missing(names: list[str], schema: Schema) -> str:
    for name in names:
        if schema.get("type") != "object":
            return name if schema.get("type") in ("string", "integer", "number", "boolean", "array") else ""
        properties = schema.get("properties")
        if properties:
            known = {escaped(each): each for each in properties}
            if name in known:
                schema = properties[known[name]]
                continue
            if name in _IMPLICIT and (schema.get("x-kubernetes-embedded-resource") or "spec" in properties):
                return ""
            return name
        inner = schema.get("additionalProperties")
        if not isinstance(inner, dict):
            return "" if schema.get("x-kubernetes-embedded-resource") else name
        schema = inner
    return ""
