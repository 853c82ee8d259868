"""A validation as a report: with the fields that tools rely on, and in the form that every report writer takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from krate_gitops.brain import model
from krate_gitops.brain.report import Presentation, Report, assemble
from krate_gitops.encoding import plain
from krate_gitops.resources.rules.table import RULES, Effect
from krate_gitops.resources.source import Opened
from krate_gitops.resources.validate import Diagnostic

PROFILE = "config"
_EFFECTS = [effect for effect in Effect if any(rule.effect is effect for rule in RULES.values())]


def report_of(opened: Opened, diagnostics: Sequence[Diagnostic], *, fail_on: str, duration_ms: int) -> Report:
    """The report for table, SARIF, GitHub and JUnit, with the verdict. ``fail_on`` is a severity's label."""
    return assemble(
        [_shared(one) for one in diagnostics],
        repository=opened.name,
        commit=opened.commit,
        profile=PROFILE,
        files=len(opened.loaded.files),
        records=len(opened.loaded.manifests),
        duration_ms=duration_ms,
        fail_on=fail_on,
    )


def presentation(opened: Opened, *, colour: bool, fail_on: str) -> Presentation:
    """How a report of a config repository is shown."""
    return Presentation(base=opened.base, colour=colour, fail_on=fail_on, rules=RULES, subject="config", unit="object")


def body(report: Report, diagnostics: Sequence[Diagnostic], *, base: str) -> dict[str, Any]:
    """The report as plain values; ``diagnostics`` are sorted by path, document, field and code."""
    effects = Counter(one.effect for one in diagnostics)
    return {
        "repository": report.repository,
        "commit": report.commit,
        "path": base or ".",
        "result": report.result.value,
        "counts": plain(report.counts),
        "countsByEffect": {effect.value: effects[effect] for effect in _EFFECTS},
        "countsByCode": report.counts_by_code,
        "diagnostics": [plain(one) for one in diagnostics],
        "files": report.files,
        "objects": report.records,
        "durationMs": report.duration_ms,
    }


def _shared(one: Diagnostic) -> model.Diagnostic:
    return model.Diagnostic(
        code=one.code,
        name=RULES[one.code].name,
        severity=one.severity,
        path=one.path,
        line=one.line,
        column=one.column,
        record_id=f"{one.kind}/{one.name}" if one.kind and one.name else one.kind,
        field=one.field,
        message=one.message,
        hint=one.hint,
        related=tuple(model.Related(other.path, "", other.line, other.column, other.message) for other in one.related),
    )
