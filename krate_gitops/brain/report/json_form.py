"""The report as JSON: complete, sorted, with the fields that tools rely on."""

from __future__ import annotations

from typing import Any

from krate_gitops.brain.model import Related
from krate_gitops.brain.report.model import Report
from krate_gitops.brain.report.presentation import Presentation
from krate_gitops.encoding import json_text, plain


def report_body(report: Report) -> dict[str, Any]:
    """The report as plain values, for any format that keeps structure."""
    body: dict[str, Any] = plain(report)
    for shown, diagnostic in zip(body["diagnostics"], report.diagnostics, strict=True):
        # Related places are stored as arrays, to be small; to a reader they are objects like everything else.
        shown["related"] = [_related(related) for related in diagnostic.related]
    return body


def write_json(report: Report, _: Presentation) -> str:
    """The report as one JSON document. Paths are those of the diagnostics, below the memory root."""
    return json_text(report_body(report))


def _related(related: Related) -> dict[str, Any]:
    return {
        "path": related.path,
        "line": related.line,
        "column": related.column,
        "recordId": related.record_id,
        "message": related.message,
    }
