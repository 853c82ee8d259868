"""Events, sequence numbers, digests of file sets, YAML lines and sections."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from krate_gitops.brain.yaml_exact import Scalar, parse_exact
from krate_gitops.digest import json_digest
from krate_gitops.updates.imports.events import Meaning, event_type, number, outcome, timestamp
from krate_gitops.updates.imports.file_set import FileSetDigest
from krate_gitops.updates.imports.sections import CUT, fitted, gathered, split
from krate_gitops.updates.imports.sequences import Sequences
from krate_gitops.updates.imports.yaml_lines import document


@pytest.mark.parametrize(
    ("raw", "name", "meaning"),
    [
        ("run_start", "run.start", Meaning.START),
        ("run_end", "run.end", Meaning.END),
        ("task_completed", "task.completed", Meaning.TASK_DONE),
        ("task.created", "task.created", Meaning.REQUESTED),
        ("RUN_CREATED", "run.created", Meaning.START),
        ("RUN_COMPLETED", "run.completed", Meaning.END),
        ("RUN_FAILED", "run.failed", Meaning.END),
        ("EFFECT_REQUESTED", "effect.requested", Meaning.REQUESTED),
        ("EFFECT_RESOLVED", "effect.resolved", Meaning.RESOLVED),
        ("ITERATION_STARTED", "iteration.started", Meaning.OTHER),
        ("breakpoint_opened", "breakpoint.opened", Meaning.BREAKPOINT),
        ("Something else!", "something.else", Meaning.OTHER),
        ("", "unknown", Meaning.OTHER),
        ("\u0430\u0431", "unknown", Meaning.OTHER),
        (None, "unknown", Meaning.OTHER),
        (7, "unknown", Meaning.OTHER),
        ("x" * 500, "x" * 80, Meaning.OTHER),
    ],
)
def test_types_of_events(raw: Any, name: str, meaning: Meaning) -> None:
    assert (event_type(raw).name, event_type(raw).meaning) == (name, meaning)


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        ("2026-05-01T00:00:00.000Z", "2026-05-01T00:00:00Z"),
        ("2026-05-01T02:00:00+02:00", "2026-05-01T00:00:00Z"),
        (1_777_593_600, "2026-05-01T00:00:00Z"),
        (1_777_593_600_000, "2026-05-01T00:00:00Z"),
        ("2026-05-01T00:00:00", None),
        ("yesterday", None),
        (True, None),
        (-1, None),
        (float("nan"), None),
        (float("inf"), None),
        ("2026" * 50, None),
        (None, None),
    ],
)
def test_times(raw: Any, read: str | None) -> None:
    assert timestamp(raw) == read


def test_numbers_and_outcomes() -> None:
    assert [number(raw) for raw in (7, "7", "x", -1, True, 2**60, "9" * 50)] == [7, 7, None, None, None, None, None]
    assert [outcome(raw) for raw in ("ok", "ERROR", {"status": "done"}, True, "?", 3)] == [
        "completed", "failed", "completed", "completed", None, None,
    ]  # fmt: skip


def test_sequences_remember_every_number() -> None:
    import random

    chosen = random.Random(5)
    known: set[int] = set()
    sequences = Sequences()
    for _ in range(5_000):
        one = chosen.randrange(900)
        assert sequences.add(one) == (one not in known)
        known.add(one)
    assert sequences.highest == max(known)
    assert len(sequences._first) <= 1 + 900 - len(known)


def test_a_file_sets_digest_needs_no_list() -> None:
    files = {f"{folder}/{name}": f"sha256:{at}" for at, (folder, name) in enumerate(
        (folder, name) for folder in ("a", "a-b", "ab", "ü") for name in ("x", 'y"', "z\t"))}  # fmt: skip
    files["@beside/x"] = "sha256:x"
    ahead = [("@beside/x", "sha256:x"), ("ü/x", files["ü/x"])]
    digest = FileSetDigest(ahead)
    for path in sorted(files):
        if path not in dict(ahead):
            digest.add(path, files[path])
    assert digest.digest() == json_digest(sorted([path, one] for path, one in files.items()))
    assert digest.digest() == digest.digest()
    assert FileSetDigest().digest() == json_digest([])


@pytest.mark.parametrize(
    "value",
    [
        "",
        "yes",
        "No",
        "null",
        "~",
        "1",
        "1.10",
        "0x1f",
        "1e3",
        ".inf",
        "2026-05-01",
        "2026-05-01T00:00:00Z",
        "a: b",
        "a:",
        "#x",
        "a #b",
        "- a",
        "[a]",
        "{a",
        "*a",
        "&a",
        "!a",
        "%a",
        "@a",
        "`a`",
        "'a'",
        '"a"',
        "a\nb",
        " a",
        "a ",
        "\t",
        "é",
        "team:core",
        "a:b c",
        "\u2028",
        "\u202e",
        "\x85",
        "\ufeff",
        "\x1b",
        "\U0001f600",
        "...",
        "---",
        "=",
        "<<",
        "x" * 5_000,
        "Run 01JX (refund-replay)",
        "C:\\x",
        True,
        False,
        0,
        -3,
        2**52,
    ],
)
def test_every_scalar_is_read_back_by_every_reader(value: Any) -> None:
    text = document({"a": value, "list": [value, {"b": value, "c": [value]}], "map": {"d": value}}).decode()
    expected = {"a": value, "list": [value, {"b": value, "c": [value]}], "map": {"d": value}}
    assert yaml.load(text, Loader=yaml.BaseLoader)["a"] == (value if isinstance(value, str) else str(value).lower())
    assert _plain(parse_exact(text)[0].value) == expected


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.value if isinstance(value, Scalar) else value


def test_empty_lists_and_maps_are_written() -> None:
    assert document({"a": [], "b": {}, "c": None, "d": {"e": None}, "f": [[], {}]}) == (
        b"a: []\nb: {}\nd: {}\nf:\n  - []\n  - {}\n"
    )


MARKDOWN = "intro\n\n# Title\n\n## Goal\n\na\n\n```\n# no heading\n```\n\n### Detail\n\nb\n\n## Other\n\nc\n"


def test_sections_together_are_the_text() -> None:
    sections = split(MARKDOWN)
    assert "".join(section.text for section in sections) == MARKDOWN
    assert [(section.level, section.title) for section in sections] == [
        (0, ""), (1, "Title"), (2, "Goal"), (3, "Detail"), (2, "Other"),
    ]  # fmt: skip


def test_text_under_other_headings_is_kept() -> None:
    assert gathered(MARKDOWN, {"Goal": (), "Outcome": ("Result",)}, rest="Outcome") == {
        "Goal": "a\n\n```\n# no heading\n```\n\n**Detail**\n\nb",
        "Outcome": "intro\n\n**Other**\n\nc",
    }


def test_the_longest_parts_are_cut() -> None:
    bodies = {"a": "short", "b": "word\n" * 5_000, "c": "```\n" + "code\n" * 5_000 + "```"}
    made = fitted(bodies, 4_000)
    assert made["a"] == "short"
    assert made["b"].endswith(CUT)
    assert made["c"].endswith(f"```\n{CUT}")
    assert sum(len(body.encode()) for body in made.values()) <= 4_100
    assert fitted({"a": "short"}, 4_000) == {"a": "short"}
