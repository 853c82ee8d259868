from __future__ import annotations

import random

import pytest

from krate_gitops.brain.report import Counts, Result
from tests.unit.report.samples import EVERY_SHAPE, diagnostic, report_of


def test_diagnostics_are_sorted_by_path_line_and_code_whatever_order_they_came_in() -> None:
    shuffled = list(EVERY_SHAPE)
    random.Random(1).shuffle(shuffled)
    assert report_of(shuffled).diagnostics == report_of(EVERY_SHAPE).diagnostics
    keys = [(one.path, one.line, one.code) for one in report_of(shuffled).diagnostics]
    assert keys == sorted(keys)


def test_counts_are_by_severity_and_by_code() -> None:
    report = report_of([diagnostic("KB038"), diagnostic("KB038", line=9), diagnostic("KB053"), diagnostic("KB041")])
    assert report.counts == Counts(error=2, warning=1, info=1)
    assert report.counts_by_code == {"KB038": 2, "KB041": 1, "KB053": 1}


@pytest.mark.parametrize(
    ("codes", "fail_on", "result"),
    [
        ((), "error", Result.VALID),
        (("KB041",), "error", Result.VALID),
        (("KB053",), "error", Result.DEGRADED),
        (("KB053", "KB038"), "error", Result.INVALID),
        (("KB053",), "warning", Result.INVALID),
        (("KB041",), "warning", Result.VALID),
        (("KB041",), "info", Result.INVALID),
    ],
)
def test_the_verdict_follows_the_worst_finding_and_the_threshold(
    codes: tuple[str, ...], fail_on: str, result: Result
) -> None:
    assert report_of([diagnostic(code) for code in codes], fail_on=fail_on).result is result
