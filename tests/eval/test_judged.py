"""The judged set: its shape, its balance, and that it refuses a corpus it was not judged on."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec
import pytest

from krate_gitops.errors import UsageError
from tests.eval import judged
from tests.eval.corpus import ONTOLOGY, clone_bundle, count_ids, read_ontology, read_units
from tests.eval.judged import JudgedSet, Meta, Question

META = Meta("sample", "c" * 40, "", "by hand")


def _question(**changes: object) -> Question:
    question = Question("exact-01", "dev", "exact", "words", {"a:1": 3, "a:2": 0})
    return msgspec.structs.replace(question, **changes)


def _ids(judged_set: JudgedSet) -> dict[str, int]:
    return {item: 1 for question in judged_set.questions for item in question.grades}


def test_the_set_is_large_and_its_types_are_balanced_over_both_halves() -> None:
    questions = judged.load().questions
    assert len(questions) >= 80
    dev, test = (Counter(q.type for q in questions if q.split == split) for split in judged.SPLITS)
    assert dev == test
    shares = {kind: 2 * dev[kind] / len(questions) for kind in judged.TYPES}
    wanted = (0.15, 0.25, 0.20, 0.15, 0.10, 0.10, 0.05)
    assert all(abs(shares[kind] - share) < 0.03 for kind, share in zip(judged.TYPES, wanted, strict=True))


def test_every_superseded_question_names_what_must_stand_below() -> None:
    for question in judged.load().questions:
        assert bool(question.outranked) == (question.type == "superseded"), question.id


def test_every_answerable_question_has_an_answer_and_a_judged_pool() -> None:
    for question in judged.load().questions:
        assert len(question.grades) >= 20, question.id
        assert bool(question.answers) == (question.type != "no-answer"), question.id


def test_a_set_survives_writing_and_reading(tmp_path: Path) -> None:
    questions = [_question(), _question(id="exact-02", split="test", notes="why")]
    judged.write(questions, META, tmp_path, "sample")
    assert judged.load(tmp_path, "sample").questions == tuple(questions)
    assert len((tmp_path / "sample.jsonl").read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"split": "train"}, "unknown split"),
        ({"type": "riddle"}, "unknown split or type"),
        ({"grades": {"a:1": 4}}, "outside 0..3"),
        ({"grades": {"a:1": 0}}, "only no-answer questions"),
        ({"type": "no-answer"}, "only no-answer questions"),
        ({"outranked": ("a:1",)}, "must be graded 0 or 1"),
    ],
)
def test_a_malformed_question_is_refused(changes: dict[str, object], complaint: str, tmp_path: Path) -> None:
    judged.write([_question(**changes)], META, tmp_path, "sample")
    with pytest.raises(UsageError, match=complaint) as caught:
        judged.load(tmp_path, "sample")
    assert caught.value.code == "EVAL_SET_INVALID"


def test_a_grade_changed_without_its_sidecar_is_noticed(tmp_path: Path) -> None:
    judged.write([_question()], META, tmp_path, "sample")
    file = tmp_path / "sample.jsonl"
    file.write_text(file.read_text().replace('"a:2": 0', '"a:2": 2'))
    with pytest.raises(UsageError, match="digest"):
        judged.load(tmp_path, "sample")


def test_an_id_used_twice_is_refused(tmp_path: Path) -> None:
    judged.write([_question(), _question()], META, tmp_path, "sample")
    with pytest.raises(UsageError, match="used twice"):
        judged.load(tmp_path, "sample")


def test_another_commit_is_refused() -> None:
    found = judged.load()
    with pytest.raises(UsageError, match="judged at") as caught:
        judged.check_corpus(found, "d" * 40, _ids(found))
    assert caught.value.code == "EVAL_SET_STALE"


def test_a_missing_or_ambiguous_relevant_record_is_refused() -> None:
    found = judged.load()
    relevant = found.questions[0].answers[0]
    ids = _ids(found)
    with pytest.raises(UsageError, match="do not exist"):
        judged.check_corpus(found, found.meta.commit, ids | {relevant: 0})
    with pytest.raises(UsageError, match="more than once"):
        judged.check_corpus(found, found.meta.commit, ids | {relevant: 2})


def test_every_relevant_record_exists_once_in_the_corpus(shared_dir: Path, tmp_path: Path) -> None:
    found = judged.load()
    repository = clone_bundle(shared_dir / "data" / found.meta.corpus, tmp_path)
    units = read_units(repository, found.meta.commit, read_ontology(judged.FOLDER / ONTOLOGY))
    judged.check_corpus(found, found.meta.commit, count_ids(units))
