"""A validation's report and the formats it is written in."""

from krate_gitops.brain.report.json_form import report_body
from krate_gitops.brain.report.model import Counts, Report, Result, assemble
from krate_gitops.brain.report.presentation import Presentation
from krate_gitops.brain.report.writers import ReportFormat, render

__all__ = ["Counts", "Presentation", "Report", "ReportFormat", "Result", "assemble", "render", "report_body"]
