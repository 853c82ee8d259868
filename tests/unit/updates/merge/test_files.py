"""What a three-way merge of a file comes to, and what it tells where both sides can't be had."""

from __future__ import annotations

import pytest

from krate_gitops.updates.merge.files import MAX_MERGED_BYTES, merge_file

RECORD = """\
# Kept by the payments team.
nodeKind: Service
id: service:ledger
attributes:
  title: "Ledger"  # short
  status: approved
  owners: ["team:core"]
  updatedAt: 2026-06-02T09:15:00Z
  tags: [payments, ledger]
  version: 1.10
  notes: |
    First line.
    Second line.
    Third line.
edges:
  depends_on:
    - target: service:fx
      note: settlement
    - service:queue
  owned_by: team:core
"""
PAGE = """\
---
id: runbook:replay
kind: Runbook
title: Replay
status: approved
related:
  depends_on: [service:ledger]
updatedAt: 2026-06-02T09:15:00Z
---
# Replay

One.

Two.

Three.
"""
RETIRE = ("status: approved", "status: deprecated")


def edited(text: str, *edits: tuple[str, str]) -> str:
    """The text with each first part replaced by the second; it must be there."""
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    return text


def merged(base: str, ours: str, theirs: str, path: str = "graph/a.yaml") -> str:
    """The text of a merge that is clean."""
    result = merge_file(path, base.encode(), ours.encode(), theirs.encode())
    assert result.conflicts == ()
    assert result.content is not None
    return result.content.decode()


def told(base: str | None, ours: str | None, theirs: str | None, path: str = "graph/a.yaml") -> list[tuple[str, ...]]:
    """Reason, place, and the texts seen, current and proposed of each conflict; what is left must be theirs there."""
    sides = (None if text is None else text.encode() for text in (base, ours, theirs))
    return [
        (one.reason, one.place, one.observed or "-", one.current or "-", one.proposed or "-")
        for one in merge_file(path, *sides).conflicts
    ]


def of_record(*edits: tuple[str, str]) -> str:
    """The record after edits."""
    return edited(RECORD, *edits)


def of_page(*edits: tuple[str, str]) -> str:
    """The page after edits."""
    return edited(PAGE, *edits)


@pytest.mark.parametrize("path", ["a.yaml", "a.md", "a.txt"])
@pytest.mark.parametrize("other", [b"x: 1\r\n", b"\xff\x00", b"", None])
def test_where_one_side_changed_nothing_the_other_is_taken_byte_for_byte(path: str, other: bytes | None) -> None:
    base = b"x:   0"
    assert (
        merge_file(path, base, other, base)
        == merge_file(path, base, base, other)
        == merge_file(path, base, other, other)
    )
    assert merge_file(path, base, other, base).content == other


def test_fields_that_stand_side_by_side_are_merged() -> None:
    ours, theirs = ('title: "Ledger"', 'title: "The ledger"'), ("status: approved", "status: draft")
    assert merged(RECORD, of_record(ours), of_record(theirs)) == of_record(ours, theirs)


def test_edges_appended_at_one_place_both_arrive_as_they_were_written() -> None:
    ours = of_record(("service:queue\n", "service:queue\n    - {target: service:a, note: why}  # ours\n"))
    theirs = of_record(("service:queue\n", "service:queue\n    # theirs\n    - service:b\n"))
    assert "service:b\n    - {target: service:a, note: why}  # ours\n  owned_by" in merged(RECORD, ours, theirs)


def test_tags_appended_by_both_are_a_set() -> None:
    ours = of_record(("[payments, ledger]", "[payments, ledger, money, books]"))
    theirs = of_record(("[payments, ledger]", "[payments, money]"))
    assert "  tags: [payments, money, books]\n" in merged(RECORD, ours, theirs)


def test_an_edge_that_both_added_is_there_once_with_the_attributes_of_both() -> None:
    ours = of_record(("- service:queue", "- target: service:queue\n      note: jobs"))
    theirs = of_record(("- service:queue", "- target: service:queue\n      since: 2026-01-02T03:04:05Z"))
    text = merged(RECORD, ours, theirs)
    assert text.count("service:queue") == 1
    assert "note: jobs" in text
    assert "since: 2026-01-02T03:04:05Z" in text


