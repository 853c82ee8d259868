"""Files made to cost much: time grows with their size, and nothing is refused with a traceback."""

from __future__ import annotations

import random

import pytest

from krate_gitops.updates.merge.by_line import merge_lines
from krate_gitops.updates.merge.files import merge_file
from krate_gitops.updates.merge.line_hunks import hunks
from krate_gitops.updates.merge.places import MAX_PLACES, changed_places
from tests.proportion import assert_in_proportion


def _scrambled(size: int) -> tuple[list[str], list[str]]:
    rng = random.Random(size)
    return [rng.choice("ab") for _ in range(size)], [rng.choice("ab") for _ in range(size)]


def _reversed(size: int) -> tuple[list[str], list[str]]:
    lines = [str(at) for at in range(size)]
    return lines, lines[::-1]


def _alike(size: int) -> tuple[list[str], list[str]]:
    return ["a"] * size, ["a"] * (size // 2) + ["b"] + ["a"] * (size // 2 + 1)


def _alternating(size: int) -> tuple[list[str], list[str]]:
    return ["a", "b"] * (size // 2), ["b", "b", "a"] * (size // 3)


@pytest.mark.parametrize("make", [_scrambled, _reversed, _alike, _alternating])
def test_texts_that_are_hard_to_compare_take_time_in_proportion(make) -> None:
    assert_in_proportion(lambda size: hunks(*make(size)), 5_000)


@pytest.mark.parametrize("make", [_scrambled, _reversed, _alike, _alternating])
def test_hunks_turn_one_text_into_the_other(make) -> None:
    for size in (1, 2, 7, 100, 5_000):
        old, new = make(size)
        found, at, result = hunks(old, new), 0, list[str]()
        for hunk in found:
            result += old[at : hunk.start] + new[hunk.first : hunk.last]
            at = hunk.end
        assert result + old[at:] == new


def test_a_large_record_with_many_changes_takes_time_in_proportion() -> None:
    def work(size: int) -> object:
        base = "id: a\nattributes:\n" + "".join(f"  k{at}: v\n" for at in range(size))
        base += "edges:\n  needs:\n" + "".join(f"  - b{at}\n" for at in range(size))
        ours = base.replace("5: v\n", "5: o\n").replace("5\n", "5\n  - o5\n")
        theirs = base.replace("6: v\n", "6: t\n").replace("- b7\n", "- t7\n")
        return merge_file("a.yaml", base.encode(), ours.encode(), theirs.encode())

    assert_in_proportion(work, 300)


def test_many_changed_records_in_one_file_take_time_in_proportion() -> None:
    def work(size: int) -> object:
        base = "---\n".join(f"id: a{at}\nx: 1\ny: 1\n" for at in range(size))
        return merge_file(
            "a.yaml", base.encode(), base.replace("x: 1", "x: 2").encode(), base.replace("y: 1", "y: 2").encode()
        )

    assert_in_proportion(work, 40)


def _bomb(word: str) -> str:
    levels = "".join(f"l{at}: &l{at} [{', '.join([f'*l{at - 1}'] * 9)}]\n" for at in range(1, 9))
    return f"id: a\nl0: &l0 [{word}]\n{levels}"


@pytest.mark.parametrize(
    "make",
    [
        _bomb,
        lambda word: "id: a\nx: " + "[" * 5_000 + word + "]" * 5_000 + "\n",
        lambda word: "id: a\nx: " + "{a: " * 30_000 + word + "\n",
        lambda word: "id: a\n" + f"? [{word}]\n: 1\n" * 20,
        lambda word: f"id: a\n<<: {{x: {word}}}\ny: !!python/object/apply:os.system ['{word}']\n",
        lambda word: "id: a\nx: " + word + "9" * 100_000 + "\n",
        lambda word: "id: a\nx:\n" + "".join(f"{' ' * at}- {word}{at}:\n" for at in range(1, 3_000, 2)),
    ],
)
def test_what_is_made_to_break_parsers_still_ends_in_a_merge_or_a_conflict(make) -> None:
    base, ours, theirs = (make(word) for word in ("b", "o", "t"))
    result = merge_file("a.yaml", base.encode(), ours.encode(), theirs.encode())
    assert result.conflicts
    assert result.content is not None
    page = merge_file("a.md", *(f"---\n{text}---\nx\n".encode() for text in (base, ours, theirs)))
    assert page.conflicts
    changed_places("a.yaml", base.encode(), ours.encode())
    merge_file("a.yaml", base.encode(), (ours + "z: 1\n").encode(), base.replace("id: a", "id: c").encode())


def test_aliases_that_are_no_bomb_are_merged_through() -> None:
    base = "id: a\nx: &x [1, 2]\ny: *x\nz: 1\n"
    ours, theirs = base.replace("[1, 2]", "[1, 2, 3]"), base.replace("z: 1", "z: 2")
    result = merge_file("a.yaml", base.encode(), ours.encode(), theirs.encode())
    assert (result.content, result.conflicts) == (b"id: a\nx: &x [1, 2, 3]\ny: *x\nz: 2\n", ())


def test_conflicts_and_places_are_few_and_short() -> None:
    sides = [f"id: a\nx{word}: 1\n" + "".join(f"k{at}: {word * 2_000}\n" for at in range(600)) for word in "bot"]
    result = merge_file("a.yaml", *(side.encode() for side in sides))
    assert len(result.conflicts) == 50
    assert all(len(text or "") <= 400 for one in result.conflicts for text in (one.observed, one.current, one.proposed))
    places = changed_places("a.yaml", sides[0].encode(), sides[1].encode())
    assert len(places) == MAX_PLACES
    assert all(len(text or "") <= 400 for one in places for text in (one.place, one.old, one.new))


def test_one_line_of_a_mebibyte_is_merged() -> None:
    line = "x" * (1 << 20)
    merged = merge_lines(f"a\n{line}\nb\n", f"a1\n{line}\nb\n", f"a\n{line}\nb2\n")
    assert merged.text == f"a1\n{line}\nb2\n"
