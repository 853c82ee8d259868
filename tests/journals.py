"""Long journals as an orchestrator writes them, and how long an import of one takes beside reading it."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from krate_gitops.brain.model import ValidationRules
from krate_gitops.updates.imports.limits import LARGE
from krate_gitops.updates.imports.locate import Places
from krate_gitops.updates.imports.model import import_name
from krate_gitops.updates.imports.normalise import Normalised, Surroundings
from krate_gitops.updates.imports.prepare import prepare
from krate_gitops.updates.imports.request import read_spec

RUN = "long-run"
SHAPES = ("array", "folder")
_TASKS = 40


def events(count: int) -> Iterator[dict[str, Any]]:
    """A run that goes well: iterations, effects, their results."""
    rng = random.Random(count)

    def event(kind: str, at: int, data: dict[str, Any]) -> dict[str, Any]:
        moment = f"2026-05-01T{at // 3600 % 24:02}:{at // 60 % 60:02}:{at % 60:02}.{at % 1000:03}Z"
        return {"type": kind, "recordedAt": moment, "data": data, "checksum": f"{rng.getrandbits(256):064x}"}

    yield event("RUN_CREATED", 0, {"runId": RUN, "processId": "processes/long"})
    for at in range(1, count - 1):
        if at % 3 == 0:
            yield event("ITERATION_STARTED", at, {"iteration": at})
        elif at % 3 == 1:
            yield event("EFFECT_REQUESTED", at, {
                "effectId": f"E{at:06}", "kind": "agent" if at % 2 else "shell", "taskId": f"task-{at % _TASKS}",
                "label": f"step {at} of the plan", "args": {"prompt": "Look at the logs and say what happened."},
            })  # fmt: skip
        else:
            summary = f"It went well; {at} lines were read."
            yield event(
                "EFFECT_RESOLVED", at, {"effectId": f"E{at - 1:06}", "status": "ok", "result": {"summary": summary}}
            )
    yield event("RUN_COMPLETED", count, {"status": "completed"})


def write(folder: Path, count: int, shape: str) -> Path:
    """A run's folder with a journal of ``count`` events: one array, or a file for each."""
    run = folder / f"{shape}-{count}"
    run.mkdir(parents=True)
    (run / "run.json").write_text(json.dumps({"runId": RUN, "processId": "processes/long"}))
    if shape == "array":
        with (run / "journal.json").open("w") as file:
            file.write("[")
            for number, event in enumerate(events(count)):
                file.write((",\n" if number else "\n") + json.dumps(event))
            file.write("\n]\n")
        return run
    (run / "journal").mkdir()
    for number, event in enumerate(events(count), 1):
        (run / "journal" / f"{number:06}.{number * 7919:026X}.json").write_text(json.dumps(event, indent=2))
    return run


def imported(run: Path, tier: str) -> Normalised:
    """What an import makes of it."""
    source = {"runId": RUN, "repositoryRef": "payments"}
    spec = read_spec({"memoryRepository": "brain", "source": source, "retentionTier": tier}, organization="acme")
    around = Surroundings(import_name=import_name(spec, 0), owners=("team:core",))
    return prepare(spec, Places(run=run), ValidationRules(), around, limits=LARGE).normalised


def decoded(run: Path) -> None:
    """The least that anybody must do: read everything and decode it."""
    one = run / "journal.json"
    for path in [one] if one.is_file() else sorted((run / "journal").iterdir()):
        json.loads(path.read_bytes())


class Times(NamedTuple):
    """Seconds of processor time."""

    mine: float
    floor: float


def measured(run: Path, tier: str) -> Times:
    """An import and its floor, one after the other."""
    return Times(_busy(lambda: imported(run, tier)), _busy(lambda: decoded(run)))


def _busy(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started
