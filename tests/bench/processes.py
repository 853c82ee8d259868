"""Runs in fresh processes, so that no import, cache or warm allocator of one run helps the next.

Whatever is run prints one JSON object. Memory is sampled from outside while the process runs.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

TOP = Path(__file__).parents[2]
_SAMPLE_SECONDS = 0.05


class Memory(msgspec.Struct, frozen=True):
    """Most memory of a process tree, in bytes.

    ``high_water`` adds up each process's own peak (VmHWM) over the processes alive at a time. Forked workers share
    pages, which it counts once for each of them, and peaks at different times are added: it is an upper bound.
    ``proportional`` is the greatest sampled sum of proportional set sizes, where a shared page counts once; a peak
    between two samples escapes it.
    """

    high_water: int
    proportional: int


class Finished(msgspec.Struct, frozen=True):
    """What a process printed, how long it lived in seconds, and its memory where that was asked for."""

    answer: dict[str, Any]
    wall: float
    memory: Memory | None = None


def run_program(*arguments: str | Path, with_memory: bool = False) -> Finished:
    """Runs ``krate-gitops`` as a user does, for JSON."""
    program = Path(sys.executable).with_name("krate-gitops")
    return _run([str(program), "--quiet", "--output", "json", *map(str, arguments)], with_memory)


def run_module(module: str, *arguments: str | Path) -> Finished:
    """Runs ``python -m module``."""
    return _run([sys.executable, "-m", module, *map(str, arguments)], with_memory=False)


def _run(command: Sequence[str], with_memory: bool) -> Finished:
    """Raises ``RuntimeError`` when the command fails. Sampling disturbs a little: a timed run is done without it."""
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=TOP, env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    sampler = _Sampler(process.pid) if with_memory else None
    output, errors = process.communicate()
    wall = time.perf_counter() - started
    memory = sampler.finish() if sampler else None
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} failed: {errors.decode(errors='replace')[-2000:]}")
    return Finished(msgspec.json.decode(output), wall, memory)


def _environment() -> dict[str, str]:
    """Ours, but with compiled modules kept: whoever installs the program has them, and no run may pay for them."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def can_sample_memory() -> bool:
    """Whether the system tells about other processes the way Linux does."""
    return Path("/proc/self/smaps_rollup").exists()


class _Sampler:
    """Watches a process and its descendants until told to finish."""

    def __init__(self, root: int) -> None:
        self._root = root
        self._high_water = self._proportional = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def finish(self) -> Memory:
        self._stop.set()
        self._thread.join()
        return Memory(self._high_water, self._proportional)

    def _watch(self) -> None:
        while not self._stop.wait(_SAMPLE_SECONDS):
            tree = _descendants(self._root)
            self._high_water = max(self._high_water, sum(_kibibytes(pid, "status", "VmHWM:") for pid in tree) * 1024)
            proportional = sum(_kibibytes(pid, "smaps_rollup", "Pss:") for pid in tree) * 1024
            self._proportional = max(self._proportional, proportional)


def _descendants(root: int) -> list[int]:
    """A process and all below it; those that end meanwhile are left out."""
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        # A child is listed with the thread that started it.
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                waiting += map(int, task.read_text().split())
    return found


def _kibibytes(pid: int, file: str, name: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/{file}").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(name)), 0)
