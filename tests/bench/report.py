"""What was measured, as values, and the Markdown page made of it. Nothing here measures."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence

import msgspec

from tests.bench.measure import Spread


class Unit(enum.StrEnum):
    """How a number is shown. ``TIMES`` and ``SHARE`` are ratios; shares are shown in percent."""

    TIMES = "times"
    SHARE = "share"
    FRACTION = "fraction"
    """A ratio shown as one part in n."""
    SECONDS = "seconds"
    GIBIBYTES = "gibibytes"


class Check(msgspec.Struct, frozen=True):
    """One requirement on one case: the median must lie between ``least`` and ``most``.

    A requirement on percentiles or on a peak has a spread of a single value.
    """

    case: str
    unit: Unit
    measured: Spread
    most: float
    least: float | None = None

    @property
    def is_met(self) -> bool:
        return (self.least is None or self.measured.median >= self.least) and self.measured.median <= self.most


class Table(msgspec.Struct, frozen=True):
    """Figures behind the checks; cells are ready to be shown."""

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Section(msgspec.Struct, frozen=True):
    """One must-show. ``skipped`` says why nothing was measured."""

    title: str
    requirement: str
    method: str
    repeat: str
    checks: tuple[Check, ...] = ()
    tables: tuple[Table, ...] = ()
    skipped: str | None = None


class Machine(msgspec.Struct, frozen=True):
    """Where it was measured, without a name or a path."""

    processor: str
    cores: int
    system: str
    versions: dict[str, str]


def show(value: float, unit: Unit) -> str:
    """A number in its unit."""
    if unit is Unit.SHARE:
        return f"{value * 100:.2f} %"
    if unit is Unit.FRACTION and 0 < value < 1:
        return f"1/{1 / value:.3g}" if value > 1e-3 else f"1/{1 / value:,.0f}"
    if unit is Unit.SECONDS:
        return f"{value:.2f} s"
    if unit is Unit.GIBIBYTES:
        return f"{value:.2f} GiB"
    return f"{value:.2f} ×"


def show_spread(measured: Spread, unit: Unit) -> str:
    """The median, with the range where there were several measurements."""
    if measured.count == 1:
        return show(measured.median, unit)
    return f"{show_range(measured, unit)}, {measured.count} runs"


def show_range(measured: Spread, unit: Unit) -> str:
    """The median and the range."""
    return f"{show(measured.median, unit)} ({show(measured.low, unit)} to {show(measured.high, unit)})"


def show_bound(check: Check) -> str:
    most = show(check.most, check.unit)
    return f"≤ {most}" if check.least is None else f"{show(check.least, check.unit)} to {most}"


def render_section(section: Section) -> str:
    """A section of the page."""
    parts = [f"## {section.title}", f"Required: {section.requirement}"]
    if section.skipped:
        parts.append(f"Not measured: {section.skipped}.")
    if section.checks:
        rows = (
            (
                check.case,
                show_bound(check),
                show_spread(check.measured, check.unit),
                "met" if check.is_met else "**not met**",
            )
            for check in section.checks
        )
        parts.append(_grid(("Case", "Required", "Measured", "Verdict"), rows))
    for table in section.tables:
        parts.append(f"{table.caption}\n\n{_grid(table.header, table.rows)}")
    parts += [section.method, f"Repeat: `{section.repeat}`"]
    return "\n\n".join(parts) + "\n"


def render_page(sections: Sequence[Section], machine: Machine, date: str, *, is_quick: bool) -> str:
    """The whole page; ``date`` is the day of the run."""
    head = [
        "# Benchmarks",
        "Every number is a ratio between this program and a floor or a peer measured in the same run, on the same data "
        "and machine, taking turns. The median of the pairs decides; the range beside it shows how much they differ.",
    ]
    if is_quick:
        head.append(
            "**This was a quick run on small brains. It shows that everything runs; its verdicts mean nothing, for on "
            "small brains the start of processes outweighs the work.**"
        )
    versions = ", ".join(f"{name} {version}" for name, version in machine.versions.items())
    cores = "1 core" if machine.cores == 1 else f"{machine.cores} cores"
    head.append("Repeat all of it: `make bench`, or `.venv/bin/python -m tests.bench --write` to write this page.")
    head.append(f"Measured on {date}: {machine.processor}, {cores}, {machine.system}; {versions}.")
    summary = _grid(("Must-show", "Cases", "Verdict"), (_summary(section) for section in sections))
    return "\n\n".join([*head, summary, *(render_section(section).rstrip("\n") for section in sections)]) + "\n"


def _summary(section: Section) -> tuple[str, str, str]:
    if not section.checks:
        return section.title, "0", "not measured"
    missed = sum(not check.is_met for check in section.checks)
    verdict = "met" if not missed else f"**not met** in {missed} of {len(section.checks)} cases"
    return section.title, str(len(section.checks)), verdict


def _grid(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
