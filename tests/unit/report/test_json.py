from __future__ import annotations

import json

from krate_gitops.brain.report import ReportFormat, render
from tests.unit.report.samples import EVERY_SHAPE, HOSTILE, report_of


def test_the_report_has_the_fields_that_tools_rely_on() -> None:
    body = json.loads(render(report_of(EVERY_SHAPE), ReportFormat.JSON))
    assert list(body) == [
        "repository", "commit", "profile", "result", "counts", "countsByCode", "diagnostics", "files", "records",
        "durationMs",
    ]  # fmt: skip
    assert body["counts"] == {"error": 5, "warning": 3, "info": 1}
    assert len(body["diagnostics"]) == len(EVERY_SHAPE)


def test_a_diagnostic_has_its_eleven_fields_and_related_places_are_objects() -> None:
    body = json.loads(render(report_of(EVERY_SHAPE), ReportFormat.JSON))
    [found] = [one for one in body["diagnostics"] if one["code"] == "KB033"]
    assert found == {
        "code": "KB033", "name": "duplicate-id", "severity": "error", "path": "graph/a.yaml", "line": 3, "column": 5,
        "recordId": "runbook:a", "field": "edges[0].target", "message": "service:fx-rate does not exist",
        "hint": "correct the target",
        "related": [{"path": "graph/b.yaml", "line": 1, "column": 1, "recordId": "runbook:a",
                     "message": "first defined here"}],
    }  # fmt: skip


def test_escapes_change_no_value() -> None:
    body = json.loads(render(report_of(EVERY_SHAPE), ReportFormat.JSON))
    assert HOSTILE in [one["message"] for one in body["diagnostics"]]
