"""Typed reading of one ontology file: each problem becomes a finding at its key, and the rest is still read.

A ``Section`` is a mapping with the pointer that leads to it. Asking for a key marks it as known; ``close`` reports the
keys nobody asked for. So the schema of a file is the code that reads it, and cannot drift from it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, TypeVar

from krate_gitops.brain.model import Finding, Number, OntologyFinding

_Value = TypeVar("_Value")

VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?\Z", re.ASCII)


class Report:
    """Findings of one ontology file."""

    def __init__(self, path: str, findings: list[OntologyFinding]) -> None:
        self.path = path
        self._findings = findings

    def add(self, code: str, message: str, field: str, *, at_key: bool = False, hint: str = "") -> None:
        self.take(Finding(code, message, record=0, field=field, at_key=at_key, hint=hint))

    def take(self, finding: Finding) -> None:
        self._findings.append(OntologyFinding(self.path, finding))


class Section:
    """One mapping of an ontology file. Methods return the default where the value is absent, null or wrong."""

    def __init__(self, report: Report, value: Mapping[str, Any], pointer: str = "") -> None:
        self.report = report
        self.pointer = pointer
        self._value = value
        self._asked: set[str] = set()

    def at(self, key: str) -> str:
        """Pointer of a key of this mapping."""
        return f"{self.pointer}.{key}" if self.pointer else key

    def get(self, key: str) -> Any:
        self._asked.add(key)
        return self._value.get(key)

    def wrong(self, key: str, expected: str, *, hint: str = "") -> None:
        self.report.add("KB081", f"{key} must be {expected}", self.at(key), hint=hint)

    def close(self) -> None:
        """Report every key that was never asked for."""
        for key in self._value:
            if key not in self._asked:
                near = get_close_matches(key, sorted(self._asked), 1)
                hint = f'did you mean "{near[0]}"?' if near else "allowed: " + ", ".join(sorted(self._asked))
                self.report.add(
                    "KB081", f'"{key[:60]}" is not a key of this schema', self.at(key), at_key=True, hint=hint
                )

    def text(self, key: str, default: _Value, *, required: bool = False, pattern: re.Pattern[str] | None = None,
             expected: str = "text") -> str | _Value:  # fmt: skip
        """A text; ``pattern`` must match from its start. ``required`` reports an absent one."""
        value = self.get(key)
        if value is None:
            if required:
                self.report.add("KB081", f'"{key}" is missing', self.pointer, hint=f"{key} must be {expected}")
            return default
        if not isinstance(value, str) or (pattern is not None and not pattern.match(value)):
            self.wrong(key, expected)
            return default
        return value

    def choice(self, key: str, choices: Sequence[str], default: _Value) -> str | _Value:
        value = self.get(key)
        if value is None:
            return default
        if not isinstance(value, str) or value not in choices:
            self.wrong(key, "one of " + ", ".join(choices))
            return default
        return value

    def flag(self, key: str, default: bool) -> bool:
        value = self.get(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            self.wrong(key, "true or false")
            return default
        return value

    def integer(self, key: str, default: _Value, minimum: int, maximum: int | None = None) -> int | _Value:
        value = self.get(key)
        if value is None:
            return default
        high = value if maximum is None else maximum
        if isinstance(value, bool) or not isinstance(value, int) or not minimum <= value <= high:
            self.wrong(
                key, f"an integer of at least {minimum}" + ("" if maximum is None else f" and at most {maximum}")
            )
            return default
        return value

    def texts(self, key: str, default: tuple[str, ...] = (), *, accept: Callable[[str], bool] = bool,
              expected: str = "text") -> tuple[str, ...]:  # fmt: skip
        """A list of texts; items that are not acceptable are reported and left out."""
        value = self.get(key)
        if value is None:
            return default
        if not isinstance(value, list):
            self.wrong(key, "a list")
            return default
        kept = []
        for at, item in enumerate(value):
            if isinstance(item, str) and accept(item):
                kept.append(item)
            else:
                self.report.add("KB081", f"every item of {key} must be {expected}", f"{self.at(key)}[{at}]")
        return tuple(kept)

    def section(self, key: str) -> Section | None:
        """A mapping inside this one, or None."""
        value = self.get(key)
        if value is None:
            return None
        if not isinstance(value, dict):
            self.wrong(key, "a map")
            return None
        return Section(self.report, value, self.at(key))

    def sections(self, key: str, *, required: bool = False) -> Iterator[Section]:
        """The mappings of a list; items of another type are reported and left out."""
        value = self.get(key)
        if value is None and required:
            self.report.add("KB081", f'"{key}" is missing', self.pointer, hint=f"{key} must be a list")
        if value is None:
            return
        if not isinstance(value, list):
            self.wrong(key, "a list")
            return
        for at, item in enumerate(value):
            pointer = f"{self.at(key)}[{at}]"
            if isinstance(item, dict):
                yield Section(self.report, item, pointer)
            else:
                self.report.add("KB081", f"every item of {key} must be a map", pointer)

    def names(self) -> list[str]:
        return list(self._value)


def scalar_text(value: Any) -> str | None:
    """Text of a scalar as it stands in the file, for values such as the terms of an enum; None for anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return value.source if isinstance(value, Number) else None
