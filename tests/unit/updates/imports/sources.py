"""Runs on disk, and what an import makes of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from krate_gitops.brain.model import ValidationRules
from krate_gitops.updates.imports.limits import STANDARD, Limits
from krate_gitops.updates.imports.locate import locate
from krate_gitops.updates.imports.model import ImportSpec, import_name
from krate_gitops.updates.imports.normalise import Normalised, Surroundings
from krate_gitops.updates.imports.prepare import Prepared, prepare
from krate_gitops.updates.imports.request import read_spec

RUN = "01JX3V7M2Q9ZB4T8KD5N6PHRWC"
FOLDER = f"babysitter/runs/{RUN}"
OWNERS = ("team:core",)
SECRET = "ghp_" + "R8sK2mQ7vT4xZ1nB6wY3cD9fG5hJ0pL8aE2u"
START = "2026-06-02T10:05:00Z"
END = "2026-06-02T10:41:00Z"

Event = dict[str, Any]


def started(**data: Any) -> Event:
    """The first event of a run."""
    return {
        "type": "RUN_CREATED",
        "recordedAt": START,
        "data": {"runId": RUN, "processId": "refund-replay-fix", **data},
    }


def ended(status: str = "completed") -> Event:
    """The last one."""
    return {"type": "RUN_COMPLETED", "recordedAt": END, "data": {"status": status}}


def requested(number: int, task: str, kind: str = "shell", **data: Any) -> Event:
    """An effect is asked for."""
    time = f"2026-06-02T10:{6 + number:02}:00Z"
    return {"type": "EFFECT_REQUESTED", "recordedAt": time, "data": {
        "effectId": f"E{number:03}", "kind": kind, "taskId": task, **data}}  # fmt: skip


def resolved(number: int, status: str = "ok", **data: Any) -> Event:
    """An effect comes back."""
    time = f"2026-06-02T10:{6 + number:02}:30Z"
    return {"type": "EFFECT_RESOLVED", "recordedAt": time, "data": {
        "effectId": f"E{number:03}", "status": status, **data}}  # fmt: skip


EVENTS = (
    started(),
    requested(1, "plan"),
    resolved(1),
    requested(2, "build"),
    resolved(2, "error", error="exit 1"),
    ended(),
)


class Workspace:
    """A workspace with one run in its ``.a5c`` folder."""

    def __init__(self, folder: Path, run_id: str = RUN) -> None:
        self.path = folder / "workspace"
        self.run = self.path / ".a5c" / "runs" / run_id
        self.run.mkdir(parents=True)
        self.run_id = run_id

    def write(self, path: str, content: Any) -> Path:
        """A file of the run: bytes, text, or a value as JSON."""
        target = self.run / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            target.write_bytes(content)
        else:
            target.write_text(content if isinstance(content, str) else json.dumps(content))
        return target

    def beside(self, path: str, content: str | bytes) -> Path:
        """A file of the workspace."""
        target = self.path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
        return target

    def journal(self, events: Iterable[Any]) -> Workspace:
        """One file for each event."""
        for number, event in enumerate(events, 1):
            self.write(f"journal/{number:06}.{number * 7919:026X}.json", event)
        return self

    def record(self, **fields: Any) -> Workspace:
        """``run.json``."""
        self.write("run.json", {"runId": self.run_id, "processId": "refund-replay-fix", **fields})
        return self

    def spec(self, **body: Any) -> ImportSpec:
        """An import of the run; ``source`` adds to what it is."""
        source = {"runId": self.run_id, "repositoryRef": "payments", **body.pop("source", {})}
        return read_spec({"memoryRepository": "company-brain", "source": source, **body}, organization="acme")

    def prepare(
        self,
        *,
        rules: ValidationRules | None = None,
        limits: Limits = STANDARD,
        at: Path | None = None,
        partial_allowed: bool = False,
        around: Mapping[str, Any] | None = None,
        **body: Any,
    ) -> Prepared:
        """What an import makes of the run."""
        spec = self.spec(**body)
        surroundings = Surroundings(**{"import_name": import_name(spec, 0), "owners": OWNERS, **(around or {})})
        return prepare(
            spec, locate(at or self.run), rules or ValidationRules(), surroundings,
            limits=limits, partial_allowed=partial_allowed,
        )  # fmt: skip

    def normalised(self, **how: Any) -> Normalised:
        """The files alone."""
        return self.prepare(**how).normalised


def text_of(made: Normalised) -> str:
    """All files in one text."""
    return "\n".join(content.decode() for content in made.files.values())
