"""The lexicon: terms by table are those of the analysis, whatever was learnt before."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from krate_gitops.index import lexicon
from krate_gitops.index.analysis import term_key, terms_of, tokens_of
from krate_gitops.index.lexicon import Lexicon
from krate_gitops.index.tokens import tokenise

_shared = Lexicon()
_WORDS = st.one_of(
    st.text(alphabet="abAB12-_./: ", max_size=40),
    st.sampled_from(("refundReplay", "HTTPServer", "2026-06-02T09:15:00Z", "Éa-b", "日本", "x" * 16, "x" * 17, "007")),
)


@pytest.fixture
def small_table(monkeypatch: pytest.MonkeyPatch) -> Lexicon:
    """A lexicon whose table must grow all the time."""
    monkeypatch.setattr(lexicon, "_SMALLEST_TABLE", 1)
    return Lexicon()


def _found(words: Lexicon, text: str) -> list[tuple[list[int], int]]:
    """Keys of the terms of each token, and its positions."""
    found = words.look_up(tokenise([text.encode()]))
    keys = iter(words.keys(found.terms).tolist())
    sizes, positions = found.sizes.tolist(), found.positions.tolist()
    return [(sorted(next(keys) for _ in range(size)), number) for size, number in zip(sizes, positions, strict=True)]


def _expected(text: str) -> list[tuple[list[int], int]]:
    found = [terms_of(token) for token in tokens_of(text)]
    return [(sorted(map(term_key, terms)), positions) for terms, positions in found]


@given(st.lists(_WORDS, max_size=8).map(" ".join))
@example("")
@example("a-a a-a A-a")
@example("refunds Refunds REFUNDS refunds")
def test_a_lexicon_tells_the_terms_of_the_analysis(text: str) -> None:
    assert _found(_shared, text) == _expected(text)


def test_a_token_is_found_however_full_the_table_is(small_table: Lexicon) -> None:
    text = " ".join(f"w{number} {number} word-{number}" for number in range(2_000))
    assert _found(small_table, text) == _expected(text)
    assert _found(small_table, text) == _expected(text)


def test_a_lexicon_that_is_full_starts_anew(small_table: Lexicon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lexicon, "_MOST", 3)
    for text in ("one two", "three four", "five six one"):
        assert _found(small_table, text) == _expected(text)
    assert len(np.unique(small_table.look_up(tokenise([b"five one six"])).terms)) == 3
