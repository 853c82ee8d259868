"""The table that types plain scalars, against the core schema of YAML 1.2."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krate_gitops.brain.model import Number
from krate_gitops.brain.scalars import resolve_plain


@pytest.mark.parametrize("source", ["", "~", "null", "Null", "NULL"])
def test_nulls(source: str) -> None:
    assert resolve_plain(source) is None


@pytest.mark.parametrize(
    ("source", "value"), [(s, s.lower() == "true") for s in ["true", "True", "TRUE", "false", "False", "FALSE"]]
)
def test_booleans(source: str, value: bool) -> None:
    assert resolve_plain(source) is value


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("0", 0), ("-0", 0), ("+0", 0), ("12", 12), ("+12", 12), ("-12", -12), ("007", 7), ("-007", -7), ("0777", 777),
        ("0o0", 0), ("0o17", 15), ("0o007", 7), ("0x0", 0), ("0xff", 255), ("0xFF", 255), ("0x00fF", 255),
        ("9007199254740991", 2**53 - 1), ("-9007199254740991", 1 - 2**53), ("0x1fffffffffffff", 2**53 - 1),
        ("0o377777777777777777", 2**53 - 1), ("0" * 9000 + "1", 1), ("0x" + "0" * 9000 + "1", 1),
    ],
)  # fmt: skip
def test_integers(source: str, value: int) -> None:
    assert resolve_plain(source) == value
    assert type(resolve_plain(source)) is int


@pytest.mark.parametrize(
    "source",
    [
        "1.0", "1.", ".5", "-.5", "+.5", "1e3", "1E3", "1e+3", "1e-3", "1.5e3", "5.e3", ".5e3", "12345e67", "1e400",
        "0.0", "-0.0",
        ".inf", ".Inf", ".INF", "-.inf", "+.Inf", ".nan", ".NaN", ".NAN", "09.5", "1.10",
        "9007199254740992", "-9007199254740992", "0x20000000000000", "0o400000000000000000", "1" * 5000,
        "0x" + "f" * 5000,
    ],
)  # fmt: skip
def test_other_numbers_keep_their_source(source: str) -> None:
    assert resolve_plain(source) == Number(source)


@pytest.mark.parametrize(
    "source",
    [
        "nULL", "none", "None", "yes", "Yes", "no", "on", "off", "y", "n", "tRUE", "t",
        "0b11", "0B1", "0O17", "0X1F", "-0x1F", "+0x1F", "-0o17", "0o8", "0o", "0x", "0xG", "1_000", "0_7", "1:30",
        "190:20:30",
        "2026-05-10", "+", "-", ".", "..", "e3", ".e3", "1e", "1e+", "1.2.3", "1.5e3.2", "--1", "+-1", "1-", "1 2",
        "inf", "nan",
        "-.nan", "+.nan", ".iNF", "٣", "１２", "1e٣", "−1", "1\u00a0", "=", "<<",
    ],
)  # fmt: skip
def test_everything_else_is_text(source: str) -> None:
    assert resolve_plain(source) == source


_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?(\.inf|\.Inf|\.INF)|\.nan|\.NaN|\.NAN")


@given(st.one_of(st.from_regex(r"[-+]?[0-9._oxeEaf+-]{0,12}", fullmatch=True), st.text(max_size=8)))
def test_the_table_is_the_two_patterns_of_the_specification(source: str) -> None:
    value = resolve_plain(source)
    if source in ("", "~", "null", "Null", "NULL"):
        assert value is None
    elif source.lower() in ("true", "false"):
        assert isinstance(value, bool) == (source in ("true", "True", "TRUE", "false", "False", "FALSE"))
    elif _INTEGER.fullmatch(source):
        base = {"0o": 8, "0x": 16}.get(source[:2], 10)
        expected = int(source[2:] if base != 10 else source, base)
        assert value == (expected if abs(expected) < 2**53 else Number(source))
    elif _FLOAT.fullmatch(source):
        assert value == Number(source)
    else:
        assert value == source
