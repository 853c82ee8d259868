"""What is told of a change, place by place."""

from __future__ import annotations

import pytest

from krate_gitops.updates.merge.places import PlaceChange, changed_places
from tests.unit.updates.merge.test_files import PAGE, RECORD, of_page, of_record


def told(path: str, before: str | None, after: str | None) -> list[tuple[str, str, str | None, str | None]]:
    """The places of a change, with its kind and texts."""
    sides = (None if text is None else text.encode() for text in (before, after))
    return [(one.place, one.change, one.old, one.new) for one in changed_places(path, *sides)]


def test_fields_items_and_edges_are_told_one_by_one() -> None:
    after = of_record(
        ('"Ledger"', '"The ledger"'),
        ("[payments, ledger]", "[ledger, books]"),
        ("1.10", "1.1"),
        ("note: settlement", "note: fees"),
        ("- service:queue", "- service:jobs"),
        ("Second line.", "Line two."),
    )
    assert told("a.yaml", RECORD, after) == [
        ("attributes.title", "changed", "Ledger", "The ledger"),
        ("attributes.tags[payments]", "removed", "payments", None),
        ("attributes.tags[books]", "added", None, "books"),
        ("attributes.version", "changed", "1.10", "1.1"),
        ("attributes.notes", "changed", "Second line.", "Line two."),
        ("edges.depends_on[service:fx].note", "changed", "settlement", "fees"),
        ("edges.depends_on[service:jobs]", "added", None, "service:jobs"),
        ("edges.depends_on[service:queue]", "removed", "service:queue", None),
    ]


def test_fields_and_lines_of_a_page_are_told() -> None:
    after = of_page(("title: Replay", "title: Again"), ("Two.", "2.\n2a."), ("# Replay\n\n", ""))
    assert told("a.md", PAGE, after) == [
        ("title", "changed", "Replay", "Again"),
        ("body:10-11", "removed", "# Replay\n", None),
        ("body:12-13", "changed", "Two.", "2.\n2a."),
    ]


def test_an_edge_in_another_form_is_no_change() -> None:
    after = of_record(("    - service:queue", "    - target: service:queue"))
    assert told("a.yaml", RECORD, after) == [
        ("lines:19", "changed", "    - service:queue", "    - target: service:queue")
    ]


def test_a_change_that_means_nothing_is_told_by_its_lines() -> None:
    assert told("a.yaml", RECORD, of_record(("# short", "# brief"))) == [
        ("lines:5", "changed", '  title: "Ledger"  # short', '  title: "Ledger"  # brief')
    ]
    assert told("a.yaml", RECORD, RECORD.replace("\n", "\r\n")) == []


def test_items_of_a_list_of_maps_are_told_by_their_names() -> None:
    before = "id: a\nrooms:\n- {id: x, n: 1}\n- {id: y}\n"
    after = "id: a\nrooms:\n- {id: z}\n- {id: x, n: 2}\n"
    assert told("a.yaml", before, after) == [
        ("rooms[z]", "added", None, "{id: z}"),
        ("rooms[x].n", "changed", "1", "2"),
        ("rooms[y]", "removed", "{id: y}", None),
    ]


def test_a_record_among_others_is_named() -> None:
    before = "id: a\nx: 1\n---\nid: b\nx: 1\n"
    assert told("a.yaml", before, "id: a\nx: 1\n---\nid: b\nx: 2\n---\nid: c\n") == [
        ("b#x", "changed", "1", "2"),
        ("c#id", "added", None, "c"),
    ]


def test_a_new_and_a_deleted_file_are_told_whole_and_by_field() -> None:
    text = "---\nid: a\n---\none\ntwo\n"
    assert told("a.md", None, text) == [
        ("", "added", None, None),
        ("id", "added", None, "a"),
        ("body:4-5", "added", None, "one\ntwo"),
    ]
    assert told("a.md", text, None) == [
        ("", "removed", None, None),
        ("id", "removed", "a", None),
        ("body:4-5", "removed", "one\ntwo", None),
    ]


@pytest.mark.parametrize("path", ["a.txt", "a.yaml"])
def test_what_is_no_record_is_told_by_line(path: str) -> None:
    assert told(path, "x: [\nb\n", "x: [\nc\n") == [("lines:2", "changed", "b", "c")]


def test_what_is_no_text_is_told_by_its_size() -> None:
    assert changed_places("a.yaml", b"\xff", b"id: a") == (PlaceChange("", "changed", "1 bytes", "5 bytes"),)
    assert changed_places("a.yaml", b"\xff", b"\xff") == ()
