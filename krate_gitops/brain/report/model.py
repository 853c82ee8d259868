"""The report of one validation: what every output format is made from."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterable

import msgspec

from krate_gitops.brain.model import Diagnostic, Severity


class Result(enum.StrEnum):
    """The verdict: ``invalid`` from the threshold upwards, ``degraded`` with any warning below it."""

    VALID = "valid"
    DEGRADED = "degraded"
    INVALID = "invalid"


class Counts(msgspec.Struct, frozen=True):
    """Diagnostics for each severity."""

    error: int = 0
    warning: int = 0
    info: int = 0


class Report(msgspec.Struct, frozen=True, rename="camel"):
    """One validation. ``diagnostics`` is complete and sorted; ``files`` and ``records`` were looked at."""

    repository: str
    commit: str
    profile: str
    result: Result
    counts: Counts
    counts_by_code: dict[str, int]
    diagnostics: list[Diagnostic]
    files: int
    records: int
    duration_ms: int


def assemble(
    diagnostics: Iterable[Diagnostic],
    *,
    repository: str,
    commit: str,
    profile: str,
    files: int,
    records: int,
    duration_ms: int,
    fail_on: str = "error",
) -> Report:
    """Sorts and counts the diagnostics and gives the verdict. ``fail_on`` is a severity's label."""
    ordered = sorted(diagnostics, key=place)
    by_severity = Counter(diagnostic.severity for diagnostic in ordered)
    return Report(
        repository=repository,
        commit=commit,
        profile=profile,
        result=verdict(by_severity, fail_on),
        counts=Counts(**{severity.label: by_severity[severity.label] for severity in Severity}),
        counts_by_code=dict(sorted(Counter(diagnostic.code for diagnostic in ordered).items())),
        diagnostics=ordered,
        files=files,
        records=records,
        duration_ms=duration_ms,
    )


def place(diagnostic: Diagnostic) -> tuple[str, int, str, int, str, str, str]:
    """The sort key: path, line, code, and whatever else makes the order total."""
    return (
        diagnostic.path,
        diagnostic.line,
        diagnostic.code,
        diagnostic.column,
        diagnostic.field,
        diagnostic.record_id,
        diagnostic.message,
    )


def verdict(by_severity: Counter[str], fail_on: str) -> Result:
    """The verdict from the number of diagnostics for each severity's label."""
    if any(count and at_least(label, fail_on) for label, count in by_severity.items()):
        return Result.INVALID
    return Result.DEGRADED if by_severity[Severity.WARNING.label] else Result.VALID


def at_least(label: str, threshold: str) -> bool:
    """Whether a severity's label reaches a threshold's."""
    return Severity[label.upper()] >= Severity[threshold.upper()]
