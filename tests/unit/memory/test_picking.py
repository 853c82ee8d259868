"""What the user picks, leaves out, and reads by name."""

from __future__ import annotations

import pytest

from krate_gitops.errors import DeniedError, UsageError
from tests.unit.memory.conftest import Make
from tests.unit.memory.world import markdown, record

FILES: dict[str, str] = {
    "graph/services/api.yaml": record("Service", "service:api", title="Payments API", summary="Takes refunds"),
    "notes/n.md": "# Refund note\n\nAbout a refund.\n",
}

SELECTION = {
    "runbooks/b.md": markdown("Runbook", "runbook:b", "one\ntwo\nthree\nfour\n", title="Bee"),
    "notes/p.md": "# Pick\n\nalpha\nbeta\ngamma\n\ndelta alpha\n",
}


def test_picked_items_come_first_whatever_the_question(make: Make) -> None:
    found = make(FILES | SELECTION).ask("refund", include=("runbook:b", "notes/p.md:3-4", "notes/n.md"))
    items = sorted((*found.records, *found.excerpts, *found.documents), key=lambda item: item.rank)
    assert {item.why[0].criterion for item in items[:3]} == {"user-selected"}
    assert [(item.line_start, item.line_end, item.text) for item in found.excerpts if item.rank <= 3] == [
        (3, 4, "alpha\nbeta")
    ]
    assert [item.path for item in found.documents] == ["notes/n.md"]
    assert [item.id for item in found.records].count("runbook:b") == 1


@pytest.mark.parametrize(
    ("item", "lines"),
    [
        ("notes/p.md:3", (3, 3)),
        ("notes/p.md:0", (1, 1)),
        ("notes/p.md:5-2", (5, 5)),
        ("notes/p.md:6-999999999", (6, 7)),
        ("notes/p.md:7-7", (7, 7)),
    ],
)
def test_lines_are_picked_as_far_as_they_exist(make: Make, item: str, lines: tuple[int, int]) -> None:
    found = make(FILES | SELECTION).ask(mode="document-read", include=(item,)).excerpts
    assert [(excerpt.line_start, excerpt.line_end) for excerpt in found] == [lines]


def test_lines_behind_the_end_are_an_invalid_request(make: Make) -> None:
    with pytest.raises(UsageError, match="do not exist"):
        make(FILES | SELECTION).ask(mode="document-read", include=("notes/p.md:8",))


@pytest.mark.parametrize(
    "item",
    [
        "runbook:none",
        "notes/none.md",
        "notes/none.md:3",
        "notes/p.md:" + "9" * 5000,
        "",
        ":",
        "ontology/node-kinds.yaml",
    ],
)
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


def test_documents_are_read_whole_by_path_and_id_and_once(make: Make) -> None:
    world = make(FILES | SELECTION)
    found = world.ask(
        mode="document-read", document_paths=("runbooks/b.md", "notes/p.md"), document_ids=("runbook:b", "service:api")
    )
    assert sorted((item.path, item.id, item.title) for item in found.documents) == [
        ("graph/services/api.yaml", "service:api", "Payments API"),
        ("notes/p.md", None, "Pick"),
        ("runbooks/b.md", "runbook:b", "Bee"),
    ]
    assert {item.path: item.text for item in found.documents}["notes/p.md"] == SELECTION["notes/p.md"]
    assert not found.records
    assert not found.excerpts
    assert not found.denied


def test_a_picked_part_of_a_document_does_not_stand_for_it(make: Make) -> None:
    found = make(SELECTION).ask(mode="document-read", document_paths=("notes/p.md",), include=("notes/p.md:3",))
    assert len(found.documents) == len(found.excerpts) == 1


def test_a_document_that_is_no_text_is_said_not_to_be_readable(make: Make) -> None:
    found = make({"notes/bad.md": b"caf\xe9\n"}).ask(mode="document-read", document_paths=("notes/bad.md",))
    assert [denied.value for denied in found.denied] == ["notes/bad.md"]


def test_reading_needs_something_to_read(make: Make) -> None:
    with pytest.raises(UsageError, match="document-read needs"):
        make(FILES).ask("refund", mode="document-read")
