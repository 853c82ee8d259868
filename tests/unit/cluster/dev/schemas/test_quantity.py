"""Amounts with units."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krate_gitops.cluster.dev.schemas.quantity import canonical, value


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1000m", "1"),
        ("0.5", "500m"),
        (".5", "500m"),
        ("5.", "5"),
        ("1024Mi", "1Gi"),
        ("1.5Gi", "1536Mi"),
        ("0.5Ki", "512"),
        ("1000Ki", "1000Ki"),
        ("1e3", "1e3"),
        ("1E2", "100"),
        ("129e6", "129e6"),
        ("5k", "5k"),
        ("1000k", "1M"),
        ("+5", "+5"),
        ("-1", "-1"),
        ("0", "0"),
        ("0Mi", "0"),
        ("128974848", "128974848"),
        ("1000000000000Ei", "9223372036854775807"),
        ("0.0000000001", "1n"),
        ("1e-999999", "1e-9"),
        ("1e999999", "9223372036854775807"),
    ],
)
def test_an_amount_is_written_as_the_server_does(text: str, wanted: str) -> None:
    assert canonical(text) == wanted


@pytest.mark.parametrize("text", ["", "abc", "1Zi", "1 Gi", "1.2.3", "--1", "Gi", "e3", "٣", "1\n", "1" * 300])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="quantities must match"):
        canonical(text)


_SUFFIXES = st.sampled_from(
    ["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "e3", "E-2"]
)
_AMOUNTS = st.builds(
    lambda sign, number, suffix: f"{sign}{number}{suffix}",
    st.sampled_from(["", "+", "-"]),
    st.decimals(0, 10**12, places=4).map(lambda number: f"{number:f}"),
    _SUFFIXES,
)


@given(_AMOUNTS)
def test_another_spelling_is_the_same_amount_and_stays(text: str) -> None:
    spelling = canonical(text)
    assert value(spelling) == value(text)
    assert canonical(spelling) == spelling


def test_amounts_can_be_compared() -> None:
    assert value("1Gi") == Decimal(2**30)
    assert value("500m") < value("1")
