"""The table of output formats."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping

from krate_gitops.brain.report.github import write_github
from krate_gitops.brain.report.json_form import write_json
from krate_gitops.brain.report.junit import write_junit
from krate_gitops.brain.report.model import Report
from krate_gitops.brain.report.presentation import Presentation
from krate_gitops.brain.report.sarif import write_sarif
from krate_gitops.brain.report.table import write_table

Writer = Callable[[Report, Presentation], str]


class ReportFormat(enum.StrEnum):
    """The formats of ``brain validate --format``."""

    TABLE = "table"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"
    JUNIT = "junit"


WRITERS: Mapping[ReportFormat, Writer] = {
    ReportFormat.TABLE: write_table,
    ReportFormat.JSON: write_json,
    ReportFormat.SARIF: write_sarif,
    ReportFormat.GITHUB: write_github,
    ReportFormat.JUNIT: write_junit,
}


def render(report: Report, form: ReportFormat, presentation: Presentation | None = None) -> str:
    """The report as text with a closing line feed, without any character that a terminal would obey."""
    return WRITERS[form](report, presentation or Presentation())
