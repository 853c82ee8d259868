"""Text for a forge is plain, bounded, and gives no orders."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krate_gitops.printable import printable
from krate_gitops.updates.forges.text import (
    BODY_LENGTH,
    DESCRIPTION_LENGTH,
    TITLE_LENGTH,
    body_text,
    comment_text,
    description_text,
    digest_in,
    title_text,
)

DIGEST = "sha256:" + "0f" * 32
OTHER = "sha256:" + "ee" * 32


@given(st.text(max_size=400))
def test_a_body_always_ends_with_its_digest(text: str) -> None:
    body = body_text(text, DIGEST)
    assert digest_in(body) == DIGEST
    assert len(body) <= BODY_LENGTH
    assert body_text(text, DIGEST) == body


@given(st.text(max_size=400))
def test_no_line_is_a_command(text: str) -> None:
    for line in (*body_text(text, DIGEST).split("\n"), *comment_text(text).split("\n")):
        assert not (
            line.lstrip(" \t>*+-")[:1] == "/"
            and line.lstrip(" \t>*+-")[1:2].isascii()
            and line.lstrip(" \t>*+-")[1:2].isalpha()
        )


@given(st.text(max_size=400))
def test_titles_and_descriptions_are_short_printable_lines(text: str) -> None:
    assert 0 < len(title_text(text)) <= TITLE_LENGTH
    assert len(description_text(text)) <= DESCRIPTION_LENGTH
    assert printable(title_text(text)) == title_text(text)


@pytest.mark.parametrize("title", ["Draft: x", "draft x", "WIP: x", "[WIP] x", "(Draft) x", "[draft]x"])
def test_no_title_says_that_it_is_unfinished(title: str) -> None:
    assert title_text(title) == f"Memory: {title}"


@pytest.mark.parametrize("title", ["[memory] Draft the runbook", "Drafting rules", "wipe the cache"])
def test_other_titles_stay(title: str) -> None:
    assert title_text(title) == title


@pytest.mark.parametrize(
    ("body", "digest"),
    [
        (f"x\n\nKrate-Diff-Digest: {DIGEST}", DIGEST),
        (f"x\r\n\r\nKrate-Diff-Digest: {DIGEST}\r\n\r\n", DIGEST),
        (f"Krate-Diff-Digest: {DIGEST}\n\nmore text", None),
        (f"Krate-Diff-Digest: {DIGEST[:-1]}", None),
        (f"Krate-Diff-Digest: {DIGEST} ", DIGEST),
        (f"Krate-Diff-Digest: {OTHER}\nKrate-Diff-Digest: {DIGEST}", DIGEST),
        ("", None),
    ],
)
def test_the_digest_is_in_the_last_line(body: str, digest: str | None) -> None:
    assert digest_in(body) == digest


def test_a_trailer_within_a_body_is_not_one() -> None:
    body = body_text(f"Krate-Diff-Digest: {OTHER}\n", DIGEST)
    assert [line for line in body.split("\n") if line.startswith("Krate-Diff-Digest:")] == [
        f"Krate-Diff-Digest: {DIGEST}"
    ]
