"""Tokens to go on with a list."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krate_gitops.cluster.dev.failure import ApiFailure
from krate_gitops.cluster.dev.verbs.pages import Token, read_token, write_token


@given(st.integers(-1, 2**40), st.text(min_size=1).filter(lambda text: not text.endswith("\0")))
def test_what_is_written_is_read(version: int, place: str) -> None:
    assert read_token(write_token(Token(version, place))) == Token(version, place)


@given(st.text())
def test_anything_else_is_refused(text: str) -> None:
    with contextlib.suppress(ApiFailure):
        read_token(text)


@pytest.mark.parametrize("text", ["nonsense", "bm9uc2Vuc2U=", "e30=", "eyJydiI6MX0="])
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(ApiFailure, match="invalid continue token"):
        read_token(text)
