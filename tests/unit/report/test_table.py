from __future__ import annotations

import re

from krate_gitops.brain.model import Related
from krate_gitops.brain.report import Presentation, ReportFormat, render
from tests.unit.report.samples import HOSTILE, diagnostic, report_of


def test_a_finding_is_a_line_that_editors_jump_to_with_its_hint_below() -> None:
    lines = render(report_of([diagnostic()]), ReportFormat.TABLE).splitlines()
    assert lines == [
        "graph/a.yaml:3:5: error KB038 service:fx-rate does not exist",
        "    hint: correct the target",
        f"invalid: 1 error, 0 warnings, 0 info, 12 files, 10 records, 1234 ms at {'c' * 40}",
    ]


def test_a_finding_without_a_place_is_at_the_start_of_its_file() -> None:
    text = render(report_of([diagnostic("KB010", line=0, column=0)]), ReportFormat.TABLE)
    assert text.startswith("graph/a.yaml:1:1: error KB010 ")


def test_related_places_are_shown() -> None:
    found = diagnostic("KB033", related=(Related("graph/b.yaml", "runbook:a", 1, 2, "first defined here"),), hint="")
    assert "    see graph/b.yaml:1:2: runbook:a first defined here\n" in render(report_of([found]), ReportFormat.TABLE)


def test_a_hostile_message_stays_one_line() -> None:
    text = render(report_of([diagnostic(message=HOSTILE, hint="")]), ReportFormat.TABLE)
    assert len(text.splitlines()) == 2
    assert r"\x1b[31mred\x1b[0m\r\n::error::forged \u202egnp.exe \x9b2J" in text


def test_colour_changes_nothing_but_the_colour() -> None:
    report = report_of([diagnostic(), diagnostic("KB053")])
    painted = render(report, ReportFormat.TABLE, Presentation(colour=True))
    assert "\x1b[1;31merror\x1b[0m" in painted
    assert re.sub("\x1b\\[[0-9;]*m", "", painted) == render(report, ReportFormat.TABLE)
