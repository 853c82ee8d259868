"""What agents at acme leave behind: a proposal, a note that holds more than it should, and a finished run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from krate_gitops.demo.example import example_run, example_updates

LESSON = "refund-marks.yaml"
_LEAK = "ledger-access.md"
# Put together here: a text that holds a token as it stands would be found by every scanner, this program's too.
_TOKEN = "ghp_" + "w9Kx2Lm7Qz4Rb8Vn3Tc6Yd1Fh5Gj0Ps9UeAa"
_NOTE = f"""# Looking at the ledger

The dashboard is slow. This works: `curl -H "Authorization: Bearer {_TOKEN}" https://ledger.acme.example/lag`.
"""


_COMMAND = f" It was `ledgerctl dump --token {_TOKEN} --out /home/agent/ledger.sql`."


def write_lessons(folder: Path) -> tuple[Path, Path, Path]:
    """Writes them below a folder: the proposal, the note, and the run's workspace."""
    _write(folder / "lesson", example_updates())
    _write(folder / "workspace", {path: _as_it_was_left(path, data) for path, data in example_run().items()})
    leak = folder / _LEAK
    leak.write_text(_NOTE, encoding="utf-8")
    return folder / "lesson" / LESSON, leak, folder / "workspace"


def _as_it_was_left(path: str, data: bytes) -> bytes:
    """A file of the run; the agent told its fourth event more than it should have."""
    if "/journal/000004." not in path:
        return data
    event = msgspec.json.decode(data)
    event["data"]["summary"] += _COMMAND
    return msgspec.json.format(msgspec.json.encode(event), indent=2)


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, data in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
