"""Room is given in order; what does not fit is cut at a line's end or left out."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krate_gitops.errors import KrateError
from krate_gitops.memory.budget import LEAST_CUT, Fit, Item, fill
from tests.unit.memory.conftest import Make
from tests.unit.memory.world import markdown

LINES = "\n".join(f"{number:03} " + "x" * 60 for number in range(40))


def test_zero_room_leaves_everything_out() -> None:
    assert fill([Item("a", False), Item("b" * 1000, True)], 0) == [Fit(None, False, 1), Fit(None, False, 1000)]


def test_an_empty_text_fits_even_then() -> None:
    assert fill([Item("", True)], 0) == [Fit("", False, 0)]


def test_an_exact_fit_is_whole_and_one_byte_less_is_not() -> None:
    assert fill([Item("abc", False)], 3) == [Fit("abc", False, 3)]
    assert fill([Item("abc", False)], 2) == [Fit(None, False, 3)]


def test_bytes_count_not_characters() -> None:
    assert fill([Item("é", False)], 1) == [Fit(None, False, 2)]
    assert fill([Item("é", False)], 2) == [Fit("é", False, 2)]


def test_what_gets_no_room_leaves_it_to_those_after_it() -> None:
    fits = fill([Item("x" * 10, False), Item("yy", False), Item("z", False)], 3)
    assert [fit.text for fit in fits] == [None, "yy", "z"]


def test_only_divisible_items_are_cut() -> None:
    assert fill([Item(LINES, False)], 1000)[0].text is None
    assert fill([Item(LINES, True)], 1000)[0].cut


def test_a_cut_ends_with_a_whole_line() -> None:
    [fit] = fill([Item(LINES, True)], 1000)
    assert fit.text == "\n".join(LINES.split("\n")[:15])
    assert fit.bytes == len(fit.text)


def test_a_line_that_ends_exactly_at_the_room_is_kept() -> None:
    ten = "\n".join(LINES.split("\n")[:10])
    assert fill([Item(LINES, True)], len(ten))[0].text == ten
    assert fill([Item(LINES, True)], len(ten) - 1)[0].text == "\n".join(LINES.split("\n")[:9])


@pytest.mark.parametrize(("room", "cut"), [(LEAST_CUT, True), (LEAST_CUT - 1, False)])
def test_a_cut_keeps_at_least_512_bytes(room: int, cut: bool) -> None:
    text = "x" * LEAST_CUT + "\n" + "y" * 100
    assert (fill([Item(text, True)], room)[0].text is not None) is cut


def test_a_first_line_too_long_is_left_out() -> None:
    assert fill([Item("x" * 2000, True)], 1000) == [Fit(None, False, 2000)]


@pytest.mark.parametrize("room", range(LEAST_CUT + 598, LEAST_CUT + 606))
def test_a_character_of_several_bytes_is_never_broken(room: int) -> None:
    text = "x" * LEAST_CUT + "\n" + "\U0001f600" * 150 + "\n" + "y" * 20
    [fit] = fill([Item(text, True)], room)
    assert fit.text == (text[:LEAST_CUT] if room < LEAST_CUT + 601 else text[:-21])
    assert fit.bytes <= room


@given(st.lists(st.tuples(st.text(max_size=900), st.booleans()), max_size=6), st.integers(0, 3000))
def test_what_comes_back_fits_and_is_a_beginning(items: list[tuple[str, bool]], room: int) -> None:
    fits = fill([Item(text, divisible) for text, divisible in items], room)
    assert sum(fit.bytes for fit in fits if fit.text is not None) <= room
    for (text, divisible), fit in zip(items, fits, strict=True):
        if fit.text is None:
            assert fit.bytes == len(text.encode())
        elif fit.cut:
            assert divisible
            assert text.startswith(fit.text + "\n")
            assert fit.bytes >= LEAST_CUT
        else:
            assert fit.text == text


# In an answer

BODY = "\n".join(
    f"Line {number} about refunds, long enough to count for something in the room." for number in range(30)
)
FILES = {
    "runbooks/a.md": markdown("Runbook", "runbook:a", f"{BODY}\n", title="Refunds", summary="All about refunds."),
    "notes/b.md": f"# Refund notes\n\n{BODY}\n",
}


def test_zero_room_answers_with_nothing_and_says_so(make: Make) -> None:
    found = make(FILES).ask("refunds", max_bytes=0, paths=("**",))
    assert not found.records
    assert not found.excerpts
    assert found.limits.truncated
    assert found.limits.reason == "size-limit"
    assert found.limits.omitted.records == 1
    assert found.limits.omitted.excerpts == 2
    assert found.warnings.count("truncated") == 1


def test_an_answer_never_holds_more_bytes_than_its_room(make: Make) -> None:
    world = make(FILES)
    for room, more in pairwise(range(0, 6000, 450)):
        less, found = (world.ask("refunds", max_bytes=size, max_matches=40).limits for size in (room, more))
        assert less.bytes <= room
        assert less.bytes <= found.bytes <= more


def test_a_cut_excerpt_keeps_its_lines_matches_and_digest_in_step(make: Make) -> None:
    [found] = make(FILES).ask("refunds", mode="grep-only", max_bytes=700, paths=("notes/*",)).excerpts
    assert found.line_end == found.line_start + found.text.count("\n")
    assert found.matches
    assert all(found.line_start <= match.line <= found.line_end for match in found.matches)


@pytest.mark.parametrize("item", ["runbook:a", "notes/b.md", "notes/b.md:1-30"])
def test_a_selected_item_without_room_is_an_error(make: Make, item: str) -> None:
    with pytest.raises(KrateError) as error:
        make(FILES).ask("refunds", include=(item,), max_bytes=20)
    assert error.value.code == "MEMORY_LIMIT_EXCEEDED"
    assert error.value.exit_code == 1
    assert error.value.location == ("runbooks/a.md" if ":" in item and "/" not in item else "notes/b.md")


def test_a_selected_document_is_cut_like_any_other_where_enough_of_it_fits(make: Make) -> None:
    found = make(FILES).ask(mode="document-read", include=("notes/b.md",), max_bytes=900)
    assert found.documents[0].truncated
    assert found.limits.truncated
