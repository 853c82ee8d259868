"""JSON read value by value: whole, broken, cut off, too large, too deep."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from krate_gitops.updates.imports.stream import CUT_OFF, NO_JSON, TOO_DEEP, TOO_LARGE, decode_one, lines, values

Told = list[tuple[int, str]]


def cut(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


def read(data: bytes, *, size: int = 7, most: int = 1_000_000, by_line: bool = False) -> tuple[list[Any], Told]:
    told: Told = []
    reader = lines if by_line else values
    found = [one.value for one in reader(cut(data, size), most=most, broken=lambda n, why: told.append((n, why)))]
    return found, told


EVENTS = [{"type": "A", "text": 'quotes " and \\ and é and \u2028'}, {"n": [1, 2, {"x": None}]}, 3, "x", [], {}]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 4096])
@pytest.mark.parametrize("text", [json.dumps(EVENTS), json.dumps(EVENTS, ensure_ascii=False, indent=3)])
def test_an_array_is_read_whatever_the_pieces(text: str, size: int) -> None:
    assert read(text.encode(), size=size) == (EVENTS, [])


@pytest.mark.parametrize("size", [1, 5, 4096])
def test_values_in_a_row_and_a_value_a_line_are_read(size: int) -> None:
    text = "\n".join(json.dumps(one) for one in EVENTS).encode()
    assert read(text, size=size) == (EVENTS, [])
    assert read(text, size=size, by_line=True) == (EVENTS, [])


def test_a_list_may_lie_in_an_object() -> None:
    assert read(b'{"events": [{"a": 1}, {"a": 2}], "more": true}', size=100) == ([{"a": 1}, {"a": 2}], [])


@pytest.mark.parametrize("size", [1, 4096])
def test_a_broken_item_is_passed_over(size: int) -> None:
    found, told = read(b'[{"a": 1}, {"a": }, {"b": "]},{"}, {"c" 1, "d": [1, {"e": "\\""}]}, {"f": 2}]', size=size)
    assert found == [{"a": 1}, {"b": "]},{"}, {"f": 2}]
    assert told == [(2, NO_JSON), (4, NO_JSON)]


@pytest.mark.parametrize("size", [1, 4096])
def test_a_broken_line_is_passed_over(size: int) -> None:
    text = b'{"a": 1}\nnot json\n\n{"b": \n{"c": 3}\r\n'
    assert read(text, size=size, by_line=True) == ([{"a": 1}, {"c": 3}], [(2, NO_JSON), (4, NO_JSON)])


def test_a_file_that_ends_in_the_middle_says_so() -> None:
    found, told = read(b'[{"a": 1}, {"b": "never clo')
    assert found == [{"a": 1}]
    assert (2, CUT_OFF) in told


@pytest.mark.parametrize("by_line", [False, True])
def test_a_value_that_is_too_large_is_passed_over(by_line: bool) -> None:
    items = [json.dumps({"n": n, "text": "x, ]}" * (200 if n == 1 else 1)}) for n in range(3)]
    text = ("\n".join(items) if by_line else f"[{','.join(items)}]").encode()
    found, told = read(text, most=300, by_line=by_line, size=50)
    assert [one["n"] for one in found] == [0, 2]
    assert told == [(2, TOO_LARGE)]


@pytest.mark.parametrize("by_line", [False, True])
def test_deep_values_are_passed_over(by_line: bool) -> None:
    deep = "[" * 50_000 + "]" * 50_000
    text = f'{{"a": 1}}\n{deep}\n{{"b": 2}}' if by_line else f'[{{"a": 1}}, {deep}, {{"b": 2}}]'
    found, told = read(text.encode(), size=4096, by_line=by_line)
    assert found == [{"a": 1}, {"b": 2}]
    assert told == [(2, TOO_DEEP)]


def test_bytes_that_are_no_text_are_replaced_and_told_once() -> None:
    found, told = read(b'[{"a": "na\x92ve"}, {"b": "\xff"}]', size=4096)
    assert found == [{"a": "na\ufffdve"}, {"b": "\ufffd"}]
    assert len(told) == 1


@pytest.mark.parametrize("size", [1, 3, 4096])
@pytest.mark.parametrize(
    "data", [b"[}", b"[}}]", b"[}, 1]", b"[[}]]", b'["', b"[,,]", b"[1", b"}{", b"[\\", b'[{"a"}}, 2]']
)
def test_reading_always_comes_to_an_end(data: bytes, size: int) -> None:
    found, told = read(data, size=size)
    assert len(found) + len(told) < 6


def test_the_source_of_the_last_value_is_known_too() -> None:
    pieces = (piece for piece in (b'{"a": 1} {"b"', b": 2}"))
    assert [one.source for one in values(pieces, most=99, broken=lambda *_: None)] == [b'{"a": 1}', b'{"b": 2}']


@pytest.mark.parametrize("data", [b"", b"   ", b"\xef\xbb\xbf", b"[]", b"[ ]", b"nonsense", b"}", b"\0\0\0"])
def test_nothing_comes_of_nothing(data: bytes) -> None:
    assert read(data)[0] == []


def test_a_byte_order_mark_is_no_value() -> None:
    assert read(b'\xef\xbb\xbf[{"a": 1}]') == ([{"a": 1}], [])


def test_the_source_of_a_value_is_its_text() -> None:
    text = '[ {"a":  "é"} , {"b": 1}]'
    found = [one.source for one in values(iter([text.encode()]), most=100, broken=lambda *_: None)]
    assert found == ['{"a":  "é"}'.encode(), b'{"b": 1}']


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b'{"a": NaN}', {"a": float("inf")}),
        (b'{"a": "x\ny"}', {"a": "x\ny"}),
        (b'\xef\xbb\xbf{"a": 1}\n', {"a": 1}),
        (b'{"a": "na\x92ve"}', {"a": "na\ufffdve"}),
        (b'{"a": "\\ud800"}', {"a": "\ud800"}),
    ],
)
def test_what_programs_write_beside_the_standard_is_read(data: bytes, value: Any) -> None:
    if b"NaN" in data:
        assert decode_one(data)["a"] != decode_one(data)["a"]
    else:
        assert decode_one(data) == value


def test_numbers_of_thousands_of_digits_break_nothing() -> None:
    found, _ = read(b'[{"a": 1}, {"n": ' + b"9" * 6_000 + b'}, {"b": 2}]', size=4096)
    assert {"a": 1} in found
    assert {"b": 2} in found
