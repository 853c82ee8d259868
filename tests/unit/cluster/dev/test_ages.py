"""How long ago something was."""

from __future__ import annotations

import pytest

from krate_gitops.cluster.dev.ages import age


@pytest.mark.parametrize(
    ("time", "shown"),
    [
        (None, "<unknown>"),
        ("", "<unknown>"),
        ("yesterday", "<invalid>"),
        ("2001-01-01T00:00:00", "<invalid>"),
        ("9999-12-31T23:59:59Z", "<invalid>"),
        (5, "<invalid>"),
    ],
)
def test_what_is_no_time_of_the_past_is_told_in_words(time: object, shown: str) -> None:
    assert age(time) == shown
