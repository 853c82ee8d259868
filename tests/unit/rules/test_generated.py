"""Generated blocks: text in, findings out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krate_gitops.brain.rules.generated import block_digest, check_generated_blocks

BODY = "- one lesson\n- another\n"


def block(body: str = BODY, name: str = "open-lessons", *, digest: str = "", end: str = "") -> str:
    opening = f"<!-- krate:generated name={name} digest={digest or block_digest(body)} -->"
    return f"{opening}\n{body}<!-- krate:end name={end or name} -->\n"


@pytest.mark.parametrize(
    "text",
    [
        "no block at all",
        block(),
        f"# Title\n\n{block()}\nbetween\n{block(name='two')}",
        block("", name="empty"),
        block("\n" + BODY + "\n"),
        f"Example:\n```markdown\n<!-- krate:generated name=x -->\n```\n{block()}",
        f"~~~~\n<!-- krate:end name=x -->\n~~~\n~~~~\n{block()}",
        "In a line: `<!-- krate:generated name=x -->` is prose.\n",
    ],
    ids=["none", "one", "two", "empty", "blank lines around", "in a fence", "in a longer fence", "in prose"],
)
def test_says_nothing_of(text: str) -> None:
    assert check_generated_blocks(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (block().replace("another", "a new one"), ['generated block "open-lessons" was hand-edited']),
        (block().replace("lesson\n", "lesson \n"), ['generated block "open-lessons" was hand-edited']),
        (block().rpartition("<!--")[0], ['generated block "open-lessons" is never closed']),
        (block().partition("\n")[2], ['generated block "open-lessons" ends without a start']),
        (
            block(end="other"),
            ['generated block "other" ends without a start', 'generated block "open-lessons" is never closed'],
        ),
        (block() + block(), ['generated block "open-lessons" is there twice']),
        (
            block(name="outer", body="x\n").partition("<!-- krate:end")[0] + block(),
            ['generated block "outer" is never closed'],
        ),
        (
            "<!-- krate:generated name=open-lessons -->\n<!-- krate:end -->\n",
            ['marker "krate:generated" is malformed', 'marker "krate:end" is malformed'],
        ),
    ],
    ids=["edited", "spaces", "not closed", "not opened", "other name", "twice", "nested", "malformed"],
)
def test_reports(text: str, expected: list[str]) -> None:
    findings = check_generated_blocks(f"# Memory\n{text}")
    assert [finding.message for finding in findings] == expected
    assert {finding.code for finding in findings} == {"KB094"}


def test_a_finding_points_at_its_marker() -> None:
    text = f"# Memory\n{block().replace('one', 'won')}"
    [finding] = check_generated_blocks(text)
    assert text[finding.offset :].startswith("<!-- krate:generated")


@given(st.text(), st.text())
def test_any_change_of_the_text_shows(body: str, other: str) -> None:
    if "krate:" in body + other or "\n```" in f"\n{body}{other}" or "\n~~~" in f"\n{body}{other}":
        return
    body, other = (f"{text}\n".replace("\r", "") for text in (body, other))
    edited = bool(check_generated_blocks(block(body).replace(f"-->\n{body}<!--", f"-->\n{other}<!--")))
    assert edited == (body.strip("\n") != other.strip("\n"))
