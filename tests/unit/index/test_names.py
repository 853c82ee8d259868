"""Texts in names, against looking through them one by one."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from krate_gitops.index.names import Names

texts = st.text(st.sampled_from("ab-_ é\x1f日"), max_size=8)


@given(st.lists(texts, max_size=12), st.lists(texts, min_size=1, max_size=6))
@example([], ["a", "a"])
@example(["service:a-b\x1fa b"], ["x", "a-b\x1fa"])
def test_every_question_finds_the_units_whose_names_hold_the_text(lines: list[str], asked: list[str]) -> None:
    names = Names(lines)
    for text in asked:  # the first one is looked for in another way
        assert names.holding(text).tolist() == [unit for unit, line in enumerate(lines) if text and text in line]
