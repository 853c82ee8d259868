"""Columns of custom kinds' tables: the ones a definition declares, read by simple JSON paths."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from krate_gitops.cluster.dev.ages import age
from krate_gitops.cluster.dev.builtin.kind import Column
from krate_gitops.cluster.dev.kinds import Object
from krate_gitops.cluster.dev.verbs.table import text_of

_STEP = re.compile(
    r"""\.?([A-Za-z_][\w-]*(?:\\\.[\w/-]+)*)      # a member, dots in its name escaped
    |\[(\d+|\*)\]                                  # an item, or all of them
    |\[['"]([^'"]+)['"]\]                          # a member in quotes
    |\[\?\(@\.([\w.-]+)\s*==\s*['"]([^'"]*)['"]\)\]  # items by the value of a member
    """,
    re.VERBOSE,
)

_NAME = Column(
    "Name",
    "string",
    "Name must be unique within a namespace. Is required when creating resources, although some resources may allow a "
    "client to request the generation of an appropriate name automatically.",
    lambda each: each["metadata"]["name"],
    "name",
)


def custom_columns(declared: Sequence[Object] | None) -> tuple[Column, ...]:
    """The columns of a version of a definition: the name, and those declared, or the age where none are."""
    if not declared:
        return (_NAME, Column("Age", "date", "How old the object is.", _age_of))
    return (_NAME, *(_column(each) for each in declared))


def _age_of(value: Object) -> str:
    return age(value["metadata"].get("creationTimestamp"))


def _column(declared: Object) -> Column:
    path, type_ = declared["jsonPath"], declared["type"]
    read = reader(path)

    def cell(value: Object) -> Any:
        found = read(value)
        if found is None:
            return None
        if type_ == "date":
            return age(found)
        if type_ == "integer":
            return int(found) if isinstance(found, (int, float)) and not isinstance(found, bool) else None
        if type_ == "number":
            return found if isinstance(found, (int, float)) and not isinstance(found, bool) else None
        if type_ == "boolean":
            return found if isinstance(found, bool) else None
        if isinstance(found, bool):
            return "true" if found else "false"
        return found if isinstance(found, str) else str(text_of(found))

    description = declared.get("description") or f"Custom resource definition column (in JSONPath format): {path}"
    return Column(
        declared["name"], type_, description, cell, declared.get("format") or "", declared.get("priority") or 0
    )


def reader(path: str) -> Callable[[Any], Any]:
    """Reads the first value at a JSON path; ``None`` where there is none."""
    text = path.strip().removeprefix("{").removesuffix("}").removeprefix("$")
    steps = [found.groups() for found in _STEP.finditer(text)]

    def read(value: Any) -> Any:
        found = [value]
        for step in steps:
            found = [each for item in found for each in _follow(item, step)]
        return found[0] if found else None

    return read


def _follow(value: Any, step: tuple[str | None, ...]) -> list[Any]:
    member, index, quoted, key, wanted = step
    name = quoted or (member.replace("\\.", ".") if member else None)
    if name is not None:
        return [value[name]] if isinstance(value, dict) and value.get(name) is not None else []
    if not isinstance(value, list):
        return []
    if key is not None:
        return [item for item in value if isinstance(item, dict) and str(item.get(key)) == wanted]
    if index == "*":
        return value
    return [value[int(index)]] if index and int(index) < len(value) else []
