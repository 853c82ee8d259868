"""The gate: what it prints and when it fails, with rankings made for the purpose over a corpus of a few records."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.eval import golden, judged, run
from tests.eval.judged import Meta, Question
from tests.eval.units import Hit, Unit
from tests.repos import RepoBuilder

COMMIT = "c" * 40
UNITS = [
    Unit(f"a:{n}", f"word{n} thing{n}", summary=f"text{n} about number{n} and more{n} lines{n}") for n in range(30)
]
QUESTIONS = [
    Question("exact-01", "dev", "exact", "word3", {"a:3": 3, "a:4": 1}),
    Question("superseded-01", "dev", "superseded", "word5", {"a:5": 3, "a:6": 1}, outranked=("a:6",)),
    Question("exact-02", "test", "exact", "word7 thing7", {"a:7": 3, "a:8": 2}),
    Question("no-answer-01", "test", "no-answer", "zebra", {"a:1": 0}),
]


class Good:
    """Puts the unit with most of the words in its title first."""

    name = "ours"
    commit = COMMIT

    def __init__(self, repo: Path, ontology_dir: Path, home: Path) -> None:
        self.asked: list[str] = []

    def units(self) -> list[Unit]:
        return UNITS

    def versions(self) -> dict[str, str]:
        return {"ranking": "1"}

    def hits(self, text: str, limit: int) -> list[Hit]:
        scores = {unit.id: sum(word in " ".join(unit).split() for word in text.split()) for unit in UNITS}
        best = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
        return [Hit(key, score) for key, score in best if score][:limit]


class Backward(Good):
    """Puts the best last."""

    def hits(self, text: str, limit: int) -> list[Hit]:
        return [*(Hit(unit.id, 2) for unit in UNITS[20:]), *super().hits(text, limit)]


class Elsewhere(Good):
    """Stands at another commit."""

    commit = "d" * 40


@pytest.fixture
def fixtures(tmp_path: Path) -> Path:
    folder = tmp_path / "fixtures"
    folder.mkdir()
    judged.write(QUESTIONS, Meta("sample.bundle", COMMIT, "", "by hand"), folder)
    return folder


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    repo = RepoBuilder(tmp_path / "brain")
    repo.commit({"notes/a.md": "text"})
    path = tmp_path / "sample.bundle"
    subprocess.run(["git", "-C", str(repo.git_dir), "bundle", "create", "-q", str(path), "main"], check=True)
    return path


def _run(fixtures: Path, bundle: Path, system: type[Good], *more: str) -> int:
    name = f"{__name__}:{system.__name__}"
    return run.main(["--bundle", str(bundle), "--known-items", "3", "--system", name, *more], fixtures=fixtures)


def test_a_good_ranking_passes_once_its_ranks_are_stored(
    fixtures: Path, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(fixtures, bundle, Good) == 1
    assert "--update-golden" in capsys.readouterr().out
    assert _run(fixtures, bundle, Good, "--update-golden") == 0
    assert _run(fixtures, bundle, Good, "--by-type") == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in ("dev", "test", "known-item", "FTS5", "substring", "superseded"))


def test_a_ranking_below_a_baseline_fails_even_when_its_ranks_are_stored(
    fixtures: Path, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(fixtures, bundle, Backward, "--update-golden") == 1
    assert "is below" in capsys.readouterr().out


def test_moved_ranks_fail_and_are_shown_by_question(
    fixtures: Path, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(fixtures, bundle, Good, "--update-golden") == 0
    stored = golden.read(fixtures / golden.NAME)
    assert stored is not None
    assert stored.ranks["exact-01"] == {"a:3": 1, "a:4": None}
    golden.write(stored._replace(ranks=stored.ranks | {"exact-01": {"a:3": 9, "a:4": None}}), fixtures / golden.NAME)
    assert _run(fixtures, bundle, Good) == 1
    assert "exact-01  a:3 9→1" in capsys.readouterr().out


def test_a_corpus_at_another_commit_is_refused(
    fixtures: Path, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(fixtures, bundle, Elsewhere) == 2
    assert "EVAL_SET_STALE" in capsys.readouterr().out


def test_a_missing_corpus_is_said(fixtures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KRATE_SHARED", str(tmp_path))
    assert run.main(["--system", f"{__name__}:Good"], fixtures=fixtures) == 3


def test_a_missing_corpus_may_be_skipped_but_no_unreadable_one(
    fixtures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KRATE_SHARED", str(tmp_path))
    arguments = ["--system", f"{__name__}:Good", "--skip-missing"]
    assert run.main(arguments, fixtures=fixtures) == 0
    assert "skipped: " in capsys.readouterr().out
    broken = tmp_path / "broken.bundle"
    broken.write_text("no bundle")
    assert run.main([*arguments, "--bundle", str(broken)], fixtures=fixtures) == 3
    assert "EVAL_CORPUS_UNREADABLE" in capsys.readouterr().out
