"""Markdown: frontmatter in every state, bodies, headings, notes."""

from __future__ import annotations

import pytest

from krate_gitops.brain.facts import freshness
from krate_gitops.brain.headings import first_heading
from tests.proportion import assert_in_proportion
from tests.unit.parse.sample import codes, markdown, parse, places, record_of

RUNBOOK, NOTE = "runbooks/a.md", "notes/a.md"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("Body only.\n", ("KB003", 1, 1)),
        ("", ("KB003", 1, 1)),
        ("\n---\nid: runbook:a\n---\nText\n", ("KB003", 1, 1)),
        ("+++\nid = 'runbook:a'\n+++\nText\n", ("KB003", 1, 1)),
        ("--- \nid: runbook:a\n---\nText\n", ("KB003", 1, 1)),
        ("```\n---\nid: runbook:a\n---\n```\n", ("KB003", 1, 1)),
        ("---\nid: runbook:a\nkind: Runbook\n", ("KB002", 1, 1)),
        ("---\nid: runbook:a\n--- \nText\n", ("KB002", 1, 1)),
        ("---\n- a\n- b\n---\nText\n", ("KB002", 1, 1)),
        ("---\njust words\n---\nText\n", ("KB002", 1, 1)),
        ("---\nid: [a\n---\nText\n", ("KB002", 2, 5)),
        ("---\nid: a\n...\nkind: b\n---\nText\n", ("KB002", 4, 1)),
        ("---\nid: a\n--- \nkind: b\n---\nText\n", ("KB002", 3, 1)),
        ("---\nid: a\n\tkind: b\n---\nText\n", ("KB002", 3, 1)),
        ("---\nid: a\nid: b\n---\nText\n", ("KB007", 3, 1)),
        ("---\nid: !x a\n---\nText\n", ("KB008", 2, 5)),
        ("---\nid: x\u2028status: approved\n---\nText\n", ("KB008", 2, 5)),
        ('---\nid: "\\0"\n---\nText\n', ("KB004", 2, 5)),
    ],
)
def test_a_record_needs_frontmatter_that_is_a_map(text: str, place: tuple[str, int, int]) -> None:
    assert [found for found in places(RUNBOOK, text) if found[0] != "KB009"] == [place]
    assert parse(RUNBOOK, text).records == ()


@pytest.mark.parametrize(
    "text", ["---\n---\nText\n", "---\n# nothing\n---\nText\n", "---\n{}\n---\nText\n", "---\n~\n---\nText\n"]
)
def test_empty_frontmatter_lacks_everything(text: str) -> None:
    assert set(codes(RUNBOOK, text)) == {"KB020"}
    assert codes(NOTE, text) == ["KB030"]


@pytest.mark.parametrize(
    ("body", "heading"),
    [
        ("---\nText\n", None),
        ("```\n---\n```\n", None),
        ("---\n\n# Replay\n", "Replay"),
        ("Text\n---\nid: other\n---\n", None),
    ],
)
def test_rules_in_the_body_are_text(body: str, heading: str | None) -> None:
    record = record_of(RUNBOOK, markdown(body=body))
    assert record.id == "runbook:replay"
    assert first_heading(body) == heading


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("---\n\nA rule, then text.\n", ["KB030"]),
        ("---\nA rule, then text.\n\n---\nMore\n", ["KB030"]),
        ("---\n- a\n---\nText\n", ["KB030"]),
        ("---\ntitle: never closed\nText\n", ["KB002"]),
        ("--- \ntitle: x\n---\n# Heading\n", []),
        ("+++\ntitle = 'x'\n+++\n# Heading\n", []),
        ("---\ntitle: [x\n---\nText\n", ["KB002"]),
    ],
)
def test_a_note_may_have_none(text: str, found: list[str]) -> None:
    assert codes(NOTE, text) == found


def test_frontmatter_that_is_no_map_is_the_body_of_a_note() -> None:
    assert parse(NOTE, "---\n- a\n---\nText\n").body_start == 0
    assert parse(NOTE, "---\ntitle: x\n---\nText\n").body_start == len("---\ntitle: x\n---\n")


