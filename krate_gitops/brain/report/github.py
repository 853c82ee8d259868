"""Annotations of GitHub Actions: workflow commands that the runner reads from the log.

GitHub shows ten annotations a level and step and drops the rest without a word. So the worst come first, no more than
are shown are printed, and a notice says how many there are in truth.
"""

from __future__ import annotations

from collections import defaultdict

from krate_gitops.brain.model import Diagnostic
from krate_gitops.brain.report.model import Report
from krate_gitops.brain.report.presentation import Presentation, headline
from krate_gitops.brain.report.table import count_of
from krate_gitops.printable import printable

SHOWN_PER_LEVEL = 10

_LEVELS = {"error": "error", "warning": "warning", "info": "notice"}
# The summary is a notice too and takes one of its places.
_ROOM = {"error": SHOWN_PER_LEVEL, "warning": SHOWN_PER_LEVEL, "info": SHOWN_PER_LEVEL - 1}


def write_github(report: Report, presentation: Presentation) -> str:
    """At most ten ``::error``, ten ``::warning`` and ten ``::notice`` commands, the summary last."""
    by_severity: dict[str, list[Diagnostic]] = defaultdict(list)
    for found in report.diagnostics:
        by_severity[found.severity].append(found)
    lines: list[str] = []
    for severity, room in _ROOM.items():
        lines += [_annotation(found, presentation) for found in by_severity[severity][:room]]
    lines.append(_summary(report, left_out=len(report.diagnostics) - len(lines)))
    return "\n".join(lines) + "\n"


def _annotation(found: Diagnostic, presentation: Presentation) -> str:
    properties = {"file": presentation.path(found.path)}
    if found.line:
        properties["line"] = str(found.line)
        if found.column:
            properties["col"] = str(found.column)
    properties["title"] = headline(found)
    # The break between message and hint is ours; breaks inside them have become visible escapes.
    message = "\n".join(printable(text) for text in (found.message, found.hint and f"hint: {found.hint}") if text)
    return _command(_LEVELS[found.severity], properties, message)


def _summary(report: Report, *, left_out: int) -> str:
    counts = report.counts
    message = f"{count_of(counts.error, 'error')}, {count_of(counts.warning, 'warning')}, {counts.info} info"
    message += f" in {count_of(report.files, 'file')}"
    if left_out:
        message += f"; {left_out} not shown here, --format table prints all"
    return _command("notice", {"title": f"krate-gitops: {report.result}"}, message)


def _command(level: str, properties: dict[str, str], message: str) -> str:
    listed = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{level} {listed}::{_message(message)}"


def _message(text: str) -> str:
    # The percent sign first: the others bring percent signs of their own.
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(printable(text)).replace(":", "%3A").replace(",", "%2C")
