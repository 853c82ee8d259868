"""A finished run with credentials in everything it left, in the shape that imports read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.planted import Planted

_START = "2026-05-01T00:00:"
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class PlantedRun(NamedTuple):
    """Where a run was written: the workspace, the run folder in it, and how many secrets each part holds."""

    workspace: Path
    run: Path
    placed: dict[str, int]


def plant_run(folder: Path, secrets: Sequence[Planted], *, run_id: str = "01JX3V7M2Q9ZB4T8KD5N6PHRWC") -> PlantedRun:
    """Writes ``folder`` as the workspace of a completed run, the secrets spread over all of its files.

    ``.a5c/runs/<run_id>`` with ``run.json``, ``inputs.json``, ``journal/``, ``tasks/``, ``session.json`` and a session
    transcript; ``.a5c/artifacts``; ``MEMORY.md``; a retrospective.
    """
    run = folder / ".a5c" / "runs" / run_id
    shares = {name: list(secrets[at :: len(_PARTS)]) for at, name in enumerate(_PARTS)}
    _journal(run / "journal", run_id, shares["message"], shares["nested"], shares["chunks"])
    _tasks(run / "tasks", shares["task"], shares["result"], shares["output"])
    _json(run / "run.json", _run(run_id, shares["run"]))
    _json(run / "inputs.json", {"traceId": run_id, "notes": [one.fragment for one in shares["inputs"]]})
    _transcript(run / "session.jsonl", shares["session"])
    _text(run / "session-summary.md", _document("Session summary", shares["summary"]))
    _text(run / "retrospective.md", _document("Retrospective", shares["retrospective"]))
    _text(folder / "MEMORY.md", _document("Practices", shares["memory"]))
    for number, one in enumerate(shares["artifact"]):
        _text(folder / ".a5c" / "artifacts" / f"report-{number}.{('log', 'md', 'yaml')[number % 3]}", one.text())
    return PlantedRun(folder, run, {name: len(share) for name, share in shares.items()})


_PARTS = (
    "message",
    "nested",
    "chunks",
    "task",
    "result",
    "output",
    "run",
    "inputs",
    "session",
    "summary",
    "retrospective",
    "memory",
    "artifact",
)


def _run(run_id: str, secrets: Sequence[Planted]) -> dict[str, Any]:
    return {
        "runId": run_id,
        "processId": "processes/ledger/refund-replay",
        "entrypoint": ".a5c/processes/refund-replay.mjs#process",
        "layoutVersion": "2026.01",
        "createdAt": _START + "00.000Z",
        "prompt": "Replay the refunds.\n" + "\n".join(one.fragment for one in secrets),
    }


def _journal(
    folder: Path, run_id: str, messages: Sequence[Planted], nested: Sequence[Planted], chunks: Sequence[Planted]
) -> None:
    events: list[tuple[str, dict[str, Any]]] = [("RUN_CREATED", {"runId": run_id, "processId": "refund-replay"})]
    events.extend(("EFFECT_RESOLVED", {"effectId": f"e{at}", "stdout": one.text()}) for at, one in enumerate(messages))
    events.extend(
        ("EFFECT_REQUESTED", {"effectId": f"n{at}", "args": [{"env": {"note": one.fragment}}, one.yaml()]})
        for at, one in enumerate(nested)
    )
    for one in chunks:
        # A log line by line. What a line break cuts would stand in two strings, which nothing can tell from a list.
        lines = [] if "\n" in one.fragment else one.text().split("\n")
        events.append(("LOG", {"lines": lines, "message": one.fragment}))
    events.append(("RUN_COMPLETED", {"outcome": "completed"}))
    for number, (kind, data) in enumerate(events, 1):
        event = {"type": kind, "recordedAt": f"{_START}{number % 60:02}.000Z", "data": data}
        digest = hashlib.sha256(json.dumps(event, sort_keys=True).encode()).digest()
        name = "".join(_ALPHABET[byte % 32] for byte in digest[:26])
        _json(folder / f"{number:06}.{name}.json", {**event, "checksum": digest.hex()})


def _tasks(folder: Path, tasks: Sequence[Planted], results: Sequence[Planted], outputs: Sequence[Planted]) -> None:
    for at in range(max(len(tasks), len(results), len(outputs))):
        task = folder / f"t{at}"
        asked = tasks[at].markdown() if at < len(tasks) else "Verify the order."
        _json(task / "task.json", {"taskId": f"t{at}", "kind": "shell", "title": "Verify", "prompt": asked})
        summary = results[at].fragment if at < len(results) else "Verified."
        _json(task / "result.json", {"taskId": f"t{at}", "status": "ok", "summary": summary})
        printed = outputs[at].text() if at < len(outputs) else ""
        _json(task / "output.json", {"stdout": printed, "exitCode": 0})


def _transcript(path: Path, secrets: Sequence[Planted]) -> None:
    turns = [
        {"role": ("user", "assistant", "tool")[at % 3], "at": f"{_START}{at % 60:02}.000Z", "content": one.text()}
        for at, one in enumerate(secrets)
    ]
    _text(path, "".join(json.dumps(turn) + "\n" for turn in turns))


def _document(title: str, secrets: Sequence[Planted]) -> str:
    return f"# {title}\n\n## Goal\n\nReplay the refunds.\n\n" + "\n\n".join(one.fragment for one in secrets) + "\n"


def _json(path: Path, value: Any) -> None:
    _text(path, json.dumps(value, indent=2))


def _text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="")
