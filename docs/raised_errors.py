"""Finds the errors a package raises by reading its syntax trees, so that the list in the docs can't drift."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from krate_gitops.cli import failures

CODE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|USAGE|INTERNAL")
EXIT_CODES = {"KrateError": 1, "UsageError": 2, "UnavailableError": 3, "DeniedError": 4}
_FAILURE = "Failure"
"""The command line's own value for what isn't a KrateError: code, message, hint, location, exit code."""


class Raised(NamedTuple):
    """One place that raises an error; words in braces stand for what is filled in."""

    code: str
    exit_code: int | None
    message: str
    hint: str


class Maker(NamedTuple):
    """A function that builds an error of one code from a message that its callers give."""

    code: str
    exit_code: int | None
    message_at: int


class Module(NamedTuple):
    """A parsed file with the exit codes of the error classes known in it."""

    tree: ast.Module
    exits: Mapping[str, int]


def raised_in(package: Path) -> Iterator[Raised]:
    """Every error of every module, in the order of files and lines."""
    modules = _modules([ast.parse(file.read_text(encoding="utf-8")) for file in sorted(package.rglob("*.py"))])
    shared: dict[str, Maker] = {}
    for module in modules:
        shared |= {name: maker for name, maker in _makers(module).items() if not name.startswith("_")}
    for module in modules:
        makers = {**shared, **_makers(module)}
        for call in _calls(module.tree):
            raised = _raised(call, module.exits, makers)
            if raised is not None:
                yield raised


def _modules(trees: Sequence[ast.Module]) -> list[Module]:
    """Each file with the errors it defines or imports, however many classes lie between them and the tree's own."""
    everywhere = dict(EXIT_CODES)
    found = -1
    while found < len(everywhere):
        found = len(everywhere)
        for tree in trees:
            everywhere |= _own_errors(tree, everywhere)
    modules = []
    for tree in trees:
        imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
        exits = {name: code for name, code in everywhere.items() if name in imported or name in EXIT_CODES}
        own = _own_errors(tree, everywhere)
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and node.name in own:
                # Inside the class its error is built by super().__init__(code, ...).
                _name_super_calls(node)
        modules.append(Module(tree, exits | own))
    return modules


def _own_errors(tree: ast.Module, known: Mapping[str, int]) -> dict[str, int]:
    """Exit codes of the error classes that a file defines. The first base that is an error decides, as Python does."""
    exits: dict[str, int] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name not in EXIT_CODES:
            bases = [base.id for base in node.bases if isinstance(base, ast.Name)]
            codes = [code for base in bases if (code := exits.get(base, known.get(base))) is not None]
            if codes:
                exits[node.name] = codes[0]
    return exits


def _name_super_calls(node: ast.ClassDef) -> None:
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "super().__init__":
            call.func = ast.Name(node.name)


def _makers(module: Module) -> dict[str, Maker]:
    makers = {}
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.FunctionDef):
            continue
        parameters = [argument.arg for argument in node.args.args]
        for call in _calls(node):
            raised = _raised(call, module.exits, {})
            message = call.args[1] if len(call.args) > 1 else None
            if raised and isinstance(message, ast.Name) and message.id in parameters:
                makers[node.name] = Maker(raised.code, raised.exit_code, parameters.index(message.id))
    return makers


def _calls(node: ast.AST) -> Iterator[ast.Call]:
    return (child for child in ast.walk(node) if isinstance(child, ast.Call) and isinstance(child.func, ast.Name))


def _raised(call: ast.Call, exits: Mapping[str, int], makers: Mapping[str, Maker]) -> Raised | None:
    name = call.func.id if isinstance(call.func, ast.Name) else ""
    hint = next((keyword.value for keyword in call.keywords if keyword.arg == "hint"), None)
    if maker := makers.get(name):
        message = call.args[maker.message_at] if len(call.args) > maker.message_at else None
        return Raised(maker.code, maker.exit_code, template(message), template(hint))
    first = call.args[0] if call.args else None
    if name not in exits and name != _FAILURE:
        return None
    if not isinstance(first, ast.Constant) or not isinstance(first.value, str) or not CODE.fullmatch(first.value):
        return None
    exit_code = exits.get(name)
    if name == _FAILURE:
        hint, exit_code = call.args[2], getattr(failures, ast.unparse(call.args[4]), None)
    return Raised(first.value, exit_code, template(call.args[1] if len(call.args) > 1 else None), template(hint))


def template(node: ast.expr | None) -> str:
    """The text of a literal, with the names of what is filled in; empty for what is computed elsewhere."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(
            str(part.value) if isinstance(part, ast.Constant) else f"{{{_placeholder(part)}}}" for part in node.values
        )
    if isinstance(node, ast.IfExp):
        return " / ".join(filter(None, (template(node.body), template(node.orelse))))
    return ""


def _placeholder(part: ast.expr) -> str:
    value = part.value if isinstance(part, ast.FormattedValue) else part
    named = (node for node in ast.walk(value) if isinstance(node, (ast.Attribute, ast.Name)))
    names = [node.attr if isinstance(node, ast.Attribute) else node.id for node in named]
    return names[0].strip("_").replace("_", " ") if names else "…"
