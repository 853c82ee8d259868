"""Brains to measure on: the real one, generated ones, and a long history."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import msgspec

from tests.bench.processes import TOP
from tests.repos import RepoBuilder, git

DEFECT_RATE = "0.02"
_COMMITS = "20"
_HISTORY_START = 1_577_836_800  # 2020-01-01T00:00:00Z
_MEAN_GAP_SECONDS = 1_200


class Corpus(msgspec.Struct, frozen=True):
    """A bare repository and the commit to index; ``ontology`` is a folder where the brain has none of its own."""

    name: str
    git_dir: Path
    commit: str
    ontology: Path | None = None

    def arguments(self) -> tuple[str, ...]:
        """How a measured module is told of it, after what is its own."""
        return (str(self.git_dir), self.commit, *([str(self.ontology)] if self.ontology else []))


class History(msgspec.Struct, frozen=True):
    """A repository with a long first-parent chain; commit times (seconds) rise from ``first`` to ``last``."""

    git_dir: Path
    commits: int
    first: int
    last: int


class Corpora:
    """Makes each brain once in ``scratch`` and finds it there again."""

    def __init__(self, scratch: Path, shared: Path) -> None:
        self._scratch = scratch
        self._shared = shared

    def real(self) -> Corpus:
        """The real brain, read with the ontology that the examples hold for it."""
        git_dir = self._scratch / "real.git"
        if not git_dir.exists():
            bundle = self._shared / "data" / "atlas-brain.bundle"
            git(None, "clone", "--quiet", "--bare", str(bundle), str(git_dir))
        return Corpus("real brain", git_dir, _head(git_dir), TOP / "examples" / "atlas-ontology")

    def generated(self, records: int) -> Corpus:
        """A generated brain in which one file in fifty has a planted defect."""
        git_dir = self._scratch / f"generated-{records}.git"
        if not git_dir.exists():
            tool = self._shared / "tools" / "make_brain.py"
            options = ["--records", str(records), "--commits", _COMMITS, "--max-changes", "1"]
            options += ["--defect-rate", DEFECT_RATE, "--out", str(git_dir), "--force", "--quiet"]
            subprocess.run([sys.executable, str(tool), *options], check=True)
        return Corpus(f"{records:,} records", git_dir, _head(git_dir))


def find_shared() -> Path | None:
    """Folder with the real brain and the generator, or None where there is none."""
    folder = Path(os.environ.get("KRATE_SHARED", TOP.parent / "shared"))
    complete = (folder / "data" / "atlas-brain.bundle").is_file() and (folder / "tools" / "make_brain.py").is_file()
    return folder if complete else None


def long_history(scratch: Path, commits: int) -> History:
    """Commits to one file at random, never falling times; some share their second."""
    git_dir = scratch / f"history-{commits}.git"
    rng = random.Random(f"history:{commits}")
    gaps = [0 if rng.random() < 0.01 else int(rng.expovariate(1 / _MEAN_GAP_SECONDS)) for _ in range(commits)]
    last = _HISTORY_START + sum(gaps)
    first = _HISTORY_START + gaps[0]
    if not git_dir.exists():
        RepoBuilder(git_dir)
        git(git_dir, "fast-import", "--quiet", "--done", stdin=_stream(gaps))
    return History(git_dir, commits, first, last)


def _stream(gaps: list[int]) -> bytes:
    time, parts = _HISTORY_START, []
    for number, gap in enumerate(gaps):
        time += gap
        body = f"{number}\n"
        parts.append(
            f"commit refs/heads/main\ncommitter A <a@example.com> {time} +0000\ndata 0\n"
            f"M 100644 inline counter.txt\ndata {len(body)}\n{body}"
        )
    return ("".join(parts) + "done\n").encode()


def _head(git_dir: Path) -> str:
    return git(git_dir, "rev-parse", "HEAD").decode().strip()
