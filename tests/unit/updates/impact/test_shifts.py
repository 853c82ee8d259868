"""Items that enter, leave, move, are pushed or change."""

from __future__ import annotations

import random

from krate_gitops.memory.response import ExcerptItem, RecordItem
from krate_gitops.updates.impact.model import Shift
from krate_gitops.updates.impact.shifts import Item, shifts_between


def records(*names: str, **digests: str) -> list[Item]:
    return [
        RecordItem(
            id=name,
            kind="K",
            path=f"{name}.md",
            sensitivity="public",
            digest=digests.get(name, name),
            rank=at,
            score=0,
            why=(),
        )
        for at, name in enumerate(names, 1)
    ]


def told(before: list[Item], after: list[Item]) -> dict[str, Shift]:
    return {shift.id or "": shift.shift for shift in shifts_between(before, after)}


def test_equal_answers_have_no_shifts() -> None:
    assert shifts_between(records("a", "b"), records("a", "b")) == ()


def test_the_fewest_items_have_moved_and_the_others_are_pushed() -> None:
    assert told(records("a", "b", "c", "d"), records("d", "a", "b", "c")) == {
        "d": Shift.MOVES, "a": Shift.PUSHED, "b": Shift.PUSHED, "c": Shift.PUSHED,
    }  # fmt: skip
    assert told(records("a", "b"), records("n", "a", "b")) == {"n": Shift.ENTERS, "a": Shift.PUSHED, "b": Shift.PUSHED}
    assert told(records("a", "b"), records("b")) == {"a": Shift.LEAVES, "b": Shift.PUSHED}


def test_a_change_of_content_is_told_in_place_and_on_the_way() -> None:
    assert told(records("a", "b"), records("a", "b", b="new")) == {"b": Shift.CHANGES}
    [moved] = [one for one in shifts_between(records("a", "b", "c"), records("c", "a", "b", c="n")) if one.id == "c"]
    assert (moved.shift, moved.changed, moved.before, moved.after) == (Shift.MOVES, True, 3, 1)


def test_random_orders_are_explained_in_full() -> None:
    rng = random.Random(1)
    for _ in range(200):
        before = rng.sample("abcdefghij", rng.randint(0, 10))
        after = rng.sample("abcdefghij", rng.randint(0, 10))
        shifts = shifts_between(records(*before), records(*after))
        by_id = {shift.id: shift for shift in shifts}
        for name in {*before, *after}:
            ranks = tuple(side.index(name) + 1 if name in side else None for side in (before, after))
            if name in by_id:
                assert (by_id[name].before, by_id[name].after) == ranks
            else:
                assert ranks[0] == ranks[1]
        moved = {shift.id for shift in shifts if shift.shift is Shift.MOVES}
        stay = [name for name in after if name in before and name not in moved]
        assert stay == sorted(stay, key=before.index)


def excerpt(path: str, line: int, text: str, rank: int) -> ExcerptItem:
    return ExcerptItem(
        path=path,
        line_start=line,
        line_end=line + 1,
        text=text,
        matches=(),
        digest=text,
        file_digest="f",
        rank=rank,
        why=(),
    )


def test_excerpts_that_only_slide_down_their_file_have_not_changed() -> None:
    before: list[Item] = [excerpt("n.md", 1, "one", 1), excerpt("n.md", 9, "two", 2)]
    after: list[Item] = [excerpt("n.md", 4, "one", 1), excerpt("n.md", 12, "two", 2)]
    assert shifts_between(before, after) == ()
    [changed] = shifts_between(before, [excerpt("n.md", 4, "one", 1), excerpt("n.md", 12, "other", 2)])
    assert (changed.shift, changed.lines) == (Shift.CHANGES, "12-13")
    [left] = shifts_between(before, [excerpt("n.md", 4, "one", 1)])
    assert (left.shift, left.before, left.after) == (Shift.LEAVES, 2, None)
