"""The planted run and the search for leaks: what is written is found again, wherever it lies."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from pathlib import Path

import zstandard

from krate_gitops.memory.redact import RedactionConfig, redact
from tests.leaks import leaks
from tests.planted import SCAN, planted
from tests.planted_runs import plant_run

SECRETS = planted(4, 260)
NEEDLES = {needle for one in SECRETS for needle in one.needles}
CONFIG = RedactionConfig(SCAN)


def test_a_planted_run_has_the_shape_of_a_run_and_a_secret_in_every_part(tmp_path: Path) -> None:
    planted_run = plant_run(tmp_path, SECRETS)
    assert all(planted_run.placed.values())
    assert sum(planted_run.placed.values()) == len(SECRETS)
    events = [json.loads(path.read_text()) for path in sorted((planted_run.run / "journal").iterdir())]
    assert all({"type", "recordedAt", "data", "checksum"} <= event.keys() for event in events)
    assert [events[0]["type"], events[-1]["type"]] == ["RUN_CREATED", "RUN_COMPLETED"]
    assert {path.name for path in next((planted_run.run / "tasks").iterdir()).iterdir()} == {
        "task.json",
        "result.json",
        "output.json",
    }
    assert {leak.place.split("/")[0] for leak in leaks(tmp_path, NEEDLES)} == {".a5c", "MEMORY.md"}


def test_nothing_is_left_of_a_run_whose_files_are_redacted(tmp_path: Path) -> None:
    plant_run(tmp_path, SECRETS)
    for path in tmp_path.rglob("*"):
        if path.is_file():
            path.write_text(redact(path.read_text(encoding="utf-8"), config=CONFIG).text, encoding="utf-8")
    assert leaks(tmp_path, NEEDLES) == []


def test_leaks_are_found_in_names_files_objects_rows_and_what_is_compressed_in_them(tmp_path: Path) -> None:
    needle = "k9Xv" + "Q2mL7pRt4Zw8"
    (tmp_path / f"{needle}.md").write_text("clean")
    (tmp_path / "plain.log").write_text(f"was {needle}")
    # Long enough to be packed in such a way that the bytes don't show it.
    packed = zstandard.compress(f"{'the order of the replay matters; ' * 9}{needle}{needle[::-1]}".encode() * 9)
    assert needle.encode() not in packed
    (tmp_path / "packed.zst").write_bytes(packed)
    with sqlite3.connect(tmp_path / "records.db") as database:
        database.execute("create table objects (content blob, note text)")
        database.execute("insert into objects values (?, 'clean')", (packed,))
    database.close()
    repository = tmp_path / "brain.git"
    subprocess.run(["git", "init", "-q", "--bare", str(repository)], check=True)
    stored = ["git", "-C", str(repository), "hash-object", "-w", "--stdin"]
    subprocess.run(stored, check=True, input=needle.encode(), capture_output=True)
    places = [leak.place for leak in leaks(tmp_path, [needle, "absent"])]
    assert [place.split(".")[0] for place in places] == ["brain", needle, "packed", "plain", "records"]