def test_edges_in_the_form_of_one_list_are_told_apart_by_kind_and_target() -> None:
    base = "id: a\nedges:\n- {kind: needs, target: b}\n- {kind: uses, target: b, note: x}\n"
    ours = edited(base, ("- {kind: uses, target: b, note: x}\n", "- {kind: uses, target: b, note: x, n: 1}\n"))
    theirs = edited(base, ("note: x}", "note: y}"), ("- {kind: needs, target: b}\n", ""))
    assert merged(base, ours, theirs) == "id: a\nedges:\n- {kind: uses, target: b, note: y, n: 1}\n"


def test_edges_of_ours_in_another_form_are_put_into_the_form_of_theirs() -> None:
    base = "id: a\nedges:\n  needs: [b]\nend: 1\n"
    ours = "id: a\nedges:\n  - {kind: needs, target: b}\n  - {kind: uses, target: c}\nend: 1\n"
    theirs = "id: a\nedges:\n  needs: [b, d]\nend: 1\n"
    assert merged(base, ours, theirs) == "id: a\nedges:\n  needs: [b, d]\n  uses:\n    - c\nend: 1\n"


def test_the_later_update_time_stands() -> None:
    later, latest = ("09:15:00Z", "10:15:00Z"), ("09:15:00Z", "12:30:00+01:00")
    for ours, theirs in ((later, latest), (latest, later)):
        assert merged(RECORD, of_record(ours), of_record(theirs)) == of_record(latest)
        assert merged(PAGE, of_page(ours), of_page(theirs), "a.md") == of_page(latest)


def test_a_number_keeps_its_text() -> None:
    ours = of_record(("version: 1.10", "version: 1.1"), ("status: approved", "status: draft"))
    theirs = of_record(("tags: [payments, ledger]", "tags: []"), ('title: "Ledger"', 'title: "L"'))
    text = merged(RECORD, ours, theirs)
    assert "  tags: []\n  version: 1.1\n" in text


def test_lines_of_a_text_are_merged_by_line() -> None:
    ours, theirs = ("First line.", "Line one."), ("Third line.", "Line three.")
    assert merged(RECORD, of_record(ours), of_record(theirs)) == of_record(ours, theirs)


def test_what_only_changes_comments_and_quotes_is_kept() -> None:
    ours = (('"Ledger"  # short', "Ledger  # brief"),)
    theirs = (("note: settlement", "note: settles"),)
    assert merged(RECORD, of_record(*ours), of_record(*theirs)) == of_record(*ours, *theirs)


def test_a_line_merge_that_would_repeat_an_item_is_not_taken() -> None:
    base = "id: a\ntags:\n  - x\n  - y\n  - z\n"
    ours, theirs = base.replace("  - x\n", "  - n\n  - x\n"), base.replace("  - z\n", "  - z\n  - n\n")
    assert merged(base, ours, theirs).count("- n") == 1


def test_a_line_merge_that_would_repeat_a_key_is_not_taken() -> None:
    base = "id: a\nx: 1\ny: 1\nz: 1\n"
    result = told(base, base.replace("x: 1", "n: 1\nx: 1"), base.replace("z: 1", "z: 1\nn: 2"))
    assert result == [("ConflictWithCurrent", "n", "-", "2", "1")]


def test_records_of_one_file_are_merged_by_id() -> None:
    base = "id: a\nx: 1\n---\nid: b\nx: 1\n---\nid: c\nx: 1\n"
    ours = "id: a\nx: 2\n---\nid: b\nx: 1\n---\nid: c\nx: 1\n---\nid: o\n"
    theirs = "id: c\nx: 1\ny: 1\n---\nid: a\nx: 1\ny: 1\n---\nid: t\n"
    assert merged(base, ours, theirs) == "id: c\nx: 1\ny: 1\n---\nid: a\nx: 2\ny: 1\n---\nid: t\n---\nid: o\n"


def test_a_conflict_names_the_field_and_the_three_values() -> None:
    ours = of_record(('"Ledger"', '"Ours"'), ("[payments, ledger]", "[payments]"))
    theirs = of_record(('"Ledger"', '"Theirs"'), ("note: settlement", "note: fees"))
    result = merge_file("graph/a.yaml", RECORD.encode(), ours.encode(), theirs.encode())
    assert told(RECORD, ours, theirs) == [("ConflictWithCurrent", "attributes.title", "Ledger", "Theirs", "Ours")]
    assert result.content == edited(theirs, ("[payments, ledger]", "[payments]")).encode()
    assert result.conflicts[0].path == "graph/a.yaml"


