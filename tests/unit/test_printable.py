from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from krate_gitops.encoding import json_lines, json_text, yaml_text
from krate_gitops.printable import has_invisible, printable, printable_block

ANY_TEXT = st.text(st.characters(codec=None))
HONEST_TEXT = st.text()
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | HONEST_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(HONEST_TEXT, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 漢 🎉", "plain é 漢 🎉"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("a\nb\tc\r", r"a\nb\tc\r"),
        ("\x9b31m", r"\x9b31m"),
        ("abc\u202etxt", r"abc\u202etxt"),
        ("hidden\U000e0041", r"hidden\U000e0041"),
        ("\udc80", r"\udc80"),
        ("👩\u200d💻", "👩\u200d💻"),
    ],
)
def test_what_a_terminal_obeys_or_hides_becomes_visible(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(ANY_TEXT)
def test_printable_text_is_one_line_and_stays_as_it_is(text: str) -> None:
    shown = printable(text)
    assert printable(shown) == shown
    assert len(shown.splitlines()) <= 1
    shown.encode()


def test_a_block_keeps_its_lines_and_tabs_alone() -> None:
    assert printable_block("a\n\tb\x1b\rc") == "a\n\tb\\x1b\\rc"


@given(VALUES)
def test_json_and_yaml_read_back_as_the_same_value(value: object) -> None:
    assert json.loads(json_text(value)) == value
    assert yaml.load(yaml_text(value), Loader=yaml.CSafeLoader) == value


@given(st.lists(VALUES, max_size=3))
def test_json_lines_are_one_document_a_line(values: list[object]) -> None:
    lines = list(json_lines(values))
    assert [json.loads(line) for line in lines] == values
    assert all(line.count("\n") == 1 and line.endswith("\n") for line in lines)


@given(ANY_TEXT)
def test_no_form_lets_an_invisible_character_through(text: str) -> None:
    for shown in (json_text([text]), yaml_text([text]), yaml_text({text: text})):
        assert not has_invisible(shown)
        shown.encode()
