"""A report with every shape a diagnostic can have."""

from __future__ import annotations

from collections.abc import Sequence

from krate_gitops.brain.model import Diagnostic, Related
from krate_gitops.brain.report import Report, assemble
from krate_gitops.brain.rules.table import RULES

HOSTILE = "\x1b[31mred\x1b[0m\r\n::error::forged \u202egnp.exe \x9b2J ]]>&<b> 100% [click](http://evil.example)"


def diagnostic(
    code: str = "KB038",
    *,
    path: str = "graph/a.yaml",
    line: int = 3,
    column: int = 5,
    message: str = "service:fx-rate does not exist",
    severity: str = "",
    record_id: str = "runbook:a",
    field: str = "edges[0].target",
    hint: str = "correct the target",
    related: tuple[Related, ...] = (),
) -> Diagnostic:
    rule = RULES.get(code)
    return Diagnostic(
        code=code,
        name=rule.name if rule else "",
        severity=severity or (rule.severity.label if rule else "error"),
        path=path,
        line=line,
        column=column,
        record_id=record_id,
        field=field,
        message=message,
        hint=hint,
        related=related,
    )


def report_of(diagnostics: Sequence[Diagnostic], *, fail_on: str = "error") -> Report:
    return assemble(
        diagnostics,
        repository="atlas",
        commit="c" * 40,
        profile="R",
        files=12,
        records=10,
        duration_ms=1234,
        fail_on=fail_on,
    )


EVERY_SHAPE = (
    diagnostic(),
    diagnostic("KB033", related=(Related("graph/b.yaml", "runbook:a", 1, 1, "first defined here"),)),
    diagnostic("KB010", path="ontology/edge-kinds.yaml", line=0, column=0, record_id="", field="", hint=""),
    diagnostic("KB053", message="not reviewed for 412 days"),
    diagnostic("KB041", message="listed twice"),
    diagnostic("KB999", message="a rule of another release", severity="warning"),
    diagnostic("KB013", path=HOSTILE, message=HOSTILE, hint=HOSTILE, record_id=HOSTILE, field=HOSTILE),
    diagnostic("KB004", path="notes/\udc80.md", message="invalid byte 0x80 at offset 7"),
    diagnostic("KB012", path="", line=0),
)
