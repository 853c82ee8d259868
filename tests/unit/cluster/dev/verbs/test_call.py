"""Warnings of an answer."""

from __future__ import annotations

from typing import Any, cast

from krate_gitops.cluster.dev.verbs.call import Call


def warned(*texts: str) -> list[str]:
    nothing = cast(Any, None)
    call = Call(nothing, nothing, nothing, nothing, "", "", "", [])
    for text in texts:
        call.warn(text)
    return call.warnings


def test_a_warning_is_given_once_and_in_one_line() -> None:
    assert warned("a", "b\nc", "a") == ["a", "b c"]


def test_no_warning_can_end_its_header() -> None:
    assert warned('unknown field "a\r"', "a\x00", "a\x85b", "ü") == ["ü"]


def test_warnings_have_bounded_room() -> None:
    found = warned(*(f'unknown field "spec.k{number}"' for number in range(20_000)))
    assert 0 < len(found) <= 64
    assert sum(map(len, warned(*(f"{number:0200}" for number in range(100))))) <= 4096
