"""Lines: what matches, where exactly, and what is shown around it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krate_gitops.digest import sha256_digest
from krate_gitops.memory.grep import MAX_LINE_BYTES, Match, Matcher, excerpt, lowered, span, trimmed, windows
from tests.unit.memory.conftest import Make


def matches(query: str, text: str, *, regex: bool = False, case: bool = False) -> list[tuple[int, str]]:
    """Number of each matching line, and what of it matches."""
    searched = text if regex or case else lowered(text)
    found, _ = windows(searched, Matcher(query, regex=regex, case_sensitive=case), context=0, most=1000)
    lines = text.split("\n")
    return [(m.line, lines[m.line - 1][m.start : m.end]) for window in found for m in window.matches]


def ranges(query: str, text: str, context: int, most: int = 1000) -> list[tuple[int, int, int]]:
    """First and last line and number of matches of each window."""
    found, _ = windows(text, Matcher(query, regex=False, case_sensitive=False), context=context, most=most)
    return [(window.first, window.last, len(window.matches)) for window in found]


@pytest.mark.parametrize(
    ("query", "text", "found"),
    [
        ("refund", "a\nthe Refunds\nb", [(2, "Refund")]),
        ("replay refund", "refund replay\nreplay refund!", [(1, "refund"), (2, "replay refund")]),
        ("one two three", "one\none two\nthree x one", [(2, "one"), (3, "three")]),
        ("one two three four", "one\none four", [(2, "one")]),
        ("one two", "two only", [(1, "two")]),
        ("the a of", "often", [(1, "of")]),
        ("v1.2", "v1.2.3\nv1_2", [(1, "v1.2")]),
        ("(x)", "f(x)\nx", [(1, "(x)")]),
        ("x", "a\nax", [(2, "x")]),
        ("replay\nrefund", "replay\nrefund", [(1, "replay"), (2, "refund")]),
        ("replay\nrefund", "replay of a refund", [(1, "replay")]),
        ("\n(", "(\n(", []),
        ("refund.", "a refund", [(1, "refund")]),
        ("nothing", "at all", []),
        ("aa", "aaaa", [(1, "aa")]),
        ("a", "", []),
    ],
)
def test_a_line_matches_with_the_whole_text_or_half_of_its_terms(
    query: str, text: str, found: list[tuple[int, str]]
) -> None:
    assert matches(query, text) == found


@pytest.mark.parametrize(
    ("query", "case", "found"),
    [("Refund", True, [2]), ("refund", True, [1]), ("REFUND", True, []), ("REFUND", False, [1, 2])],
)
def test_case_counts_when_it_is_asked_to(query: str, case: bool, found: list[int]) -> None:
    assert [line for line, _ in matches(query, "a refund\na Refund", case=case)] == found
    assert [line for line, _ in matches(query, "a refund\na Refund", case=case, regex=True)] == found


@pytest.mark.parametrize(
    ("query", "line", "found"),
    [
        ("İstanbul", "x İstanbul", "İstanbul"),
        ("stanbul", "İİİstanbul", "stanbul"),
        ("istanbul", "ISTANBUL", "ISTANBUL"),
        ("STRAẞE", "die straße", "straße"),
        ("straße", "die STRAẞE", "STRAẞE"),
        ("ΟΔΟΣ", "η ΟΔΟΣ", "ΟΔΟΣ"),
        ("ΟΔΟΣ x", "ΟΔΟΣ x", "ΟΔΟΣ x"),
        ("οδοσ", "ΟΔΟΣ", "ΟΔΟΣ"),
        ("é", "É", "É"),
        ("after", "İẞΣ after", "after"),
        ("\u212a", "k", "k"),
        ("Ǆ", "ǆ", "ǆ"),
    ],
)
def test_offsets_are_those_of_the_text_whatever_lower_case_does_to_it(query: str, line: str, found: str) -> None:
    assert matches(query, f"first\n{line}\nlast") == [(2, found)]


@given(st.text())
def test_lower_case_keeps_every_character_in_its_place(text: str) -> None:
    low = lowered(text)
    assert len(low) == len(text)
    assert lowered(low) == low
    assert [lowered(char) for char in text] == list(low)


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("ref.nd", "a\nx refand", [(2, "refand")]),
        ("^b$", "a\nb\nbb", [(2, "b")]),
        ("a|^c", "b\nc a", [(2, "c")]),
        (r"\Aab", "x\nab", [(2, "ab")]),
        (r"b\z", "ab\nc", [(1, "b")]),
        (r"(?-m:^b)", "a\nb", [(2, "b")]),
        (r"(?i)B", "b", [(1, "b")]),
        (r"\Qa.b", "aXb\na.b", [(2, "a.b")]),
        (r"\Qa.b\E.", "a.bc", [(1, "a.bc")]),
        ("é+", "xééy", [(1, "éé")]),
        ("\U0001f600.", "a\U0001f600b", [(1, "\U0001f600b")]),
        (r"\s", "ab\ncd", []),
        ("a.c", "a\nc", []),
        (r"[^x]", "x\n\nxy", [(3, "y")]),
        (r"\bb\b", "ab\na b", [(2, "b")]),
        ("", "a", [(1, "")]),
        (r"x{0}$", "ab", [(1, "")]),
    ],
)
def test_a_pattern_is_tried_on_each_line_alone(pattern: str, text: str, found: list[tuple[int, str]]) -> None:
    assert matches(pattern, text, regex=True) == found


@given(
    st.text(alphabet="ab\n", max_size=30),
    st.sampled_from(("a", "b$", "^a", "^$", "ab|ba", r"(?-m:b$)", r"\Aa", "[^a]", "a*")),
)
def test_looking_at_the_whole_text_first_loses_no_line(text: str, pattern: str) -> None:
    import re2

    expected = [at for at, line in enumerate(text.split("\n"), 1) if re2.search(pattern, line)]
    assert [line for line, _ in matches(pattern, text, regex=True)] == expected


TEN = "\n".join(f"line {n}" if n in (3, 5, 9) else f"- {n}" for n in range(1, 11)) + "\n"


@pytest.mark.parametrize(
    ("context", "found"),
    [
        (0, [(3, 3, 1), (5, 5, 1), (9, 9, 1)]),
        (1, [(2, 6, 2), (8, 10, 1)]),
        (2, [(1, 10, 3)]),
        (5, [(1, 10, 3)]),
    ],
)
def test_windows_that_meet_become_one(context: int, found: list[tuple[int, int, int]]) -> None:
    assert ranges("line", TEN, context) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("x", (1, 1, 1)),
        ("x\n", (1, 1, 1)),
        ("x\n\n", (1, 2, 1)),
        ("\nx", (1, 2, 1)),
        ("\n\n\nx\n\n\n", (3, 5, 1)),
        ("a\nx\nb", (1, 3, 1)),
    ],
)
def test_the_ends_of_a_file_are_the_ends_of_a_window(text: str, found: tuple[int, int, int]) -> None:
    assert ranges("x", text, 1) == [found]


def test_matches_beyond_the_most_are_counted_and_not_shown() -> None:
    found, total = windows("x\n" * 50, Matcher("x", regex=False, case_sensitive=False), context=0, most=7)
    assert total == 50
    assert [(window.first, window.last, len(window.matches)) for window in found] == [(1, 7, 7)]


@given(st.lists(st.sampled_from(("", "x", "y", "xx y")), max_size=25), st.integers(0, 3), st.integers(1, 6))
def test_a_window_is_the_lines_it_says_and_trimming_keeps_it_so(lines: list[str], context: int, most: int) -> None:
    text = "\n".join(lines)
    found, total = windows(text, Matcher("x", regex=False, case_sensitive=False), context=context, most=1000)
    assert total == sum("x" in line for line in lines)
    for window in (*found, *(trimmed(text, window, most, context=context) for window in found)):
        assert excerpt(text, window).text == "\n".join(lines[window.first - 1 : window.last])
        assert all(window.first <= match.line <= window.last for match in window.matches)
        assert len(window.held) == len(window.matches)
        assert max(1, window.matches[0].line - context) == window.first
        # The line feed that ends a file starts no line of its own.
        last = len(lines) - (lines[-1] == "" and len(lines) > 1)
        assert min(max(last, window.matches[-1].line), window.matches[-1].line + context) == window.last
    for window in found:
        assert len(trimmed(text, window, most, context=context).matches) == min(most, len(window.matches))
    for one, two in pairwise(found):
        assert one.last + 1 < two.first


@pytest.mark.parametrize(
    ("first", "last", "found"),
    [(1, 1, "a"), (2, 3, "b\nc"), (3, 99, "c"), (4, 4, None), (1, 3, "a\nb\nc")],
)
def test_lines_are_taken_by_number(first: int, last: int, found: str | None) -> None:
    for text in ("a\nb\nc", "a\nb\nc\n"):
        window = span(text, first, last)
        assert (excerpt(text, window).text if window else None) == found


# Very long lines


def cut(line: str, query: str) -> tuple[str, str]:
    """What is shown of a long line, and what of that is said to match."""
    text = f"before\n{line}\nafter"
    matcher = Matcher(query, regex=False, case_sensitive=False)
    [window], _ = windows(lowered(text), matcher, context=1, most=10)
    shown = excerpt(text, window)
    lines = shown.text.split("\n")
    assert (lines[0], lines[2], len(lines)) == ("before", "after", 3)
    [match] = shown.matches
    assert match.line == 2
    return lines[1], lines[1][match.start : match.end]


@pytest.mark.parametrize("filling", ["x", "é", "\U0001f600"])
@pytest.mark.parametrize("before", [0, 10, 500, 1023, 1024, 1365, 4090, 4096, 5000, 40_000])
def test_of_a_very_long_line_the_part_with_the_match_is_shown(filling: str, before: int) -> None:
    shown, match = cut(filling * before + "NEEDLE" + filling * 9000, "needle")
    assert match == "NEEDLE"
    assert len(shown.replace("…", "").encode()) <= MAX_LINE_BYTES
    assert shown.endswith("…")
    assert shown.count("…") == 1 + shown.startswith("…")


def test_a_line_of_exactly_the_limit_is_whole_and_the_next_byte_cuts_it() -> None:
    assert cut("n" * MAX_LINE_BYTES, "nn")[0] == "n" * MAX_LINE_BYTES
    assert cut("n" * (MAX_LINE_BYTES + 1), "nn")[0] == "n" * MAX_LINE_BYTES + "…"


def test_a_match_longer_than_what_is_shown_ends_with_it() -> None:
    text = "a" * 9000
    [window], _ = windows(text, Matcher("a+", regex=True, case_sensitive=False), context=0, most=1)
    shown = excerpt(text, window)
    assert shown.matches == (Match(1, 0, MAX_LINE_BYTES),)


def test_the_end_of_a_very_long_line_is_shown_without_a_mark_behind_it() -> None:
    shown, match = cut("x" * 9000 + "needle", "needle")
    assert match == "needle"
    assert shown.endswith("needle")
    assert shown.startswith("…")


# In a brain


def test_carriage_returns_and_a_missing_line_feed_change_no_line_number(make: Make) -> None:
    world = make(
        {"notes/dos.md": b"# Dos\r\n\r\nneedle one\r\nend", "notes/mac.md": b"\xef\xbb\xbf# Mac\r\rneedle two"}
    )
    found = {e.path: e for e in world.ask("needle", mode="grep-only", context_lines=1).excerpts}
    assert (found["notes/dos.md"].text, found["notes/dos.md"].line_start, found["notes/dos.md"].line_end) == (
        "\nneedle one\nend",
        2,
        4,
    )
    assert (found["notes/mac.md"].text, found["notes/mac.md"].line_start) == ("\nneedle two", 2)
    assert found["notes/dos.md"].matches == (Match(3, 0, 6),)
    assert found["notes/dos.md"].digest == sha256_digest(b"\nneedle one\nend")
    assert found["notes/dos.md"].file_digest == sha256_digest(b"# Dos\r\n\r\nneedle one\r\nend")


def test_separators_that_are_no_line_ends_stay_in_their_line(make: Make) -> None:
    world = make({"notes/a.md": "# A\n\none\u2028two\x0cthree\x85four needle\n"})
    [found] = world.ask("needle", mode="grep-only", context_lines=0).excerpts
    assert (found.line_start, found.line_end, found.text) == (3, 3, "one\u2028two\x0cthree\x85four needle")


@pytest.mark.parametrize(
    "query",
    [
        "Straße",
        "STRASSE",
        "İzmir",
        "ΟΔΟΣ",
        "foo_bar",
        "oo_ba",
        "fund-repl",
        "v1.2",
        "q",
        "日本",
        "本語",
        "naïve",
        "हिन्दी",
    ],
)
def test_the_index_of_words_loses_no_line(make: Make, query: str) -> None:
    text = "# N\n\nStraße STRASSE İzmir ΟΔΟΣ foo_bar refund-replay v1.2.3 q 日本語 naïve हिन्दी\n"
    assert make({"notes/a.md": text}).lines(query, context_lines=0) == ["notes/a.md:3-3"]


@pytest.mark.parametrize(("query", "case"), [("Foo foo FOO Bar Baz", True), ("Foo bar", True), ("FOO", True)])
def test_words_that_differ_in_case_alone_count_each_when_case_does(make: Make, query: str, case: bool) -> None:
    assert make({"notes/a.md": "# N\n\nFoo foo FOO\n"}).lines(query, case_sensitive=case, context_lines=0) == [
        "notes/a.md:3-3"
    ]


def test_more_matches_in_a_row_than_asked_for_are_not_none(make: Make) -> None:
    found = make({"notes/a.md": "needle\n" * 40}).ask("needle", mode="grep-only", max_matches=25)
    [one] = found.excerpts
    assert (one.line_start, one.line_end, len(one.matches)) == (1, 26, 25)
    assert not found.limits.omitted.excerpts
    assert found.limits.reason == "item-limit"


def test_matches_are_capped_over_all_files_best_first(make: Make) -> None:
    files = {f"notes/{name}.md": f"# {name}\n\nneedle\n\n\n\n\nneedle {name}\n" for name in "abcd"}
    found = make(files).ask("needle", mode="grep-only", max_matches=5, context_lines=0)
    assert sum(len(excerpt.matches) for excerpt in found.excerpts) == 5
    assert found.limits.omitted.excerpts == 3
    assert found.limits.reason == "item-limit"
    few = make(files).ask("needle", mode="grep-only", max_excerpts=2, context_lines=0)
    assert len(few.excerpts) == 2
    assert few.limits.omitted.excerpts == 6


def test_scanning_stops_at_ten_times_the_matches_and_says_so(make: Make) -> None:
    files = {f"notes/{number:02}.md": "needle\n\n\n\n" * 10 for number in range(5)}
    found = make(files).ask("needle", mode="grep-only", max_matches=2, context_lines=0)
    assert len(found.excerpts) == 2
    assert found.limits.omitted.excerpts == 18
    assert found.limits.truncated
    assert found.limits.reason == "item-limit"


def test_globs_limit_where_lines_come_from(make: Make) -> None:
    world = make({"notes/a.md": "needle\n", "notes/x/b.md": "needle\n", "README.md": "needle\n"})
    assert world.lines("needle", paths=("notes/*",)) == ["notes/a.md:1-1"]
    assert world.lines("needle", paths=("**/b.md", "README.md")) == ["README.md:1-1", "notes/x/b.md:1-1"]
    assert world.lines("needle", paths=("nowhere/**",)) == []


MULTI = {
    "graph/many.yaml": (
        "nodeKind: Service\nid: service:one\nattributes: {title: One}\n"
        "---\nnodeKind: Service\nid: service:two\nattributes: {title: Two needle}\n"
        "---\nnodeKind: Service\nid: service:three\nattributes: {title: Three}\n"
    ),
}


def test_lines_of_a_file_of_several_records_belong_to_the_record_they_stand_in(make: Make) -> None:
    world = make(MULTI, foreign="{multiDocument: true, required: []}")
    found = {e.line_start: e.record_id for e in world.ask("title", mode="grep-only", context_lines=0).excerpts}
    assert found == {3: "service:one", 7: "service:two", 11: "service:three"}
    assert [d.id for d in world.ask(mode="document-read", document_paths=("graph/many.yaml",)).documents] == [None]
