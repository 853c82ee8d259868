"""Runs the replayer of the recordings once for all tests, and tells what it found."""

from __future__ import annotations

import fcntl
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from krate_gitops.cluster.dev.folder import Running

FOLDER = Path(os.environ.get("KRATE_SHARED", Path(__file__).parents[5] / "shared")) / "data" / "apiserver"
TRAITS = ("no-namespace-controller", "no-garbage-collector", "fast-compaction")

_AT_A_TIME = 16
_LINE = re.compile(r"(pass|FAIL) ([\w-]+): ")


def recorded() -> list[str]:
    """Ids of the recordings; none where they are not beside the checkout."""
    return sorted(path.stem for path in (FOLDER / "scenarios").glob("*.json"))


def replay(cluster: Running, output: Path) -> Mapping[str, str]:
    """What the replayer says of each recording: nothing, or how the answers differ."""
    command = [sys.executable, str(FOLDER / "replay.py"), "--jobs", str(_AT_A_TIME)]
    command += ["--kubeconfig", str(cluster.admin_kubeconfig)]
    command += ["--limited-kubeconfig", str(cluster.limited_kubeconfig)]
    for trait in TRAITS:
        command += ["--with", trait]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, check=False)
    output.write_text(done.stdout + done.stderr, encoding="utf-8")
    return _by_recording(done.stdout)


def _by_recording(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    name, failed = "", False
    for line in text.splitlines():
        start = _LINE.match(line)
        if start:
            failed, name = start.group(1) == "FAIL", start.group(2)
            found[name] = line if failed else ""
        elif name and failed and line.startswith("  "):
            found[name] += f"\n{line}"
    return found


def once(folder: Path, make: object) -> Mapping[str, str]:
    """What ``make`` gives, made by the first of several processes and read by the others."""
    kept = folder / "recordings.json"
    with (folder / "recordings.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            kept.write_text(json.dumps(make()), encoding="utf-8")  # type: ignore[operator]
    result: dict[str, str] = json.loads(kept.read_text(encoding="utf-8"))
    return result
