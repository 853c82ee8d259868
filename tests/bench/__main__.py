"""``python -m tests.bench``: measures, prints what it found, and writes docs/benchmarks.md with ``--write``."""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from tests.bench import client, cold, impact, imports, incremental, provenance, queries, reconcile, refs, snapshots
from tests.bench.corpora import Corpora, find_shared
from tests.bench.plan import FULL, QUICK, Plan
from tests.bench.processes import TOP
from tests.bench.report import Machine, Section, render_page, render_section

PAGE = TOP / "docs" / "benchmarks.md"
BENCHMARKS: Mapping[str, Callable[[Plan], Section]] = {
    "cold": cold.measure,
    "incremental": incremental.measure,
    "queries": queries.measure,
    "refs": refs.measure,
    "snapshots": snapshots.measure,
    "provenance": provenance.measure,
    "impact": impact.measure,
    "reconcile": reconcile.measure,
    "client": client.measure,
    "imports": imports.measure,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the benchmarks that were asked for; the exit code is 0 whatever they found."""
    options = _options(arguments)
    shared = find_shared()
    with ExitStack() as stack:
        scratch = options.scratch or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="krate-bench-")))
        scratch.mkdir(parents=True, exist_ok=True)
        plan = Plan(
            sizes=QUICK if options.quick else FULL,
            scratch=scratch.resolve(),
            corpora=Corpora(scratch.resolve(), shared) if shared else None,
            say=_say,
        )
        sections = []
        for name in options.only or BENCHMARKS:
            sections.append(BENCHMARKS[name](plan))
            print(render_section(sections[-1]), flush=True)
    if options.write:
        day = f"{datetime.now(UTC):%Y-%m-%d}"
        options.write.write_text(render_page(sections, _machine(), day, is_quick=options.quick), encoding="utf-8")
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Ratios against floors and peers.")
    parser.add_argument(
        "--only", action="append", choices=tuple(BENCHMARKS), metavar="NAME", help=", ".join(BENCHMARKS)
    )
    parser.add_argument("--quick", action="store_true", help="small brains: to see that everything runs")
    parser.add_argument(
        "--write", nargs="?", type=Path, const=PAGE, metavar="FILE", help="write the page (docs/benchmarks.md)"
    )
    parser.add_argument("--scratch", type=Path, metavar="FOLDER", help="keep the generated brains here for other runs")
    options = parser.parse_args(arguments)
    if options.write and options.only:
        parser.error("--write needs all benchmarks: a page with some of them would hide the others")
    return options


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def _machine() -> Machine:
    git = subprocess.run(["git", "--version"], capture_output=True, check=True, text=True).stdout.split()[2]
    versions = {"Python": platform.python_version(), "git": git}
    versions |= {name: version(name) for name in ("krate-gitops", "ryaml", "tantivy", "numpy")}
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Machine(_processor(), cores, f"{platform.system()} {platform.machine()}", versions)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or "unknown processor"


if __name__ == "__main__":
    sys.exit(main())
