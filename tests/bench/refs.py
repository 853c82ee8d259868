"""``ref-at-time`` over a long history beside ``git rev-list -1 --first-parent --before``."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple

from krate_gitops.git import refs
from krate_gitops.git.local import Repository
from krate_gitops.git.repository import open_repository
from krate_gitops.git.request import RefRequest
from krate_gitops.settings import Settings
from tests.bench.corpora import History, long_history
from tests.bench.measure import ratios, timed
from tests.bench.plan import Plan
from tests.bench.processes import run_program
from tests.bench.report import Check, Section, Table, Unit, show
from tests.repos import git

MOST = 1.2
_FIRST_CALLS = 15


class Asked(NamedTuple):
    """One instant: seconds of git and of this program, and whether they named the same commit."""

    peer: float
    mine: float
    is_same: bool


Ask = Callable[[str], str]


def measure(plan: Plan) -> Section:
    """Must-show: a time is resolved as fast as git does it, and to the same commit."""
    history = long_history(plan.scratch, plan.sizes.commits)
    checks: list[Check] = []
    rows: list[tuple[str, ...]] = []
    for label in ("", ", commit-graph written"):
        if label:
            git(history.git_dir, "commit-graph", "write", "--reachable")
        for name, asked in _cases(plan, history).items():
            case = f"{name}{label}"
            measured = ratios([item.mine for item in asked], [item.peer for item in asked])
            checks.append(Check(case, Unit.TIMES, measured, MOST))
            totals = sum(item.mine for item in asked) / sum(item.peer for item in asked)
            same = f"{sum(item.is_same for item in asked)} of {len(asked)}"
            rows.append((case, show(totals, Unit.TIMES), same))
            plan.say(f"{case}: {measured.median:.2f} × git, same answer in {same}")
    shutil.rmtree(history.git_dir / "objects" / "info" / "commit-graphs", ignore_errors=True)
    (history.git_dir / "objects" / "info" / "commit-graph").unlink(missing_ok=True)
    table = Table(
        "All instants together, and how often the answer was git's.",
        ("Case", "Sum of times by git's", "Same answer"),
        tuple(rows),
    )
    return Section(
        title="Ref at a time",
        requirement=(
            "`ref-at-time` over a history of 50,000 commits takes at most 1.2 times `git rev-list -1 --first-parent "
            "--before`, and gives the same answer wherever commit dates are monotonic."
        ),
        method=(
            f"{history.commits:,} commits to one file, dates never falling; instants drawn over the whole span, each "
            "asked of git (a process of its own, as always) and of this program in turn. *First call* resolves with an "
            "empty home, so that the chain of commits is read; *later call* finds it cached. *Whole process* is "
            "`krate-gitops ref resolve --at` from the start of its interpreter. Git walks from the tip, so an instant "
            "near the tip costs it little and one near the root much."
        ),
        repeat=".venv/bin/python -m tests.bench --only refs",
        checks=tuple(checks),
        tables=(table,),
    )


def _cases(plan: Plan, history: History) -> dict[str, list[Asked]]:
    rng = random.Random("instants:1")
    instants = [_text(rng.randint(history.first, history.last)) for _ in range(plan.sizes.instants)]
    few = instants[: min(_FIRST_CALLS, len(instants))]
    home = plan.scratch / "refs-home"
    resolve, program = _in_process(history, home), _as_program(history, home)
    shutil.rmtree(home, ignore_errors=True)
    return {
        "first call": _ask(history, few, _emptied(home, resolve)),
        "later call": _ask(history, instants, resolve),
        "whole process, first call": _ask(history, few, _emptied(home, program)),
        "whole process, later call": _ask(history, few, program),
    }


def _ask(history: History, instants: Sequence[str], mine: Ask) -> list[Asked]:
    asked = []
    for instant in instants:
        peer, wanted = timed(partial(_rev_list, history, instant))
        seconds, got = timed(partial(mine, instant))
        asked.append(Asked(peer, seconds, wanted == got))
    return asked


def _rev_list(history: History, instant: str) -> str:
    command = ["git", "--git-dir", str(history.git_dir), "rev-list", "-1", "--first-parent", f"--before={instant}"]
    return subprocess.run([*command, "refs/heads/main"], capture_output=True, check=True, text=True).stdout.strip()


def _in_process(history: History, home: Path) -> Ask:
    settings = Settings(home=home)
    repository: Repository = open_repository(str(history.git_dir), settings=settings)

    def resolve(instant: str) -> str:
        request = RefRequest(requested_at=instant)
        return refs.resolve(repository, request, now=datetime.now(UTC), settings=settings).resolved_commit

    return resolve


def _as_program(history: History, home: Path) -> Ask:
    def resolve(instant: str) -> str:
        done = run_program("--home", home, "ref", "resolve", history.git_dir, "--at", instant)
        return str(done.answer["resolvedCommit"])

    return resolve


def _emptied(home: Path, ask: Ask) -> Ask:
    """The same question with nothing cached; emptying the home is counted too, which is little."""

    def resolve(instant: str) -> str:
        shutil.rmtree(home, ignore_errors=True)
        return ask(instant)

    return resolve


def _text(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
