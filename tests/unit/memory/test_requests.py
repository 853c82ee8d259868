"""Requests: what is refused, what is filled in, and questions that mean harm."""

from __future__ import annotations

from typing import Any

import pytest

from krate_gitops.errors import DeniedError, UsageError
from krate_gitops.memory.request import Documents, Graph, QueryRequest, checked
from tests.unit.memory.conftest import Make, Policy
from tests.unit.memory.world import World, markdown, opened_world, record, request

FILES = {
    "graph/services/api.yaml": record("Service", "service:api", title="Payments API", summary="Takes refunds and payments"),
    "runbooks/a.md": markdown("Runbook", "runbook:a", "AND OR NOT near a refund. Café au lait, שלום עולם, مرحبا.\n"),
    "notes/n.md": "# Emoji\n\nShip it \U0001f680 now. Cafe\u0301 in two pieces. a \"quoted\" (thing) * ~ ^ : here.\n",
    "notes/letters.md": "x\n" * 50,
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with opened_world(tmp_path_factory.mktemp("requests"), FILES) as made:
        yield made


@pytest.mark.parametrize(
    "asked",
    [
        {"edge_depth": 6}, {"edge_depth": -1}, {"max_matches": 0}, {"max_matches": 201}, {"context_lines": 6}, {"context_lines": -1},
        {"max_records": 201}, {"max_records": -1}, {"max_excerpts": 201}, {"max_excerpts": -1}, {"max_bytes": -1}, {"max_bytes": (1 << 30) + 1},
        {"direction": "sideways"}, {"intent": "fun"}, {"ranking_version": 99}, {"statuses": ("aproved",)}, {"mode": "fuzzy"},
        {"mode": "diff-ref"}, {"mode": "ontology-validation"}, {"kinds": ("\ud800",)}, {"paths": ("\udcff",)}, {"consumer": {"user": "\ud800"}},
        {"include": ("\udfff",)}, {"consumer": {"skills": ("\ud800",)}},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_out_of_range_or_unknown_is_an_invalid_request(world: World, asked: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as error:
        world.ask("refund", **asked)
    assert (error.value.code, error.value.exit_code) == ("INVALID_REQUEST", 2)


@pytest.mark.parametrize(
    "asked",
    [{"edge_depth": 0}, {"edge_depth": 5}, {"max_matches": 200, "context_lines": 5}, {"max_records": 200, "max_excerpts": 200}, {"max_bytes": 1 << 30}],
    ids=str,
)
def test_the_ends_of_each_range_are_allowed(world: World, asked: dict[str, Any]) -> None:
    assert world.ask("refund", **asked).records


def test_sets_are_sorted_and_without_repeats() -> None:
    found = checked(QueryRequest("x", graph=Graph(kinds=("b", "a", "b"), tags=("z", "y")), documents=Documents(("2", "1"), ("q", "p"))))
    assert (found.graph.kinds, found.graph.tags) == (("a", "b"), ("y", "z"))
    assert found.documents == Documents(("1", "2"), ("p", "q"))


def test_limits_of_the_policy_cap_those_of_the_request(make: Make, allow: Policy) -> None:
    chain = {f"graph/{n}.yaml": record("Service", f"service:{n}", title="Start" if n == 0 else f"S{n}", edges={"depends_on": [f"service:{n + 1}"]}) for n in range(5)}
    policy = allow({"include": ["**"], "maxContextBytes": 100, "readPolicy": {"maxDepth": 1}})
    found = make(chain).ask("start", policy, edge_depth=4, mode="graph-only")
    assert found.limits.max_bytes == 100 and found.limits.truncated
    assert len(found.records) + found.limits.omitted.records == 2


def test_the_mode_is_the_policys_where_none_is_asked_for(world: World, allow: Policy) -> None:
    policy = allow({"include": ["**"], "defaultQueryMode": "grep-only"})
    assert not world.ask("refund", policy).records and world.ask("refund", policy).excerpts
    assert world.ask("refund", policy, mode="graph-only").records


# Questions

GRAPH_MODES = ("graph-only", "graph-and-grep")


@pytest.mark.parametrize("text", ["", " ", "\n\t ", "a", "a b c", "!", "---", ". . .", "((((", "\u0301", "\u200b", "\u202e", "\U0001f680", "' \" ( * ~ ^ :"], ids=ascii)
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
        ("\U0001f680", "notes/n.md"), ("(thing)", "notes/n.md"), ('"quoted"', "notes/n.md"), ("* ~ ^ :", "notes/n.md"), ("(", "notes/n.md"),
        ("AND OR NOT", "runbooks/a.md"), ("שלום", "runbooks/a.md"), ("مرحبا", "runbooks/a.md"), ("CAFÉ", "runbooks/a.md"),
        ("cafe\u0301", "notes/n.md"), ("*", "notes/n.md"),
    ],
)  # fmt: skip
def test_lines_hold_what_is_asked_for_character_by_character(world: World, text: str, path: str) -> None:
    found = world.ask(text, mode="grep-only").excerpts
    assert path in [excerpt.path for excerpt in found]
    for excerpt in found:
        for match in excerpt.matches:
            line = excerpt.text.split("\n")[match.line - excerpt.line_start]
            assert line[match.start : match.end].lower() in text.lower()


@pytest.mark.parametrize(
    "text",
    ['refund AND "payments" OR (NOT x)', "title:refund^2 body:~", "refund* payme?ts", "+refund -payments", "{!func} refund", "refund' OR 1=1 --", "refund\\"],
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


@pytest.mark.parametrize("text", ["x" * 1000, "refund " * 142, "a-b_c." * 166, "é" * 1000, "\U0001f600" * 998 + "ab", "refund\n" * 142])
def test_a_thousand_characters_are_answered(world: World, text: str) -> None:
    assert len(text) <= 1000
    for mode in (*GRAPH_MODES, "grep-only"):
        world.ask(text, mode=mode)


@pytest.mark.parametrize("text", ["x" * 1001, "word " * 5000], ids=["1001", "5000 words"])
def test_more_are_refused(world: World, text: str) -> None:
    with pytest.raises(UsageError, match="1000 characters"):
        world.ask(text)


@pytest.mark.parametrize("pattern", ["(", "[", "a**", "a{2,1}", "(?<x>a", "\\", "(?=x)", "(a)\\1", "a{1001}", "((a{100}){100}){100}", "\\p{Nope}", "\\C\\8"])
def test_patterns_that_cannot_be_used_are_refused(world: World, pattern: str) -> None:
    with pytest.raises(UsageError) as error:
        world.ask(pattern, mode="grep-only", regex=True)
    assert error.value.code == "INVALID_REQUEST"
    assert "pattern" in error.value.message


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*b", "(.*)*x", "(x+x+)+y", ".*.*.*.*=", "^(([a-z])+.)+[A-Z]([a-z])+$"])
def test_patterns_that_backtrack_elsewhere_take_linear_time_here(make: Make, pattern: str) -> None:
    world = make({"notes/a.md": "a" * 20_000 + "!\n" + "x" * 20_000 + "\n"})
    world.ask(pattern, mode="grep-only", regex=True)


def test_a_pattern_may_match_nothing_at_all_in_every_line(world: World) -> None:
    found = world.ask("q*", mode="grep-only", regex=True, max_matches=3, context_lines=0)
    assert sum(len(excerpt.matches) for excerpt in found.excerpts) == 3
    assert all(match.start == match.end == 0 for excerpt in found.excerpts for match in excerpt.matches)
    assert found.limits.truncated and found.limits.reason == "item-limit"


# What the user picks

SELECTION = {"runbooks/b.md": markdown("Runbook", "runbook:b", "one\ntwo\nthree\nfour\n", title="Bee"), "notes/p.md": "# Pick\n\nalpha\nbeta\ngamma\n\ndelta alpha\n"}


def test_picked_items_come_first_whatever_the_question(make: Make) -> None:
    found = make(FILES | SELECTION).ask("refund", include=("runbook:b", "notes/p.md:3-4", "notes/n.md"))
    items = sorted((*found.records, *found.excerpts, *found.documents), key=lambda item: item.rank)
    assert {item.why[0].criterion for item in items[:3]} == {"user-selected"}
    assert [(item.line_start, item.line_end, item.text) for item in found.excerpts if item.rank <= 3] == [(3, 4, "alpha\nbeta")]
    assert [item.path for item in found.documents] == ["notes/n.md"]
    assert [item.id for item in found.records].count("runbook:b") == 1


@pytest.mark.parametrize(
    ("item", "lines"),
    [("notes/p.md:3", (3, 3)), ("notes/p.md:0", (1, 1)), ("notes/p.md:5-2", (5, 5)), ("notes/p.md:6-999999999", (6, 7)), ("notes/p.md:7-7", (7, 7))],
)
def test_lines_are_picked_as_far_as_they_exist(make: Make, item: str, lines: tuple[int, int]) -> None:
    found = make(FILES | SELECTION).ask(mode="document-read", include=(item,)).excerpts
    assert [(excerpt.line_start, excerpt.line_end) for excerpt in found] == [lines]


def test_lines_behind_the_end_are_an_invalid_request(make: Make) -> None:
    with pytest.raises(UsageError, match="do not exist"):
        make(FILES | SELECTION).ask(mode="document-read", include=("notes/p.md:8",))


@pytest.mark.parametrize("item", ["runbook:none", "notes/none.md", "notes/none.md:3", "notes/p.md:" + "9" * 5000, "", ":", "ontology/node-kinds.yaml"])
def test_picking_what_is_not_there_or_not_readable_is_denied_alike(make: Make, item: str) -> None:
    with pytest.raises(DeniedError) as error:
        make(FILES | SELECTION).ask("refund", include=(item,))
    assert (error.value.code, error.value.exit_code, error.value.location) == ("POLICY_DENIED", 4, item)


def test_picking_a_file_that_is_no_text_is_not_passed_over(make: Make) -> None:
    with pytest.raises(DeniedError):
        make({"notes/bad.md": b"caf\xe9\n"}).ask("refund", include=("notes/bad.md",))


def test_left_out_ids_paths_and_lines_stay_away(make: Make) -> None:
    world = make(SELECTION | {"notes/q.md": "# Other\n\nalpha\n"})
    assert world.lines("alpha", context_lines=0) == ["notes/q.md:3-3", "notes/p.md:3-3", "notes/p.md:7-7"]
    assert world.lines("alpha", context_lines=0, exclude=("notes/q.md",)) == ["notes/p.md:3-3", "notes/p.md:7-7"]
    assert world.lines("alpha", context_lines=0, exclude=("notes/p.md:6-7",)) == ["notes/q.md:3-3", "notes/p.md:3-3"]
    assert world.lines("alpha", context_lines=1, exclude=("notes/p.md:2",)) == ["notes/q.md:2-3", "notes/p.md:6-7"]
    assert world.ids("bee") == ["runbook:b"]
    for item in ("runbook:b", "runbooks/b.md"):
        assert world.ids("bee", exclude=(item,)) == []
        assert world.lines("bee", exclude=(item,)) == []
    found = world.ask(mode="document-read", document_paths=("notes/p.md", "notes/q.md"), exclude=("notes/q.md",))
    assert [document.path for document in found.documents] == ["notes/p.md"]
    assert not found.denied


def test_what_is_left_out_and_picked_is_picked(make: Make) -> None:
    assert make(SELECTION).ids("bee", include=("runbook:b",), exclude=("runbook:b",)) == ["runbook:b"]


# Documents

def test_documents_are_read_whole_by_path_and_id_and_once(make: Make) -> None:
    world = make(FILES | SELECTION)
    found = world.ask(mode="document-read", document_paths=("runbooks/b.md", "notes/p.md"), document_ids=("runbook:b", "service:api"))
    assert sorted((item.path, item.id, item.title) for item in found.documents) == [
        ("graph/services/api.yaml", "service:api", "Payments API"), ("notes/p.md", None, "Pick"), ("runbooks/b.md", "runbook:b", "Bee"),
    ]  # fmt: skip
    assert {item.path: item.text for item in found.documents}["notes/p.md"] == SELECTION["notes/p.md"]
    assert not found.records and not found.excerpts and not found.denied


def test_a_picked_part_of_a_document_does_not_stand_for_it(make: Make) -> None:
    found = make(SELECTION).ask(mode="document-read", document_paths=("notes/p.md",), include=("notes/p.md:3",))
    assert len(found.documents) == len(found.excerpts) == 1


def test_a_document_that_is_no_text_is_said_not_to_be_readable(make: Make) -> None:
    found = make({"notes/bad.md": b"caf\xe9\n"}).ask(mode="document-read", document_paths=("notes/bad.md",))
    assert [denied.value for denied in found.denied] == ["notes/bad.md"]


def test_reading_needs_something_to_read(world: World) -> None:
    with pytest.raises(UsageError, match="document-read needs"):
        world.ask("refund", mode="document-read")


def test_requests_of_tests_reach_the_field_they_name() -> None:
    asked = request("t", kinds=("K",), paths=("p",), document_ids=("i",), max_bytes=7, consumer={"user": "u"})
    assert (asked.graph.kinds, asked.grep.paths, asked.documents.ids) == (("K",), ("p",), ("i",))
    assert (asked.limits.max_bytes, asked.consumer.user) == (7, "u")
