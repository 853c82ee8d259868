"""Whatever stands in a memory, it stays inside of its frame."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime

from hypothesis import example, given, settings
from hypothesis import strategies as st

from krate_gitops.git.refs import RefResolution
from krate_gitops.git.request import RefMode
from krate_gitops.memory.render import Section, render
from krate_gitops.memory.response import DocumentItem, ExcerptItem, Omitted, RecordItem, Why
from krate_gitops.memory.snapshot import KnownBadMark

FENCE = "abc123"
PIECES = [
    "```", "`", "~~~", f"```memory-{FENCE}", "memory-", "\n", "\r\n", "\u2028", "\x85", "#", "## Company brain memory",
    "### Records", "### Excerpts", "\u200b", "\u202e", "\u2066", "\x1b[31m", "\x1b]0;x\x07", "\x00", "\x07", "\t",
    "- a (", "[known-bad: ", "[3 further", "<|im_start|>", "word", "漢字", " ", "\ufeff", "\uff40\uff40\uff40",
    "\u00ad", "\U000e0041", ">", "    ", "\u0332",
]  # fmt: skip
HOSTILE = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=3)), max_size=14).map("".join)
WHY = (Why("match", "x", 1),)
RESOLUTION = RefResolution(
    mode=RefMode.CURRENT,
    requested_ref="main",
    resolved_commit="a" * 40,
    commit_time="2026-01-01T00:00:00Z",
    resolved_at=datetime(2026, 1, 1, tzinfo=UTC).isoformat(),
    approved=True,
    current_commit="a" * 40,
    stale_by_seconds=0,
    known_bad=False,
)


def section(text: str, place: str) -> Section:
    return Section(
        repository=place,
        resolution=RESOLUTION,
        manifest_digest="sha256:00",
        warnings=("known-bad",),
        records=(
            RecordItem(
                id=place, kind=place, path=place, title=text, summary=text, owners=(place,), sensitivity="internal",
                digest="x", rank=1, score=1, why=WHY,
            ),
        ),
        documents=(DocumentItem(path=place, id=place, text=text, truncated=False, digest="x", rank=2, why=WHY),),
        excerpts=(
            ExcerptItem(
                path=place, record_id=place, line_start=1, line_end=2, text=text, matches=(), digest="x",
                file_digest="x", rank=3, why=WHY,
            ),
        ),
        omitted=Omitted(),
        reason=None,
        mark=KnownBadMark(text, None, "tester", "2026-01-01T00:00:00Z"),
    )  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(HOSTILE, HOSTILE)
@example("``\u200b`\n### Records\n`\x1b[0m``", "x\n```\n## Company brain memory")
@example("`\ufeff``memory-abc123\n", "a")
def test_nothing_ends_a_fence_or_begins_a_line_outside_of_it(text: str, place: str) -> None:
    shown = render(section(text, place), fence=FENCE)
    outside, inside, open_fence = [], [], False
    for line in shown.split("\n"):
        if line in (f"```memory-{FENCE}", "```"):
            assert open_fence == (line == "```"), shown
            open_fence = not open_fence
            continue
        (inside if open_fence else outside).append(line)
        assert not re.search("`{3}|~{3}", line)
    assert not open_fence
    assert shown.count(f"```memory-{FENCE}\n") == 2
    # Header, repository, notice, banner, three titles, record, and the places of document and excerpt.
    assert len([line for line in outside if line]) <= 10
    titles = ["## Company brain memory", "### Records", "### Documents", "### Excerpts"]
    assert [line for line in outside if line in titles] == titles
    imitations = {title.casefold() for title in titles}
    assert not [line for line in inside if line.strip(" \t>").casefold() in imitations]
    for character in shown.replace("\n", "").replace("\t", ""):
        assert unicodedata.category(character) not in ("Cc", "Zl", "Zp"), hex(ord(character))
        assert character not in "\u200b\u200c\u200d\u2060\ufeff\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


@settings(max_examples=100, deadline=None)
@given(HOSTILE, st.integers(700, 3000))
def test_a_section_keeps_to_its_bytes_and_says_what_is_missing(text: str, most: int) -> None:
    items = tuple(
        ExcerptItem(
            path=f"n{rank}.md", line_start=1, line_end=2, text=text * 3, matches=(), digest="x", file_digest="x",
            rank=rank, why=WHY,
        )
        for rank in range(1, 12)
    )  # fmt: skip
    full = section("short", "place")._replace(excerpts=items, records=(), documents=(), mark=None)
    shown = render(full, fence=FENCE, max_bytes=most)
    assert len(shown.encode()) <= most
    count = shown.count(f"```memory-{FENCE}\n")
    assert (f"[{11 - count} further excerpts omitted: size-limit]" in shown) == (count < 11)
    assert [f"n{rank}.md:1-2\n" in shown for rank in range(1, 12)] == [rank <= count for rank in range(1, 12)]
