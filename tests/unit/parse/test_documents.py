"""Where documents of a YAML stream begin and end, and where frontmatter does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krate_gitops.brain.documents import split_documents
from krate_gitops.brain.frontmatter import find_frontmatter
from krate_gitops.brain.yaml_exact import YamlRefused, parse_exact


@pytest.mark.parametrize(
    ("text", "documents"),
    [
        ("", []),
        ("\n \n", []),
        ("# only a comment\n", []),
        ("---\n", []),
        ("---\n...\n---\n# c\n", []),
        ("a: 1", ["a: 1"]),
        ("a: 1\n...\n", ["a: 1\n"]),
        ("---\na: 1\n---\nb: 2\n", ["a: 1\n", "b: 2\n"]),
        ("a: 1\n---\n# nothing\n---\nb: 2", ["a: 1\n", "b: 2"]),
        ("a: 1\n--- # why\nb: 2\n", ["a: 1\n", "b: 2\n"]),
        ("a: 1\n--- {b: 2}\n", ["a: 1\n", " {b: 2}\n"]),
        ("--- a\n", [" a\n"]),
        ("--- |\n text\n---\nb: 2\n", [" |\n text\n", "b: 2\n"]),
        ("---\t\na: 1\n", ["a: 1\n"]),
        ("a: |\n  ---\n  ...\n", ["a: |\n  ---\n  ...\n"]),
        ("a: ---\n----\n--- -\n", ["a: ---\n----\n", " -\n"]),
        ("---a: 1\n...b: 2\n", ["---a: 1\n...b: 2\n"]),
    ],
)
def test_documents(text: str, documents: list[str]) -> None:
    assert [text[span.start : span.end] for span in split_documents(text)] == documents


def test_a_document_behind_its_marker_is_not_plain() -> None:
    assert [span.plain for span in split_documents("a: 1\n---\nb: 2\n--- {c: 3}\n--- # c\nd: 4\n")] == [
        True,
        True,
        False,
        True,
    ]


_LINES = st.sampled_from(
    (
        "---",
        "--- ",
        "--- {a: 1}",
        "--- # c",
        "...",
        "... # c",
        "a: 1",
        "b: [1, 2]",
        "c: |",
        "  text",
        "- x",
        "# c",
        "",
        "  # d",
        "d: 'x'",
    )
)


@given(st.lists(_LINES, max_size=8).map(lambda lines: "\n".join(lines) + "\n"))
def test_documents_are_those_of_the_exact_parser(text: str) -> None:
    try:
        exact = parse_exact(text, several=True)
    except YamlRefused:
        return
    pieces = [parse_exact(text[span.start : span.end]) for span in split_documents(text)]
    assert [piece[0].value for piece in pieces if piece] == [document.value for document in exact]


@pytest.mark.parametrize(
    ("text", "yaml", "body"),
    [
        ("---\na: 1\n---\nBody\n", "a: 1\n", "Body\n"),
        ("---\n---\nBody\n", "", "Body\n"),
        ("---\n---\n", "", ""),
        ("---\n---", "", ""),
        ("---\na: 1\n---", "a: 1\n", ""),
        ("---\na: 1\n---\n---\nrule\n", "a: 1\n", "---\nrule\n"),
        ("---\na: 1\n--- \n----\n ---\n---\nBody", "a: 1\n--- \n----\n ---\n", "Body"),
        ("---\n\n---\n\n```\n---\n```\n", "\n", "\n```\n---\n```\n"),
    ],
)
def test_frontmatter(text: str, yaml: str, body: str) -> None:
    matter = find_frontmatter(text)
    assert matter is not None
    assert matter.closed
    assert (text[matter.start : matter.end], text[matter.body :]) == (yaml, body)


@pytest.mark.parametrize(
    "text", ["", "---", "--- \na: 1\n---\n", "----\n", "\n---\n---\n", " ---\n", "+++\na = 1\n+++\n", "text\n---\n"]
)
def test_no_frontmatter(text: str) -> None:
    assert find_frontmatter(text) is None


@pytest.mark.parametrize(
    "text", ["---\n", "---\na: 1\n", "---\na: 1\n--- \n", "---\na: 1\n ---\n", "---\na: 1\n----\n", "---\na: 1\n---x"]
)
def test_frontmatter_that_is_never_closed(text: str) -> None:
    matter = find_frontmatter(text)
    assert matter is not None
    assert not matter.closed
