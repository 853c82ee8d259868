"""Unified diffs that git itself applies."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

from krate_gitops.updates.text_diff import unified
from tests.repos import git


def test_what_is_the_same_is_not_told() -> None:
    assert unified("a", "a", "x\n", "x\n") == ""
    assert unified("a", "b", "x\n", "x\n") == "--- a/a\n+++ b/b\n"


def test_files_that_come_and_go() -> None:
    assert unified("a", "a", None, "x\ny\n") == "--- /dev/null\n+++ b/a\n@@ -0,0 +1,2 @@\n+x\n+y\n"
    assert unified("a", "a", "x\n", None) == "--- a/a\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n"


def test_a_missing_line_feed_at_the_end_is_told() -> None:
    told = unified("a", "a", "x\ny", "x\ny\n")
    assert told == "--- a/a\n+++ b/a\n@@ -1,2 +1,2 @@\n x\n-y\n\\ No newline at end of file\n+y\n"


@pytest.mark.parametrize("seed", range(40))
def test_git_applies_the_diff(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    old = [f"line {chance.randrange(12)}" for _ in range(chance.randrange(40))]
    new = list(old)
    for _ in range(chance.randrange(1, 8)):
        at = chance.randrange(len(new) + 1)
        new[at : at + chance.randrange(3)] = [f"line {chance.randrange(12)}" for _ in range(chance.randrange(3))]
    before, after = ("".join(f"{line}\n" for line in lines) for lines in (old, new))
    after = after.removesuffix("\n") if chance.random() < 0.3 else after
    if before == after:
        return
    (tmp_path / "f.md").write_text(before)
    git(None, "init", "-q", str(tmp_path))
    patch = unified("f.md", "f.md", before, after)
    done = subprocess.run(
        ["git", "apply", "--unidiff-zero", "-"], cwd=tmp_path, input=patch, text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, (done.stderr, patch)
    assert (tmp_path / "f.md").read_text() == after
