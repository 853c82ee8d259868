"""KR607: every declared value is used by a template, and every value that a template uses is declared."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from krate_gitops.resources.package.contents import Finding, Package
from krate_gitops.resources.package.values import ChartValues
from krate_gitops.resources.shapes import Object, Shape, Table, shape_of

_ASSIGNED = re.compile(r"\$(\w+)\s*:?=\s*(\$\w+|\$?\.Values)((?:\.\w+)*)\s*-?\}\}")
_NAMED = re.compile(r"(\$\w*)?\.Values((?:\.\w+)+)|\$(\w+)((?:\.\w+)*)")
_COMMENT = re.compile(r"\{\{-?\s*/\*.*?\*/\s*-?\}\}", re.DOTALL)
_ACTION = re.compile(r"\{\{.*?\}\}", re.DOTALL)

CHECKS = "templates/checks.yaml"
"""Only compares values with each other; whatever is used nowhere else is not used."""
_UNUSED = frozenset({"global"})
"""Helm's own: a parent chart sets it."""


def unmatched_values(package: Package, declared: Object | None = None) -> Iterator[Finding]:
    """KR607. ``declared`` are the values; those of the chart unless a test says otherwise."""
    declared = declared or shape_of(ChartValues)
    leaves = set(_leaves(declared, ""))
    uses = {path: set(uses_in(text)) for path, text in package.templates.items()}
    everywhere = {use for path, found in uses.items() if path != CHECKS for use in found}
    for leaf in sorted(leaves - _UNUSED):
        if not any(leaf == use or leaf.startswith(f"{use}.") or use.startswith(f"{leaf}.") for use in everywhere):
            yield Finding("KR607", "values.yaml", f"{leaf} is declared, but no template uses it")
    for path, found in uses.items():
        for use in sorted(found):
            if not _is_declared(declared, use.split(".")):
                yield Finding("KR607", path, f"{use} is used, but not declared")


def uses_in(template: str) -> Iterator[str]:
    """Dotted paths of values that a template names, also through variables; a group named as a whole is one use."""
    variables: dict[str, str] = {}
    for action in _ACTION.findall(_COMMENT.sub("", template)):
        if assigned := _ASSIGNED.search(action):
            above = "" if assigned[2].endswith(".Values") else variables.get(assigned[2][1:])
            if above is not None:
                variables[assigned[1]] = f"{above}{assigned[3]}".strip(".")
                continue
        yield from _named(action, variables)


def _named(action: str, variables: Mapping[str, str]) -> Iterator[str]:
    for named in _NAMED.finditer(action):
        if named[2]:
            yield named[2][1:]
        elif named[3] in variables and (path := f"{variables[named[3]]}{named[4]}"):
            yield path.strip(".")


def _leaves(shape: Object, above: str) -> Iterator[str]:
    for field in shape.fields.values():
        if isinstance(field.shape, Object):
            yield from _leaves(field.shape, f"{above}{field.name}.")
        else:
            yield f"{above}{field.name}"


def _is_declared(shape: Shape, path: list[str]) -> bool:
    if not path or isinstance(shape, Table):
        return True
    return isinstance(shape, Object) and path[0] in shape.fields and _is_declared(shape.fields[path[0]].shape, path[1:])
