"""Merges of real records, beside those of ``git merge-file``."""

from __future__ import annotations

import random
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from krate_gitops.updates.merge.by_line import merge_lines
from krate_gitops.updates.merge.files import merge_file
from tests.unit.updates.merge.real_edits import Editor, expected, meaning

_CASES = 500


def _records(bundle: Path, folder: Path, rng: random.Random, count: int) -> list[tuple[str, str]]:
    subprocess.run(["git", "clone", "-q", "--bare", bundle, folder], check=True)
    listed = subprocess.run(
        ["git", "-C", folder, "ls-tree", "-r", "--name-only", "HEAD"], check=True, capture_output=True, text=True
    ).stdout.split("\n")
    pages = [path for path in listed if path.endswith(".md") and path.startswith(("graph/wiki", "graph/process"))]
    graph = [path for path in listed if path.endswith(".yaml") and "/schema/" not in path]
    found: list[tuple[str, str]] = []
    with subprocess.Popen(
        ["git", "-C", folder, "cat-file", "--batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as reader:
        assert reader.stdin is not None
        assert reader.stdout is not None
        while len(found) < count:
            path = rng.choice(pages if rng.random() < 0.2 else graph)
            reader.stdin.write(f"HEAD:{path}\n".encode())
            reader.stdin.flush()
            size = int(reader.stdout.readline().split()[2])
            text = reader.stdout.read(size + 1)[:-1].decode()
            if size < 30_000 and meaning(path, text) is not None:
                found.append((path, text))
        reader.stdin.close()
    return found


def _git_merged(folder: Path, base: str, ours: str, theirs: str) -> str | None:
    """What ``git merge-file`` makes of them, ours and theirs as here; None where it finds a conflict."""
    for name, text in (("base", base), ("ours", ours), ("theirs", theirs)):
        (folder / name).write_bytes(text.encode())
    run = subprocess.run(
        ["git", "merge-file", "-p", folder / "ours", folder / "base", folder / "theirs"], capture_output=True
    )
    return run.stdout.decode() if run.returncode == 0 else None


def _judged(path: str, base: str, ours: str, theirs: str, folder: Path) -> str:
    git = _git_merged(folder, base, ours, theirs)
    mine = merge_file(path, base.encode(), ours.encode(), theirs.encode())
    assert mine.content is not None
    text, wanted = mine.content.decode(), expected(path, base, ours, theirs)
    said = meaning(path, text)
    assert said is not None, "not valid any more"
    if git is not None and meaning(path, git) is not None:
        if git == text and not mine.conflicts:
            return "both, the same bytes"
        if not mine.conflicts and meaning(path, git) == said:
            return "both, the same value"
        if meaning(path, git) == wanted:
            return "WORSE"
        return "Git merges to something else than was meant: " + ("clean here" if not mine.conflicts else "told here")
    if mine.conflicts:
        return "conflict in both"
    return "only here" if said == wanted else "only here, WRONG"


@pytest.mark.slow
def test_a_merge_of_real_records_is_never_worse_than_that_of_git(shared_dir: Path, tmp_path: Path) -> None:
    rng = random.Random(20_260_602)
    counts: Counter[str] = Counter()
    for path, base in _records(shared_dir / "data" / "atlas-brain.bundle", tmp_path / "atlas", rng, _CASES):
        focus = rng.random() if rng.random() < 0.6 else None
        ours = Editor(rng, path, "o").edited(base, rng.randint(1, 3), focus)
        theirs = Editor(rng, path, "t").edited(base, rng.randint(1, 3), focus)
        counts[_judged(path, base, ours, theirs, tmp_path)] += 1
    print(dict(counts))
    assert not counts["WORSE"]
    assert not counts["only here, WRONG"]
    assert counts["only here"] > _CASES / 20


def _changed(rng: random.Random, lines: list[str], alphabet: str) -> list[str]:
    lines = list(lines)
    for _ in range(rng.randint(1, 3)):
        at, choice = rng.randint(0, len(lines)), rng.random()
        if choice < 0.4:
            lines[at:at] = [rng.choice(alphabet) for _ in range(rng.randint(1, 3))]
        elif choice < 0.7:
            del lines[at : at + rng.randint(1, 3)]
        else:
            lines[at : at + 1] = [rng.choice(alphabet)]
    return lines


def test_texts_are_merged_by_line_as_git_does(tmp_path: Path) -> None:
    rng = random.Random(7)
    clean = 0
    for _ in range(200):
        alphabet = "abcdefghijklmnopqrstuvwxyz"[: rng.choice([2, 3, 5, 12, 26])]
        base = [rng.choice(alphabet) for _ in range(rng.randint(0, rng.choice([6, 14, 40, 120])))]
        sides = [base, _changed(rng, base, alphabet), _changed(rng, base, alphabet)]
        texts = ["".join(line + "\n" for line in side) for side in sides]
        git, mine = _git_merged(tmp_path, *texts), merge_lines(*texts)
        assert (git is None) == bool(mine.clashes), texts
        assert git in (None, mine.text)
        clean += git is not None
    assert 50 < clean < 150
