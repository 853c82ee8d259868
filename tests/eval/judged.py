"""The judged set: questions with graded answers, bound to one commit."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path

import msgspec

from krate_gitops.digest import json_digest
from krate_gitops.errors import UsageError

FOLDER = Path(__file__).parents[2] / "fixtures" / "eval"
SPLITS = ("dev", "test")
TYPES = ("exact", "paraphrase", "how-do-i", "two-hop", "filter", "superseded", "no-answer")


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A question as a person or an agent would type it.

    ``grades``: every pooled record, 3 the answer, 2 clearly helpful, 1 related, 0 not. ``outranked``: records of an
    older state that must stand below the best one graded 3.
    """

    id: str
    split: str
    type: str
    question: str
    grades: dict[str, int]
    notes: str = ""
    outranked: tuple[str, ...] = ()

    @property
    def answers(self) -> list[str]:
        return [item for item, grade in self.grades.items() if grade == 3]


class Meta(msgspec.Struct, frozen=True, rename="camel"):
    """Sidecar of the set: the commit it was judged at, and the digest of the judgements."""

    corpus: str
    commit: str
    digest: str
    pool: str
    license: str = ""


class JudgedSet(msgspec.Struct, frozen=True):
    """Questions in file order, with their sidecar."""

    meta: Meta
    questions: tuple[Question, ...]

    def of_split(self, split: str) -> list[Question]:
        return [question for question in self.questions if question.split == split]


def load(folder: Path = FOLDER, name: str = "atlas") -> JudgedSet:
    """Questions and sidecar of ``name``. Raises ``UsageError(EVAL_SET_INVALID)`` for anything malformed."""
    lines = (folder / f"{name}.jsonl").read_text().splitlines()
    try:
        questions = tuple(msgspec.json.decode(line, type=Question) for line in lines)
        meta = msgspec.json.decode((folder / f"{name}.meta.json").read_bytes(), type=Meta)
    except msgspec.MsgspecError as error:
        raise _invalid(str(error)) from error
    problems = [problem for question in questions for problem in _problems(question)]
    problems += [
        f"{key}: used twice" for key, count in Counter(question.id for question in questions).items() if count > 1
    ]
    if meta.digest != (found := digest_of(questions)):
        problems.append(f"the sidecar's digest is {meta.digest}, that of the questions {found}")
    if problems:
        raise _invalid("; ".join(problems))
    return JudgedSet(meta, questions)


def digest_of(questions: Collection[Question]) -> str:
    """Digest of questions and grades, independent of formatting."""
    return json_digest([msgspec.to_builtins(question) for question in questions])


def _problems(question: Question) -> list[str]:
    wrong = []
    if question.split not in SPLITS or question.type not in TYPES:
        wrong.append(f"{question.id}: unknown split or type")
    if any(grade not in (0, 1, 2, 3) for grade in question.grades.values()):
        wrong.append(f"{question.id}: a grade outside 0..3")
    if (question.type == "no-answer") == any(question.grades.values()):
        wrong.append(f"{question.id}: only no-answer questions have nothing graded above 0")
    if any(question.grades.get(item, 3) > 1 for item in question.outranked):
        wrong.append(f"{question.id}: an outranked record must be graded 0 or 1")
    return wrong


def check_corpus(judged: JudgedSet, commit: str, ids: Mapping[str, int]) -> None:
    """Refuse a corpus that isn't the judged one. ``ids``: how often each record id occurs at the commit.

    Raises ``UsageError(EVAL_SET_STALE)`` when the commit differs, or a relevant record is missing or ambiguous.
    """
    if commit != judged.meta.commit:
        raise _stale(f"judged at {judged.meta.commit}, asked to run at {commit}")
    relevant = {item for question in judged.questions for item, grade in question.grades.items() if grade > 0}
    absent = sorted(item for item in relevant if ids.get(item, 0) == 0)
    if absent:
        raise _stale(f"relevant records do not exist at the commit: {', '.join(absent[:10])}")
    double = sorted(item for item in relevant if ids[item] > 1)
    if double:
        raise _stale(f"relevant records are defined more than once at the commit: {', '.join(double[:10])}")


def write(questions: Collection[Question], meta: Meta, folder: Path = FOLDER, name: str = "atlas") -> None:
    """Write the set, one line a question, with the digest of what is written."""
    lines = [json.dumps(_plain(question), ensure_ascii=False) for question in questions]
    (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
    sidecar = msgspec.to_builtins(msgspec.structs.replace(meta, digest=digest_of(questions)))
    (folder / f"{name}.meta.json").write_text(json.dumps(sidecar, indent=2) + "\n")


def _plain(question: Question) -> dict[str, object]:
    fields = msgspec.to_builtins(question)
    fields["grades"] = dict(sorted(question.grades.items(), key=lambda item: (-item[1], item[0])))
    return {key: value for key, value in fields.items() if value not in ("", (), [])}


def _invalid(message: str) -> UsageError:
    return UsageError("EVAL_SET_INVALID", message, hint="repair fixtures/eval")


def _stale(message: str) -> UsageError:
    return UsageError("EVAL_SET_STALE", message, hint="judge the set again at this commit, or run at its own")
