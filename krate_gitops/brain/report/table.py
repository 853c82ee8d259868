"""The report for people: one line a finding, in the form that every editor knows how to jump to."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from krate_gitops.brain.model import Diagnostic, Related
from krate_gitops.brain.report.model import Report, Result
from krate_gitops.brain.report.presentation import Presentation
from krate_gitops.printable import printable

Paint = Callable[[str, str], str]
"""Text and the name of a style give text."""

_STYLES = {
    "error": "bold red",
    "warning": "yellow",
    "info": "cyan",
    "hint": "dim",
    "place": "bold",
    Result.VALID: "bold green",
    Result.DEGRADED: "bold yellow",
    Result.INVALID: "bold red",
}


def write_table(report: Report, presentation: Presentation) -> str:
    """``path:line:column: severity CODE message`` lines with their hints, then one line that sums up."""
    paint = _painter() if presentation.colour else _plain
    lines = [line for found in report.diagnostics for line in _lines(found, presentation, paint)]
    lines.append(_summary(report, presentation.unit, paint))
    return "\n".join(lines) + "\n"


def _lines(found: Diagnostic, presentation: Presentation, paint: Paint) -> Iterator[str]:
    place = _place(presentation.path(found.path), found.line, found.column)
    severity = paint(printable(found.severity), found.severity)
    yield f"{paint(place, 'place')}: {severity} {printable(found.code)} {printable(found.message)}"
    for related in found.related:
        yield paint(f"    see {_seen(related, presentation)}", "hint")
    if found.hint:
        yield paint(f"    hint: {printable(found.hint)}", "hint")


def _seen(related: Related, presentation: Presentation) -> str:
    place = _place(presentation.path(related.path), related.line, related.column)
    notes = [printable(note) for note in (related.record_id, related.message) if note]
    return f"{place}: {' '.join(notes)}" if notes else place


def _place(path: str, line: int, column: int) -> str:
    # Editors want numbers: what has no place of its own is at the start of its file.
    return f"{printable(path)}:{line or 1}:{column or 1}"


def _summary(report: Report, unit: str, paint: Paint) -> str:
    counts = report.counts
    parts = [
        count_of(counts.error, "error"),
        count_of(counts.warning, "warning"),
        f"{counts.info} info",
        count_of(report.files, "file"),
        count_of(report.records, unit),
        f"{report.duration_ms} ms",
    ]
    commit = f" at {printable(report.commit)}" if report.commit else ""
    return f"{paint(report.result, report.result)}: {', '.join(parts)}{commit}"


def count_of(number: int, noun: str) -> str:
    """``1 error``, ``2 errors``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _plain(text: str, _: str) -> str:
    return text


def _painter() -> Paint:
    from rich.color import ColorSystem
    from rich.style import Style

    styles = {name: Style.parse(style) for name, style in _STYLES.items()}
    none = Style.null()

    def paint(text: str, style: str) -> str:
        return styles.get(style, none).render(text, color_system=ColorSystem.STANDARD)

    return paint
