"""A pass over a source, beside `kubectl apply --server-side` of the same objects on the same server."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from krate_gitops.cluster.client.api import Api, open_api
from krate_gitops.reconcile.opening import find_source
from krate_gitops.reconcile.outcome import Outcome
from krate_gitops.reconcile.run_pass import run_pass
from krate_gitops.reconcile.tools import Tools
from tests.bench.measure import ratios, spread
from tests.bench.plan import Plan
from tests.bench.report import Check, Section, Table, Unit
from tests.clusters import World, cluster

FIRST, AGAIN = 1 / 2, 1 / 5
_CALLS_BESIDE_KINDS = 10
_ROUNDS = 3
"""A round of 1,000 objects takes kubectl more than half a minute, as it holds itself back."""
_WRITES = ("apply", "create", "patch", "delete", "update")


class Passed(NamedTuple):
    """A pass: its seconds, its requests by verb, and what came of it."""

    seconds: float
    calls: Mapping[str, int]
    outcome: Outcome

    @property
    def writes(self) -> int:
        """Requests that change something."""
        return sum(self.calls.get(verb, 0) for verb in _WRITES)


def measure(plan: Plan) -> Section:
    """Must-show: no write where nothing changes, one where one object does, and less time than kubectl takes."""
    if shutil.which("kubectl") is None:
        return _section((), (), skipped="kubectl is not on this machine")
    sizes = plan.sizes
    count, rounds = sizes.objects, min(sizes.repetitions, _ROUNDS)
    first: list[tuple[float, float]] = []
    again: list[tuple[float, float]] = []
    single: list[Passed] = []
    no_ops: list[Passed] = []
    with ExitStack() as stack:
        folder = plan.scratch / "reconcile"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        kubeconfig = stack.enter_context(cluster(folder / "cluster"))
        for number in range(rounds):
            plan.say(f"{count:,} objects, round {number + 1} of {rounds}")
            peer, mine = World(kubeconfig, folder / f"peer-{number}"), World(kubeconfig, folder / f"mine-{number}")
            _fill(mine, count)
            manifests = _manifests(peer, folder / f"manifests-{number}.yaml", count)
            first.append((_pass(mine).seconds, _kubectl(kubeconfig, manifests)))
            done = _pass(mine)
            no_ops.append(done)
            again.append((done.seconds, _kubectl(kubeconfig, manifests)))
        plan.say(f"one of {2 * count:,} objects")
        large = World(kubeconfig, folder / "large")
        _fill(large, 2 * count)
        _pass(large)
        for number in range(rounds):
            _change(large, number)
            single.append(_pass(large))
    calls = max(sum(one.calls.values()) for one in no_ops)
    checks = (
        Check(f"first apply of {count:,} objects, by kubectl's time", Unit.FRACTION, ratios(*_sides(first)), FIRST),
        Check(f"nothing to do for {count:,} objects, by kubectl's time", Unit.FRACTION, ratios(*_sides(again)), AGAIN),
        Check(
            f"requests of a pass with nothing to do, over {_CALLS_BESIDE_KINDS} and one for each kind",
            Unit.TIMES, spread([calls / (_CALLS_BESIDE_KINDS + 1)]), 1.0,
        ),
        Check(
            "writes of objects, one of them changed", Unit.TIMES,
            spread([one.outcome.counts["updated"] for one in single]), 1.0, least=1.0,
        ),
    )  # fmt: skip
    rows = (
        ("nothing to do", _shown(no_ops[-1]), str(no_ops[-1].writes)),
        (f"one of {2 * count:,} changed", _shown(single[-1]), str(single[-1].writes)),
    )
    return _section(checks, (Table("Requests of a pass.", ("Pass", "Requests", "Writes, status included"), rows),))


def _section(checks: tuple[Check, ...], tables: tuple[Table, ...], *, skipped: str | None = None) -> Section:
    return Section(
        title="Passes over a source",
        requirement=(
            "With 1,000 applied objects and nothing to do: no write, at most 10 requests and one for each kind, and at "
            "most 1/5 of the time of `kubectl apply --server-side -f` of the same objects against the same server. The "
            "first apply of 1,000 objects: at most 1/2 of kubectl's time. One of 2,000 objects changed: one write."
        ),
        method=(
            "The embedded development server in a process of its own. Both sides apply objects of one kind, of about "
            "600 bytes; kubectl reads one file, a pass reads a commit, plans, reviews, tries each object and applies "
            "it, and keeps its inventory. kubectl limits itself to 50 requests a second after the first 300."
        ),
        repeat=".venv/bin/python -m tests.bench --only reconcile",
        checks=checks,
        tables=tables,
        skipped=skipped,
    )


def _sides(pairs: list[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [mine for mine, _ in pairs], [peer for _, peer in pairs]


def _label(world: World, number: int, text: str = "Look at the logs first.") -> dict[str, Any]:
    return world.label(f"label-{number:04}", f"{text} {'Then look again. ' * 20}")


def _fill(world: World, count: int) -> None:
    files = {f"labels/{at:04}.yaml": world.text(*(_label(world, n) for n in range(at, min(at + 100, count))))
             for at in range(0, count, 100)}  # fmt: skip
    world.commit(files)
    world.install()


def _change(world: World, number: int) -> None:
    texts = {7: f"Changed {number}."}
    world.commit({"labels/0000.yaml": world.text(
        *(_label(world, n, texts.get(n, "Look at the logs first.")) for n in range(100)))})  # fmt: skip


def _manifests(world: World, path: Path, count: int) -> Path:
    objects = []
    for number in range(count):
        one = _label(world, number)
        one["metadata"]["namespace"] = world.namespace
        objects.append(msgspec.json.encode(one).decode())
    path.write_text("".join(f"---\n{one}\n" for one in objects))
    return path


def _pass(world: World) -> Passed:
    async def inside() -> Passed:
        async with open_api(world.connection()) as api:
            return await _timed(api, world)

    return asyncio.run(inside())


async def _timed(api: Api, world: World) -> Passed:
    started = time.perf_counter()
    source = await find_source(api, f"{world.namespace}/main", organization=world.slug)
    tools = Tools(api=api, settings=world.settings, repository=str(world.repo.path))
    outcome = await run_pass(tools, source)
    seconds = time.perf_counter() - started
    if outcome.stop is not None or outcome.counts["failed"]:
        raise RuntimeError(f"the pass did not go through: {outcome.stop or outcome.counts}")
    return Passed(seconds, dict(api.calls.requests), outcome)


def _kubectl(kubeconfig: Path, manifests: Path) -> float:
    started = time.perf_counter()
    command = ["kubectl", "--kubeconfig", kubeconfig, "apply", "--server-side", "--force-conflicts", "-f", manifests]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def _shown(one: Passed) -> str:
    return ", ".join(f"{count} {verb}" for verb, count in sorted(one.calls.items()))
