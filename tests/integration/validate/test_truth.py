"""Generated brains with planted defects: each is found, by a code it may have, and nothing is said of other files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from krate_gitops.git.repository import open_repository
from krate_gitops.index.build import Builder
from krate_gitops.index.source import Target
from krate_gitops.index.validate import validate
from krate_gitops.settings import Settings


@pytest.mark.parametrize("seed", [11, 12])
def test_every_planted_defect_is_found_and_nothing_else(shared_dir: Path, tmp_path: Path, seed: int) -> None:
    repo, truth_file = tmp_path / "brain.git", tmp_path / "truth.json"
    script = shared_dir / "tools" / "make_brain.py"
    options = ["--records", "2000", "--commits", "5", "--defect-rate", "0.04", "--seed", str(seed), "--quiet"]
    subprocess.run([sys.executable, str(script), "--out", str(repo), "--truth", str(truth_file), *options], check=True)
    truth = json.loads(truth_file.read_text())
    repository = open_repository(str(repo), settings=Settings(home=tmp_path))
    report = validate(Builder(tmp_path / "home", jobs=2), Target(repository, truth["head"])).report
    serious = [found for found in report.diagnostics if found.severity != "info"]
    planted = {defect["path"]: defect for defect in truth["planted"]}
    assert len(planted) == len(truth["planted"]) >= 70
    for path, defect in planted.items():
        here = [found for found in serious if found.path == path]
        assert {found.code for found in here} & set(defect["codes"]), defect
        if defect["line"] is not None:
            assert defect["line"] in {found.line for found in here}, (defect, here)
    # A duplicate is said of the honest record as well, and names the planted one.
    for found in serious:
        if found.path not in planted:
            assert found.code == "KB033", found
            assert [planted[other.path]["class"] for other in found.related] == ["duplicate-id"]
        else:
            assert found.code in planted[found.path]["codes"], found