def test_a_conflict_names_an_attribute_of_an_edge() -> None:
    ours, theirs = of_record(("note: settlement", "note: o")), of_record(("note: settlement", "note: t"))
    place = "edges.depends_on[service:fx].note"
    assert told(RECORD, ours, theirs) == [("ConflictWithCurrent", place, "settlement", "t", "o")]


def test_an_edge_taken_out_by_one_side_and_changed_by_the_other_conflicts() -> None:
    ours = of_record(("    - target: service:fx\n      note: settlement\n", ""))
    theirs = of_record(("note: settlement", "note: t"))
    seen, now = "{target: service:fx, note: settlement}", "{target: service:fx, note: t}"
    place = "edges.depends_on[service:fx]"
    assert told(RECORD, ours, theirs) == [("ConflictWithCurrent", place, seen, now, "-")]
    assert told(RECORD, theirs, ours) == [("ConflictWithCurrent", place, seen, "-", now)]


def test_a_single_target_that_both_replaced_conflicts() -> None:
    ours, theirs = (
        of_record(("owned_by: team:core", "owned_by: team:o")),
        of_record(("owned_by: team:core", "owned_by: team:t")),
    )
    assert told(RECORD, ours, theirs) == [("ConflictWithCurrent", "edges.owned_by", "team:core", "team:t", "team:o")]


def test_an_item_that_both_gave_another_name_conflicts() -> None:
    base = "id: a\nrooms:\n  - id: x\n    n: 1\n  - id: y\n"
    assert told(base, base.replace("id: x", "id: o"), base.replace("id: x", "id: t")) == [
        ("ConflictWithCurrent", "rooms[0].id", "x", "t", "o")
    ]


def test_a_conflict_of_a_record_among_others_names_it() -> None:
    base = "id: a\nx: 1\n---\nid: b\nx: 1\n"
    assert told(base, base.replace("b\nx: 1", "b\nx: 2"), base.replace("b\nx: 1", "b\nx: 3"))[0][1] == "b#x"


def test_a_conflict_in_the_body_names_lines_of_the_file() -> None:
    ours, theirs = of_page(("One.", "Ours.")), of_page(("One.", "Theirs.\nMore."), ("Three", "3"))
    result = merge_file("a.md", PAGE.encode(), ours.encode(), theirs.encode())
    assert [(one.place, one.current) for one in result.conflicts] == [("body:12-13", "Theirs.\nMore.")]
    assert theirs.split("\n")[11:13] == ["Theirs.", "More."]
    assert result.content == theirs.encode()


def test_a_comment_that_would_be_lost_conflicts() -> None:
    ours, theirs = of_record(("payments team", "ledger team")), of_record(("payments team", "money team"))
    assert [one[:2] for one in told(RECORD, ours, theirs)] == [("ConflictWithCurrent", "lines:1")]


@pytest.mark.parametrize("status", ["deprecated", "archived"])
@pytest.mark.parametrize(("text", "path", "place"), [(RECORD, "a.yaml", "attributes.status"), (PAGE, "a.md", "status")])
def test_a_record_that_was_retired_since_is_a_conflict(text: str, path: str, place: str, status: str) -> None:
    title = "Ledger" if path == "a.yaml" else "title: Replay"
    ours, theirs = text.replace(title, title + " new"), edited(text, ("status: approved", f"status: {status}"))
    assert told(text, ours, theirs, path) == [("RetiredSince", place, "approved", status, "approved")]
    assert told(text, theirs, theirs, path) == []
    assert told(theirs, edited(theirs, (title, title + " new")), theirs + "# more\n", path) == []


def test_a_change_of_the_body_alone_conflicts_with_a_record_that_was_retired_since() -> None:
    assert told(PAGE, of_page(("One.", "1.")), of_page(RETIRE), "a.md")[0][0] == "RetiredSince"


def test_a_note_that_became_a_retired_record_is_a_conflict() -> None:
    note = "One.\n\nTwo.\n\nThree.\n"
    assert told(note, note.replace("Three", "3"), "---\nstatus: archived\n---\n" + note, "a.md")[0][0] == "RetiredSince"


