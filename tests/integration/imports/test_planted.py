"""A thousand credentials all over a run: none gets into a file, a record, an object of Git or a pull request."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import msgspec
import pytest

from krate_gitops.brain.model import ValidationRules
from krate_gitops.errors import KrateError
from krate_gitops.settings import Settings
from krate_gitops.updates.imports.collect import collect
from krate_gitops.updates.imports.locate import locate
from krate_gitops.updates.imports.model import ImportPhase
from krate_gitops.updates.imports.normalise import Surroundings, normalise
from krate_gitops.updates.imports.prepare import scrub_for
from krate_gitops.updates.imports.run_import import run_import
from krate_gitops.updates.imports.verify import unsafe
from tests.integration.imports.test_lifecycle import ImportBoard
from tests.leaks import Needles, leaks
from tests.planted import SCAN, planted
from tests.planted_runs import plant_run
from tests.unit.updates.imports.sources import OWNERS, Workspace, ended, started

RULES = ValidationRules(secret_scan=SCAN)
PROSE = "The replay order was wrong and is right now, which took a while to find out. " * 8


@pytest.mark.parametrize("seed", [7, 8])
def test_no_generated_file_holds_any(tmp_path: Path, seed: int) -> None:
    secrets = planted(seed, 1_000)
    needles = Needles(needle for one in secrets for needle in one.needles)
    run = plant_run(tmp_path / "planted", secrets)
    workspace = Workspace(tmp_path)
    spec = workspace.spec(
        retentionTier="full-journal-redacted",
        include={"taskResults": "full-redacted", "artifactManifests": "full"},
    )
    places = locate(run.run)
    scrub = scrub_for(RULES, places)
    around = Surroundings(import_name="import-0123456789ab", owners=OWNERS, baseline=b"# Practices\n")
    made = normalise(spec, collect(places, spec, scrub), scrub, around)
    for path, content in made.files.items():
        assert needles.within(path.encode() + content) == []
    assert needles.within(repr((made.report, made.notes, made.facts.summary)).encode()) == []
    assert unsafe(made.files, RULES, baseline=b"# Practices\n") == []
    assert made.report.redaction.total > 500


def test_nothing_that_is_kept_holds_any(
    tmp_path: Path, home: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    board = ImportBoard(tmp_path, Settings(home=home))
    board.workspace = Workspace(tmp_path / "w")
    secrets = [one for one in planted(11, 200) if one.kind != "policy:psp-key" and len(one.fragment) < 200]
    events = [started()]
    for one in secrets:
        data = {
            "message": PROSE + one.text(),
            "note": f"{PROSE}\n{one.fragment}",
            "more": json.dumps({"log": one.text()}),
        }
        events.append({"type": "NOTE", "recordedAt": "2026-06-02T10:06:00Z", "data": data})
    board.workspace.record(prompt=PROSE).write("journal.json", [*events, ended()])
    needles = [needle for one in secrets for needle in one.needles]
    held = board.run(retentionTier="full-journal-redacted")
    pull = board.forge.read(held.document.status.pull_request_ref or "")
    assert Needles(needles).within(f"{pull.title}{pull.body}{held.stored.body}".encode()) == []
    board.review(held)
    assert board.land(board.review(held, who="ravi")).phase is ImportPhase.MERGED
    assert leaks(home, needles) == []
    assert leaks(board.repo.path, needles) == []
    told = capfd.readouterr()
    assert Needles(needles).within((caplog.text + told.out + told.err).encode()) == []


def test_nothing_that_is_refused_leaves_any(tmp_path: Path, home: Path) -> None:
    board = ImportBoard(tmp_path, Settings(home=home))
    secrets = [one for one in planted(13, 200) if one.kind != "policy:psp-key"]
    run = plant_run(tmp_path / "planted", secrets)
    request = board.request(retentionTier="full-journal-redacted")
    places = locate(run.run)
    with pytest.raises(KrateError) as refused:
        run_import(board.desk("zoe"), msgspec.structs.replace(request, places=places))
    needles = [needle for one in secrets for needle in one.needles]
    assert Needles(needles).within(str(refused.value).encode()) == []
    assert leaks(home, needles) == []
    assert leaks(board.repo.path, needles) == []
