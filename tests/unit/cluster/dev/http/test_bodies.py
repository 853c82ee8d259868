"""Bodies: what is read, what is found twice, and what is refused."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krate_gitops.cluster.dev.http.bodies import UnreadableError, read_json, read_yaml


def test_yaml_is_yaml_1_1_with_keys_of_text() -> None:
    value, repeated = read_yaml(b"on: 'yes'\nn: \"1\"\n5: x\nd: 2001-01-01\ns: 1:30\n~: z\n")
    assert value == {"true": "yes", "false": "1", "5": "x", "d": "2001-01-01", "s": "1:30", "null": "z"}
    assert repeated == []


def test_only_the_first_document_counts() -> None:
    assert read_yaml(b"a: 1\n---\nb: 2\n")[0] == {"a": 1}


def test_an_empty_document_is_nothing() -> None:
    assert read_yaml(b"")[0] is None


def test_repeated_fields_are_named_by_their_paths() -> None:
    body = b'{"a": 1, "b": {"c": [{"d": 1, "d": 2}]}, "a": 2}'
    assert read_json(body) == ({"a": 2, "b": {"c": [{"d": 2}]}}, ["b.c[0].d", "a"])


@pytest.mark.parametrize("body", [b"", b"{", b"[1,]", b"NaN", b'{"a": Infinity}', b"{} {}", b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(UnreadableError):
        read_json(body)


@pytest.mark.parametrize("body", [b"a: [", b"{a: b", b"[a]: b", b"a: *b", b"[" * 50_000])
def test_what_is_no_yaml_is_refused(body: bytes) -> None:
    with pytest.raises(UnreadableError):
        read_yaml(body)


def test_tags_mean_nothing() -> None:
    assert read_yaml(b"!!python/object:os.system {a: b}")[0] == {"a": "b"}


def test_a_small_text_does_not_become_a_large_object() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(UnreadableError, match="aliasing"):
        read_yaml("\n".join(lines).encode())


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    for read in (read_json, read_yaml):
        with contextlib.suppress(UnreadableError):
            read(body)


def test_half_characters_are_replaced_and_whole_ones_are_not() -> None:
    assert read_json(b'{"\\ud800":"a\\uDfffb"}')[0] == {"\ufffd": "a\ufffdb"}
    assert read_json(b'["\\ud83d\\ude00"]')[0] == ["\U0001f600"]
    assert read_json(b'["\xed\xa0\x80"]')[0][0].encode()
    assert read_yaml(b'a: "\\ud800 \\U0000dfff"')[0] == {"a": "\ufffd \ufffd"}


def test_a_text_may_be_wide_and_not_deep() -> None:
    assert read_json(b"[" + b"[]," * 5000 + b"1]")[0][-1] == 1
    with pytest.raises(UnreadableError, match="max depth"):
        read_json(b"[" * 300 + b"]" * 300)
    with pytest.raises(UnreadableError):
        read_json(b'{"a":' * 100_000 + b"1" + b"}" * 100_000)
