"""Plain questions to a real brain: the record a person would want is near the top, with its reasons."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from krate_gitops.git.request import RefRequest
from krate_gitops.memory.brain import Brain
from krate_gitops.memory.policy import owner_policy
from krate_gitops.memory.render import render_prompt
from krate_gitops.memory.request import Grep, QueryRequest
from krate_gitops.memory.response import Response
from krate_gitops.settings import Settings

ONTOLOGY = Path(__file__).parents[3] / "examples" / "atlas-ontology"

QUESTIONS = [
    ("how do I stop claude from saving my prompts and transcripts", "env-var:claude-code-skip-prompt-history", 3),
    ("symphony says it cannot find the codex executable", "error-category:codex-not-found", 5),
    ("figure out which employees are likely to quit soon", "responsibility:employee-retention", 3),
    ("measure coding agents on paid gig jobs from the internet", "benchmark:swe-lancer", 3),
    ("Humanity's Last Exam HLE", "benchmark:hle", 1),
    ("rights clearance workflow", "workflow:rights-clearance-workflow", 1),
]


class Asked:
    """The brain, and a memory of what was asked before."""

    def __init__(self, bundle: Path, home: Path) -> None:
        self._brain = Brain(str(bundle), settings=Settings(home=home, jobs=2), ontology_dir=ONTOLOGY)

    def __call__(self, text: str, **asked: object) -> Response:
        request = QueryRequest(text=text, **asked)  # type: ignore[arg-type]
        return self._brain.query(RefRequest(), request, owner_policy())


@pytest.fixture(scope="module")
def ask(shared_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Asked:
    return Asked(shared_dir / "data" / "atlas-brain.bundle", tmp_path_factory.mktemp("home"))


@pytest.mark.parametrize(("text", "answer", "within"), QUESTIONS)
def test_a_plain_question_finds_the_record_that_answers_it(ask: Asked, text: str, answer: str, within: int) -> None:
    found = ask(text, mode="graph-only").records
    assert answer in [record.id for record in found[:within]]
    assert all(record.why for record in found)
    assert [record.rank for record in found] == list(range(1, len(found) + 1))


def test_an_answer_fits_its_room_repeats_and_renders(ask: Asked) -> None:
    text = "claude code transcripts on disk"
    one, two = ask(text), ask(text)
    strip = {"resolved_at": None}
    answers = [
        msgspec.structs.replace(answer, ref_resolution=msgspec.structs.replace(answer.ref_resolution, **strip))
        for answer in (one, two)
    ]
    assert msgspec.json.encode(answers[0]) == msgspec.json.encode(answers[1])
    assert one.limits.bytes <= one.limits.max_bytes
    assert one.records
    assert one.excerpts
    assert one.records[0].id in render_prompt(one)


def test_lines_are_found_by_words_and_by_patterns(ask: Asked) -> None:
    for text, grep in (("CLAUDE_CODE_SUBPROCESS_ENV_SCRUB", Grep()), (r"ENV_SCRUB\b", Grep(regex=True))):
        found = ask(text, mode="grep-only", grep=grep).excerpts
        assert found
        for excerpt in found:
            for match in excerpt.matches:
                line = excerpt.text.split("\n")[match.line - excerpt.line_start]
                assert "ENV_SCRUB" in line[match.start : match.end].upper()
