"""An impact as people see it: short, complete in its numbers, and inert whatever stands in a brain."""

from __future__ import annotations

import re

import pytest
from markdown_it import MarkdownIt

from krate_gitops.memory.response import Why
from krate_gitops.updates.impact.model import (
    EdgeFrom,
    Impact,
    InboundChange,
    ItemShift,
    QueryImpact,
    RecordName,
    Shift,
    Structure,
)
from krate_gitops.updates.impact.show import MOST_ROWS, code, impact_lines, impact_table, near_lines, near_table
from krate_gitops.updates.nearness import Near, NearRepeat

HOSTILE = (
    "a | b",
    "` | <script>alert(1)</script>",
    "``` @everyone #1",
    "[click](https://evil.example) ![x](https://evil.example/x.png)",
    "\\| x \\` y \\",
    "<!-- hidden",
    "line\nbreak\r\n| new | row |",
    "\x1b[31mred\u202eturned",
    "https://evil.example/autolink www.evil.example",
    "**bold** _em_ ~~gone~~ $x$ :tada: acme/brain#3",
    "`",
    "",
    "x" * 5000,
)


def impact_of(text: str) -> Impact:
    """An impact in which a text stands wherever one can."""
    shifts = tuple(
        ItemShift(
            shift=shift,
            item="record",
            id=text or "x",
            path=text,
            before=None if shift is Shift.ENTERS else 1,
            after=None if shift is Shift.LEAVES else 2,
            changed=shift is Shift.MOVES,
            why=(Why("match", text, 3),),
        )
        for shift in Shift
    )
    query = QueryImpact(
        text=text, mode="graph-only", times=2, snapshot="ams-1", items_before=4, items_after=4, shifts=shifts
    )
    name, edge = RecordName(text or "x", text), EdgeFrom(text or "x", text or "x")
    inbound = InboundChange(id=text or "x", path=text, added=(edge,), removed=(edge,), added_total=1, removed_total=9)
    structure = Structure(
        inbound=(inbound,), inbound_total=1, lost=(name,), lost_total=1, unreached=(name,), unreached_total=2
    )
    return Impact(base_commit="1" * 40, asked=3, queries=(query,), structure=structure)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_inert_in_markdown(text: str) -> None:
    table = impact_table(impact_of(text))
    tokens = MarkdownIt("gfm-like", {"html": True, "linkify": False}).parse(table)
    kinds = {child.type for token in tokens for child in token.children or ()}
    assert kinds <= {"text", "code_inline", "softbreak"}
    assert not {"html_block", "fence", "heading_open", "blockquote_open"} & {token.type for token in tokens}
    rows = [line for line in table.splitlines() if line.startswith("|")]
    for row, cells in zip(rows, (5, 5, 5, 3, 3, 3), strict=True):
        assert row.count("|") == cells + 1
    outside = re.sub(r"`[^`]*`", "", table)
    assert table.count("`") % 2 == 0
    assert not re.search(r"[@<>\[\]#*\\]|http|www", outside)
    assert max(map(len, re.findall(r"`[^`]*`", table)), default=0) <= 102


@pytest.mark.parametrize("text", HOSTILE)
def test_near_repeats_are_inert_too(text: str) -> None:
    near = Near(id=text, path=text, measure=0.8, shared=(text, text), targets=1)
    repeats = [NearRepeat(id=text, path=text, near=(near,))]
    tokens = MarkdownIt("gfm-like", {"html": True, "linkify": False}).parse(near_table(repeats))
    assert {child.type for token in tokens for child in token.children or ()} <= {"text", "code_inline"}
    assert near_table(repeats).splitlines()[-1].count("|") == 5
    assert "0.80" in near_table(repeats)
    [line] = near_lines(repeats)
    assert not re.search("[\x00-\x1f\x7f-\x9f\u202e]", line)
    assert near_table([]) == ""


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_obeys_no_terminal(text: str) -> None:
    lines = impact_lines(impact_of(text))
    assert not re.search("[\x00-\x1f\x7f-\x9f\u202e]", "".join(lines))
    assert len(impact_lines(impact_of(text), colour=True)) == len(lines)


def test_each_way_to_shift_has_its_place() -> None:
    table = impact_table(impact_of("service:a"))
    row = next(line for line in table.splitlines() if line.startswith("| `service:a` | 2×"))
    assert [cell.strip() for cell in row.strip("|").split("|")] == [
        "`service:a`", "2×", "`service:a` (2)", "`service:a` (1)", "`service:a` (1→2, changed), `service:a` (1→2)",
    ]  # fmt: skip
    lines = impact_lines(impact_of("service:a"))
    assert lines[0] == "3 recorded questions asked again: 1 answered differently."
    assert "  + record   service:a (2)  [match 3]" in lines
    assert "  1 item up or down because of these" in lines
    assert "  - service:a  service:a" in lines
    assert "  and 8 more edges" in lines


def test_long_lists_are_cut_and_say_so() -> None:
    query = impact_of("q").queries[0]
    impact = Impact(base_commit="1" * 40, asked=50, queries=(query,) * 30, unreadable=1)
    table = impact_table(impact)
    assert table.count("| `q` |") == MOST_ROWS
    assert "and 20 more questions" in table
    assert "1 snapshot could not be read." in table


def test_nothing_is_said_briefly() -> None:
    assert impact_table(Impact(base_commit="1" * 40, asked=0)) == "No recorded questions to ask again.\n"
    assert impact_lines(Impact(base_commit="1" * 40, asked=5)) == [
        "5 recorded questions asked again: none answered differently."
    ]


def test_a_refusal_is_told() -> None:
    refused = QueryImpact(
        text="q", mode="graph-only", times=1, snapshot="a", items_before=2, items_after=0, refused_after="POLICY_DENIED"
    )
    impact = Impact(base_commit="1" * 40, asked=1, queries=(refused,))
    assert "(refused, `POLICY_DENIED`; before: answered)" in impact_table(impact)
    assert "  ! answered → POLICY_DENIED" in impact_lines(impact)


def test_a_code_span_is_cut_and_never_empty() -> None:
    assert code("") == code(None) == "–"
    assert len(code("x" * 200)) == 102
