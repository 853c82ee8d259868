"""The import of a long journal, beside reading and decoding it."""

from __future__ import annotations

import subprocess
import sys

from tests.bench.measure import ratios, spread
from tests.bench.plan import Plan
from tests.bench.processes import TOP
from tests.bench.report import Check, Section, Table, Unit
from tests.journals import SHAPES, measured, write

MOST = 3.0
_TIERS = ("summary-only", "curated-journal")
_MEMORY = """
import sys
from pathlib import Path
from tests.journals import imported
imported(Path(sys.argv[1]), sys.argv[2])
# What getrusage says began with the size of the process that started this one.
print(next(line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line))
"""
_LARGER = 8
_GROWTH = 1.25


def measure(plan: Plan) -> Section:
    """Must-show: at most three times reading and decoding, in memory that doesn't grow with the journal."""
    folder = plan.scratch / "imports"
    count = plan.sizes.events
    checks: list[Check] = []
    rows: list[tuple[str, ...]] = []
    for shape in SHAPES:
        plan.say(f"journal of {count:,} events, {shape}")
        run = write(folder, count, shape)
        for tier in _TIERS:
            pairs = [measured(run, tier) for _ in range(plan.sizes.repetitions)]
            mine, floor = [one.mine for one in pairs], [one.floor for one in pairs]
            checks.append(Check(f"{tier}, {_NAMES[shape]}", Unit.TIMES, ratios(mine, floor), MOST))
    small, large = write(folder, count // 2, "array"), write(folder, count // 2 * _LARGER, "array")
    plan.say(f"memory of {count // 2:,} and {count // 2 * _LARGER:,} events")
    for tier in _TIERS:
        peaks = [_peak(run, tier) for run in (small, large)]
        checks.append(
            Check(f"memory of {_LARGER} times the events, {tier}", Unit.TIMES, spread([peaks[1] / peaks[0]]), _GROWTH)
        )
        rows.append((tier, *(f"{peak // 1024} MiB" for peak in peaks)))
    header = ("Tier", f"{count // 2:,} events", f"{count // 2 * _LARGER:,} events")
    return Section(
        title="Imports of long journals",
        requirement=(
            "Import of a journal of 100,000 events: at most 3 times the time of reading and decoding it, in flat "
            "memory."
        ),
        method=(
            "Processor time of collecting, cleaning, writing and scanning all files of an import, beside `json.loads` "
            "of the same bytes in the same process. The journal is one array of about 270 bytes an event, or a file "
            "for each event. Memory is the peak of a process that does nothing else."
        ),
        repeat=".venv/bin/python -m tests.bench --only imports",
        checks=tuple(checks),
        tables=(Table("Peak memory.", header, tuple(rows)),),
    )


_NAMES = {"array": "one array", "folder": "a file for each event"}


def _peak(run: object, tier: str) -> int:
    """Peak resident memory of an import in a process of its own, in KiB."""
    done = subprocess.run([sys.executable, "-c", _MEMORY, str(run), tier], cwd=TOP, check=True, capture_output=True)
    return int(done.stdout)
