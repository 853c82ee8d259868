"""Stored ranks: what is kept, and how a change reads."""

from __future__ import annotations

from pathlib import Path

from tests.eval import golden
from tests.eval.judged import Question

QUESTION = Question("exact-01", "dev", "exact", "words", {"a:1": 1, "a:2": 3, "a:3": 0, "a:4": 3})


def test_ranks_are_of_the_relevant_records_the_best_first() -> None:
    ranks = golden.ranks_of(QUESTION, ["a:3", "a:1", "a:2"])
    assert list(ranks.items()) == [("a:2", 3), ("a:4", None), ("a:1", 2)]


def test_a_rank_beyond_the_depth_is_none() -> None:
    ranking = [f"x:{number}" for number in range(golden.DEPTH)] + ["a:2"]
    assert golden.ranks_of(QUESTION, ranking)["a:2"] is None


def test_what_is_written_is_read_back_one_line_a_question(tmp_path: Path) -> None:
    stored = golden.Golden({"ndcg": {"dev": 0.5}}, {"exact-01": {"a:2": 1}, "exact-02": {"a:4": None}})
    file = tmp_path / "ranks.json"
    assert golden.read(file) is None
    golden.write(stored, file)
    assert golden.read(file) == stored
    assert [line[:10] for line in file.read_text().splitlines()] == ["{", '"header": ', '"exact-01"', '"exact-02"', "}"]


def test_changes_name_the_question_and_both_ranks() -> None:
    old: dict[str, golden.Ranks] = {"q1": {"a:1": 1, "a:2": None}, "q2": {"a:1": 4}, "q3": {"a:1": 1}}
    new: dict[str, golden.Ranks] = {"q1": {"a:1": 2, "a:2": 7}, "q2": {"a:1": 4}, "q4": {"a:5": 1}}
    assert golden.changes(old, new) == ["q1  a:1 1→2, a:2 –→7", "q3  a:1 1→–", "q4  a:5 –→1"]
    assert golden.changes(old, old) == []