def test_a_new_order_arrives_though_its_lines_clash() -> None:
    base = "id: a\nsteps: [one, two, three]\nnext: x\n"
    ours, theirs = base.replace("one, two", "two, one"), base.replace("next: x", "next: y\nmore: z")
    assert merged(base, ours, theirs) == "id: a\nsteps: [two, one, three]\nnext: y\nmore: z\n"


def test_a_retired_record_among_others_concerns_only_those_who_change_it() -> None:
    base = "id: a\nattributes: {status: approved}\n---\nid: b\nattributes: {status: approved}\n"
    theirs = base.replace("id: b\nattributes: {status: approved}", "id: b\nattributes: {status: archived}")
    assert told(base, base.replace("id: a\n", "id: a\nn: 1\n"), theirs) == []
    assert told(base, base.replace("id: b\n", "id: b\nn: 1\n"), theirs)[0][:2] == (
        "RetiredSince",
        "b#attributes.status",
    )


def test_what_is_gone_or_changed_since_or_was_made_twice_is_a_conflict() -> None:
    changed = of_record(RETIRE)
    assert told(RECORD, changed, None)[0][:2] == ("DeletedSince", "")
    assert told(RECORD, None, changed)[0][:2] == ("ChangedSince", "")
    assert told(None, RECORD, changed)[0][:2] == ("CreatedSince", "")
    assert merge_file("a.yaml", b"a: 1", b"a: 2", None).content is None
    assert merge_file("a.yaml", b"a: 1", None, b"a: 2").content == b"a: 2"
    base = "id: a\n---\nid: b\n"
    assert told(base, "id: a\n", "id: a\n---\nid: b\nx: 1\n")[0][:2] == ("ChangedSince", "b")
    assert told(base, "id: a\n---\nid: b\nx: 1\n", "id: a\n")[0][:2] == ("DeletedSince", "b")
    assert told(base, base + "---\nid: c\nx: 1\n", base + "---\nid: c\nx: 2\n")[0][:2] == ("CreatedSince", "c")


def test_what_was_made_twice_with_one_meaning_is_that_of_theirs() -> None:
    for path, ours, theirs in (
        ("a.yaml", b"id: a\nn: [x, y]\n", b"n: [y, x]  # set\r\nid: 'a'"),
        ("a.md", b"---\nid: a\nn: 1\n---\nb\n", b"---\nn: 1\nid: a\n---\nb\n"),
        ("a.txt", b"x\ny", b"x\r\ny\r\n"),
    ):
        result = merge_file(path, None, ours, theirs)
        assert (result.content, result.conflicts) == (theirs, ())


def test_line_ends_and_the_byte_order_mark_of_theirs_stay() -> None:
    theirs = "\ufeff" + of_record(("note: settlement", "note: t")).replace("\n", "\r\n").rstrip()
    ours = of_record(('"Ledger"', '"Ours"'))
    wanted = theirs.replace('"Ledger"', '"Ours"')
    result = merge_file("a.yaml", RECORD.encode(), ours.encode(), theirs.encode())
    assert (result.content, result.conflicts) == (wanted.encode(), ())


def test_every_line_keeps_the_end_it_has() -> None:
    base, theirs = b"a: 1\r\nb: 1\nc: 1\r\nd: 1\n", b"a: 1\r\nb: 1\nc: 2\r\nd: 1\n"
    result = merge_file("a.yaml", base, b"a: 1\nb: 1\nn: 1\nc: 1\nd: 3\n", theirs)
    assert result.content == b"a: 1\r\nb: 1\nn: 1\r\nc: 2\r\nd: 3\r\n"


def test_broken_files_are_merged_by_line() -> None:
    base = "a: [1\nb\nc\nd\n"
    assert merged(base, base.replace("a: [1", "a: 1"), base.replace("d\n", "e\n")) == "a: 1\nb\nc\ne\n"
    assert told(base, "b", "c")[0][:2] == ("ConflictWithCurrent", "lines:1")


@pytest.mark.parametrize("odd", [b"\xff\xfe", b"a\x00b", b"a" * (MAX_MERGED_BYTES + 1)])
def test_what_is_no_text_or_too_large_is_equal_or_in_conflict(odd: bytes) -> None:
    result = merge_file("a.yaml", b"a: 1", b"a: 2", odd)
    assert result.content == odd
    assert [(one.reason, one.place) for one in result.conflicts] == [("ConflictWithCurrent", "")]
    assert all(len(text or "") <= 400 for one in result.conflicts for text in (one.observed, one.current, one.proposed))