def test_odd_frontmatter_of_a_note_never_fails() -> None:
    head = (
        "title: [a]\nstatus: active\nowners: team:x\ntags: {a: b}\nupdatedAt: yesterday\nsensitivity: odd\nx: 1e400\n"
    )
    text = f"---\n{head}---\nText\n"
    file = parse(NOTE, text)
    assert [finding.code for finding in file.findings] == ["KB030"]
    assert file.note is not None
    assert (file.note.title, file.note.status, file.note.tags, file.note.updated_at) == ("a", None, (), None)
    assert file.note.sensitivity == "restricted"  # what nobody can read is treated as careful


def test_a_note_with_an_id_is_a_record() -> None:
    file = parse(NOTE, "---\nid: runbook:a\nkind: Runbook\n---\nText\n")
    assert [record.form for record in file.records] == ["note"]
    assert codes(NOTE, "---\nid: [a]\nkind: Runbook\n---\nText\n") == ["KB020", "KB021", "KB030"]


def test_a_readme_without_an_id_is_documentation() -> None:
    assert codes("runbooks/README.md", "# Runbooks\n") == []
    assert codes("runbooks/README.md", "---\ntitle: Runbooks\n---\nText\n") == []
    assert parse("runbooks/README.md", "# Runbooks\n").file_class == "readme"
    assert parse("runbooks/x/README.md", markdown()).records[0].id == "runbook:replay"


def test_a_body_is_expected() -> None:
    assert places(RUNBOOK, markdown(body="")) == [("KB009", 1, 1)]
    assert places(RUNBOOK, markdown(body=" \n\t\n")) == [("KB009", 1, 1)]
    assert codes(NOTE, "---\ntitle: x\n---\n") == ["KB009"]


@pytest.mark.parametrize(
    ("body", "heading"),
    [
        ("# Title\n", "Title"),
        ("#  Title  ##  \n", "Title"),
        ("# Learning C#\n", "Learning C#"),
        ("# C# and F# #\n", "C# and F#"),
        ("# #\n# ###\n# Title\n", "Title"),
        ("#Title\n## Second\n", None),
        ("text\n\n# Later\n# Last\n", "Later"),
        ("```\n# code\n```\n# Title\n", "Title"),
        ("~~~\n# code\n~~~\n", None),
        ("```\n# code\n", None),
        ("#\ttab\n", "tab"),
        ("#\n# \n", None),
        ("# Título 😀\n", "Título 😀"),
    ],
)
def test_the_first_heading_of_level_one(body: str, heading: str | None) -> None:
    assert first_heading(body) == heading


@pytest.mark.parametrize(
    ("start", "piece", "end"), [("# a", "#", "x"), ("# a", " ", "x"), ("# ", " #", " x"), ("", "#", "")]
)
def test_hostile_headings_take_time_in_proportion(start: str, piece: str, end: str) -> None:
    def read(count: int) -> None:
        text = f"{start}{piece * count}{end}\n"
        for _ in range(100):
            first_heading(text)

    assert_in_proportion(read, 5_000)


def test_a_heading_unlike_the_title_is_told() -> None:
    assert places(RUNBOOK, markdown(body="# Other\n")) == [("KB029", 4, 8)]
    assert codes(RUNBOOK, markdown(body="# Replay #\n")) == []


@pytest.mark.parametrize(
    ("name", "date"),
    [
        ("2026-05-10-refunds.md", "2026-05-10"),
        ("2026-05-refunds.md", "2026-05"),
        ("2026-05.md", "2026-05"),
        ("2026-02-31-x.md", None),
        ("2026-13-x.md", None),
        ("0000-01-01.md", None),
        ("2026-05-100.md", "2026-05"),
        ("20260510.md", None),
        ("x-2026-05-10.md", None),
        ("٢٠٢٦-٠٥-١٠.md", None),
    ],
)
def test_a_date_at_the_start_of_a_file_name_is_a_freshness_date(name: str, date: str | None) -> None:
    assert freshness(parse(f"notes/{name}", "text\n"), None) == date


def test_a_stated_date_goes_first() -> None:
    text = "---\nupdatedAt: 2026-01-02T00:00:00+01:00\n---\ntext\n"
    assert freshness(parse("notes/2020-05.md", text), None) == "2026-01-01T23:00:00Z"
