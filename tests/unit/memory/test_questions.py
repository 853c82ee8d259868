"""Questions that mean harm, and those in other scripts, get the specified result or are refused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from krate_gitops.errors import UsageError
from tests.unit.memory.conftest import Make
from tests.unit.memory.scripts import FILES
from tests.unit.memory.world import World, opened_world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with opened_world(tmp_path_factory.mktemp("requests"), FILES) as made:
        yield made


GRAPH_MODES = ("graph-only", "graph-and-grep")


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\n\t ",
        "a",
        "a b c",
        "!",
        "---",
        ". . .",
        "((((",
        "\u0301",
        "\u200b",
        "\u202e",
        "\U0001f680",
        "' \" ( * ~ ^ :",
    ],
    ids=ascii,
)
def test_a_text_without_a_word_of_two_letters_is_refused_where_records_are_asked_for(world: World, text: str) -> None:
    for mode in GRAPH_MODES:
        with pytest.raises(UsageError) as error:
            world.ask(text, mode=mode)
        assert error.value.code == "INVALID_REQUEST"


@pytest.mark.parametrize("text", ["", "  ", "\n"])
def test_lines_need_some_text_at_least(world: World, text: str) -> None:
    for asked in ({}, {"regex": True}):
        with pytest.raises(UsageError):
            world.ask(text, mode="grep-only", **asked)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("\U0001f680", "notes/n.md"),
        ("(thing)", "notes/n.md"),
        ('"quoted"', "notes/n.md"),
        ("* ~ ^ :", "notes/n.md"),
        ("(", "notes/n.md"),
        ("AND OR NOT", "runbooks/a.md"),
        ("שלום", "runbooks/a.md"),
        ("مرحبا", "runbooks/a.md"),
        ("CAFÉ", "runbooks/a.md"),
        ("cafe\u0301", "notes/n.md"),
        ("*", "notes/n.md"),
    ],
)
def test_lines_hold_what_is_asked_for_character_by_character(world: World, text: str, path: str) -> None:
    found = world.ask(text, mode="grep-only").excerpts
    assert path in [excerpt.path for excerpt in found]
    for excerpt in found:
        for match in excerpt.matches:
            line = excerpt.text.split("\n")[match.line - excerpt.line_start]
            assert line[match.start : match.end].lower() in text.lower()


@pytest.mark.parametrize(
    "text",
    [
        'refund AND "payments" OR (NOT x)',
        "title:refund^2 body:~",
        "refund* payme?ts",
        "+refund -payments",
        "{!func} refund",
        "refund' OR 1=1 --",
        "refund\\",
    ],
)
def test_query_languages_are_only_words(world: World, text: str) -> None:
    for mode in (*GRAPH_MODES, "grep-only"):
        assert {"service:api", "runbook:a"} & set(world.ids(text, mode=mode)) or mode == "grep-only"
        world.ask(text, mode=mode)


@pytest.mark.parametrize("text", ["שלום", "مرحبا", "cafe\u0301", "CAFÉ", "refund \U0001f680"])
def test_every_script_finds_records(world: World, text: str) -> None:
    assert world.ids(text)


def test_words_of_scripts_with_marks_are_words() -> None:
    from krate_gitops.memory.grep import split_terms

    assert split_terms("हिन्दी भाषा") == ["हिन्दी", "भाषा"]
    assert split_terms("Cafe\u0301s") == ["cafe\u0301s"]
    assert split_terms("Refund-replay, v1.2 (a) _x_ -- a.b. refund-replay") == ["refund-replay", "v1.2", "a.b"]


@pytest.mark.parametrize(
    "text", ["x" * 1000, "refund " * 142, "a-b_c." * 166, "é" * 1000, "\U0001f600" * 998 + "ab", "refund\n" * 142]
)
def test_a_thousand_characters_are_answered(world: World, text: str) -> None:
    assert len(text) <= 1000
    for mode in (*GRAPH_MODES, "grep-only"):
        world.ask(text, mode=mode)


@pytest.mark.parametrize("text", ["x" * 1001, "word " * 5000], ids=["1001", "5000 words"])
def test_more_are_refused(world: World, text: str) -> None:
    with pytest.raises(UsageError, match="1000 characters"):
        world.ask(text)


@pytest.mark.parametrize(
    "pattern",
    [
        "(",
        "[",
        "a**",
        "a{2,1}",
        "(?<x>a",
        "\\",
        "(?=x)",
        "(a)\\1",
        "a{1001}",
        "((a{100}){100}){100}",
        "\\p{Nope}",
        "\\C\\8",
    ],
)
def test_patterns_that_cannot_be_used_are_refused(world: World, pattern: str) -> None:
    with pytest.raises(UsageError) as error:
        world.ask(pattern, mode="grep-only", regex=True)
    assert error.value.code == "INVALID_REQUEST"
    assert "pattern" in error.value.message


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "(a|a)*b", "(.*)*x", "(x+x+)+y", ".*.*.*.*=", "^(([a-z])+.)+[A-Z]([a-z])+$"]
)
def test_patterns_that_backtrack_elsewhere_take_linear_time_here(make: Make, pattern: str) -> None:
    world = make({"notes/a.md": "a" * 20_000 + "!\n" + "x" * 20_000 + "\n"})
    world.ask(pattern, mode="grep-only", regex=True)


def test_a_pattern_may_match_nothing_at_all_in_every_line(world: World) -> None:
    found = world.ask("q*", mode="grep-only", regex=True, max_matches=3, context_lines=0)
    assert sum(len(excerpt.matches) for excerpt in found.excerpts) == 3
    assert all(match.start == match.end == 0 for excerpt in found.excerpts for match in excerpt.matches)
    assert found.limits.truncated
    assert found.limits.reason == "item-limit"
