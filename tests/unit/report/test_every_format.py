"""Contracts over the table of formats, so that a new one is held to them too."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from krate_gitops.brain.report import Presentation, ReportFormat, render
from tests.unit.report.samples import EVERY_SHAPE, diagnostic, report_of

OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


@pytest.mark.parametrize("form", ReportFormat)
def test_no_format_prints_what_a_terminal_obeys(form: ReportFormat) -> None:
    text = render(report_of(EVERY_SHAPE), form)
    assert OBEYED.search(text) is None
    text.encode()


@pytest.mark.parametrize("form", ReportFormat)
@given(hostile=st.text(st.characters(codec=None), max_size=40))
@example(hostile="\ud800")
def test_no_text_of_a_brain_gets_through_unescaped(form: ReportFormat, hostile: str) -> None:
    found = diagnostic(path=hostile, message=hostile, hint=hostile, record_id=hostile, field=hostile)
    text = render(report_of([found]), form)
    assert OBEYED.search(text) is None


@pytest.mark.parametrize("form", ReportFormat)
def test_every_format_writes_an_empty_report_and_ends_with_a_line_feed(form: ReportFormat) -> None:
    assert render(report_of([]), form).endswith("\n")


@pytest.mark.parametrize("form", [form for form in ReportFormat if form is not ReportFormat.JSON])
def test_paths_start_at_the_top_of_the_repository_when_the_memory_root_is_named(form: ReportFormat) -> None:
    text = render(report_of([diagnostic()]), form, Presentation(base=".company-brain"))
    assert ".company-brain/graph/a.yaml" in text
