"""Results on standard output, in the form that was asked for. Nothing else may print there."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import click

from krate_gitops.printable import printable


def show(output: str, value: Any, *, table: str, items: Iterable[Any] | None = None) -> None:
    """Prints a result.

    ``value`` is a struct or plain value for the machine formats and ``table`` the text for people. ``items`` are what
    ``jsonl`` prints a line each; without them the value is its one line.
    """
    if output == "table":
        write(table)
        return
    from krate_gitops.encoding import json_lines, json_text, yaml_text

    if output == "jsonl":
        for line in json_lines([value] if items is None else items):
            write(line)
    else:
        write(json_text(value) if output == "json" else yaml_text(value))


def write(text: str) -> None:
    """Prints text that is safe already, with a line feed at its end."""
    click.echo(text, nl=bool(text) and not text.endswith("\n"))


def into_file(out: Path, fill: Callable[[IO[bytes]], int]) -> int:
    """Fills a file that takes the place of ``out`` when it is whole; what ``fill`` says of its size."""
    temporary = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        with temporary.open("w+b") as file:
            size = fill(file)
        temporary.replace(out)
    finally:
        temporary.unlink(missing_ok=True)
    return size


def fields_table(fields: Mapping[str, Any]) -> str:
    """One ``name  value`` line for each field that has a value; ``yes`` and ``no`` for booleans."""
    shown = {name: _cell(value) for name, value in fields.items() if value not in (None, "")}
    width = max(map(len, shown), default=0)
    return "".join(f"{name:<{width}}  {value}\n" for name, value in shown.items())


def rows_table(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Columns under headings in capitals, as wide as their widest cell."""
    cells = [[heading.upper() for heading in headings], *([_cell(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ("   ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in cells)
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(_cell(item) for item in value)
    return printable(str(value))
