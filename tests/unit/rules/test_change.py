"""Rules that compare a change with its base: two versions of some files in, findings out."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from krate_gitops.brain.model import Finding
from krate_gitops.brain.ontology import OntologyIndex, Usage
from krate_gitops.brain.rules.change import Version, check_change, check_ontology_change
from krate_gitops.brain.rules.place import Placed
from krate_gitops.brain.rules.transitions import DELETED, NEW, STEPS, is_allowed, ways_on
from tests.unit.rules.sample import INDEX, NODES, graph, ontology, parse

A, B = "graph/runbooks/a.yaml", "graph/runbooks/b.yaml"
OLD, LATER = "2026-06-02T09:15:00Z", "2026-06-03T09:15:00Z"


def record(
    identifier: str = "runbook:a",
    *,
    kind: str = "Runbook",
    status: str = "approved",
    at: str = OLD,
    title: str = "A title",
    sensitivity: str = "",
) -> str:
    more = (f"sensitivity: {sensitivity}",) if sensitivity else ()
    text = graph(kind, identifier, *more)
    return text.replace("approved", status).replace(OLD, at).replace("A title", title)


def change(
    old: Mapping[str, str],
    new: Mapping[str, str],
    *,
    old_index: OntologyIndex = INDEX,
    new_index: OntologyIndex = INDEX,
    renames: Mapping[str, str] | None = None,
    untouched: frozenset[str] = frozenset(),
    owner_approved: bool = False,
) -> list[Placed]:
    """Findings of a change; both sides map paths to text."""
    before = Version({path: parse(path, text, index=old_index) for path, text in old.items()}, old_index)
    after = Version({path: parse(path, text, index=new_index) for path, text in new.items()}, new_index)
    return check_change(before, after, renames=renames, untouched=untouched.__contains__, owner_approved=owner_approved)


def codes(found: list[Placed]) -> list[tuple[str, str, str]]:
    return [(path, finding.code, finding.message) for path, finding in found]


# The table of the lifecycle, written out a second time: rows from, columns to.

LIFECYCLE = """
             draft  approved  deprecated  archived  deleted
new          yes    yes       no          no        same
draft        same   yes       no          yes       yes
approved     no     same      yes         direct    no
deprecated   no     owner     same        yes       no
archived     yes    no        no          same      yes
"""
_HEAD, *_ROWS = (line.split() for line in LIFECYCLE.strip().splitlines())
CELLS = [(row[0], target, word) for row in _ROWS for target, word in zip(_HEAD, row[1:], strict=True)]


@pytest.mark.parametrize(("source", "target", "word"), CELLS)
def test_lifecycle_cell(source: str, target: str, word: str) -> None:
    for direct in (False, True):
        for owner in (False, True):
            expected = {"yes": True, "same": True, "no": False, "direct": direct, "owner": owner}[word]
            assert is_allowed(source, target, archive_direct=direct, owner_approved=owner) is expected


@pytest.mark.parametrize(("source", "target", "word"), CELLS)
def test_a_change_follows_the_lifecycle(source: str, target: str, word: str) -> None:
    old = {} if source == NEW else {A: record(status=source)}
    new = {} if target == DELETED else {A: record(status=target, at=LATER)}
    if not old and not new:
        return
    expected = [] if word in ("yes", "same") else ["KB057" if target == DELETED else "KB052"]
    assert [finding.code for _, finding in change(old, new)] == expected


def test_the_table_has_no_other_cells() -> None:
    assert len(CELLS) == sum(len(row) for row in STEPS.values()) == 25
    assert ways_on("approved", archive_direct=False) == ("deprecated",)
    assert ways_on("approved", archive_direct=True) == ("deprecated", "archived")


def only(found: list[Placed]) -> Finding:
    [(_, finding)] = found
    return finding


def test_a_forbidden_step_says_where_to_go_instead() -> None:
    finding = only(change({A: record()}, {A: record(status="draft", at=LATER)}))
    assert (finding.message, finding.field) == ("approved → draft is not allowed", "attributes.status")
    assert finding.hint == "allowed: deprecated"
    new = only(change({}, {A: record(status="archived")}))
    assert new.message == "a new record cannot be archived"


def test_some_kinds_are_archived_directly() -> None:
    old, new = record("incident:a", kind="Incident"), record("incident:a", kind="Incident", status="archived", at=LATER)
    assert change({A: old}, {A: new}) == []


def test_a_memory_owner_may_bring_a_record_back() -> None:
    old, new = {A: record(status="deprecated")}, {A: record(at=LATER)}
    assert only(change(old, new)).message == "deprecated → approved needs the approval of a memory owner"
    assert change(old, new, owner_approved=True) == []


def test_a_note_without_a_status_is_a_draft() -> None:
    note = "---\nid: runbook:n\nkind: Runbook\n---\nText.\n"
    assert change({"notes/n.md": note}, {}) == []


def test_a_status_that_cannot_be_read_is_not_judged_a_second_time() -> None:
    assert change({A: record()}, {A: record(status="fine", at=LATER)}) == []


# Identity


def test_a_moved_file_is_neither_deleted_nor_new() -> None:
    assert change({A: record(status="deprecated")}, {B: record(status="deprecated")}) == []


def test_a_path_that_changes_its_id() -> None:
    [(path, finding)] = change({A: record()}, {A: record("runbook:b", at=LATER)})
    assert (path, finding.code, finding.field) == (A, "KB034", "id")
    assert finding.message == "runbook:a became runbook:b"
    assert finding.related[0].record_id == "runbook:a"


def test_a_renamed_file_that_changes_its_id() -> None:
    old, new = {A: record()}, {B: record("runbook:b")}
    assert codes(change(old, new)) == [(A, "KB057", "approved records cannot be deleted")]
    assert codes(change(old, new, renames={A: B})) == [(B, "KB034", "runbook:a became runbook:b")]


def test_a_changed_id_does_not_reset_the_lifecycle() -> None:
    found = change({A: record()}, {A: record("runbook:b", status="draft")})
    assert [finding.code for _, finding in found] == ["KB034", "KB052"]


def test_records_that_change_places_keep_their_ids() -> None:
    old = {A: record("runbook:a"), B: record("runbook:b")}
    new = {A: record("runbook:b"), B: record("runbook:a")}
    assert change(old, new) == []


def test_a_new_record_in_the_place_of_a_moved_one() -> None:
    assert change({A: record()}, {A: record("runbook:new"), B: record()}) == []


def test_one_of_two_records_with_one_id_may_go() -> None:
    assert change({A: record()}, {}, untouched=frozenset(("runbook:a",))) == []
    assert codes(change({A: record()}, {})) == [(A, "KB057", "approved records cannot be deleted")]


def test_a_memory_owner_may_have_less_of_a_run_kept() -> None:
    old = {"babysitter/runs/r1/tasks/t.yaml": record("run-task-result:r1:t", kind="RunTaskResult")}
    assert [code for _, code, _ in codes(change(old, {}))] == ["KB057"]
    assert change(old, {}, owner_approved=True) == []
    assert [code for _, code, _ in codes(change({A: record()}, {}, owner_approved=True))] == ["KB057"]


def test_what_cannot_be_read_is_neither_gone_nor_new() -> None:
    assert change({A: record()}, {A: "nodeKind: [\n"}) == []
    assert change({A: "nodeKind: [\n"}, {A: record(status="archived")}) == []


# updatedAt


def test_changed_content_advances_updated_at() -> None:
    assert change({A: record()}, {A: record(title="Another", at=LATER)}) == []
    [(path, finding)] = change({A: record()}, {A: record(title="Another")})
    assert (path, finding.code, finding.message) == (A, "KB058", "content changed, updatedAt did not")
    assert finding.field == "attributes.updatedAt"


def test_an_earlier_updated_at_went_back() -> None:
    assert only(change({A: record(at=LATER)}, {A: record(title="Another")})).message.endswith("updatedAt went back")


def test_a_changed_body_advances_updated_at() -> None:
    page = "---\nid: runbook:a\nkind: Runbook\ntitle: A\nstatus: draft\nowners: [team:a]\nupdatedAt: {}\n---\n{}\n"
    path = "runbooks/a.md"
    old = {path: page.format(OLD, "Text.")}
    assert codes(change(old, {path: page.format(OLD, "Other.")})) == [
        (path, "KB058", "body changed, updatedAt did not")
    ]
    assert change(old, {path: page.format(LATER, "Other.")}) == []


def test_comments_and_layout_of_yaml_are_no_content() -> None:
    assert change({A: record()}, {A: "# reviewed\n" + record()}) == []


# Sensitivity


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("restricted", "internal", ["restricted → internal"]),
        ("restricted", "", ["restricted → internal"]),
        ("", "public", ["internal → public"]),
        ("internal", "restricted", []),
        ("", "internal", []),
    ],
)
def test_sensitivity_is_not_lowered_without_a_memory_owner(old: str, new: str, expected: list[str]) -> None:
    before, after = {A: record(sensitivity=old)}, {A: record(sensitivity=new, at=LATER)}
    found = change(before, after)
    assert [(finding.code, finding.message) for _, finding in found] == [("KB065", message) for message in expected]
    assert change(before, after, owner_approved=True) == []


def test_a_kind_with_a_lower_default_lowers_its_records() -> None:
    lowered = OntologyIndex(ontology(nodes=NODES.replace("    defaultSensitivity: secret-metadata\n", "")))
    old, new = record("secret:a", kind="Secret"), record("secret:a", kind="Secret", at=LATER)
    assert only(change({A: old}, {A: new}, new_index=lowered)).message == "secret-metadata → internal"


def test_a_note_is_not_opened_up_either() -> None:
    note = "---\nsensitivity: {}\n---\nText.\n"
    found = change({"notes/n.md": note.format("restricted")}, {"notes/n.md": note.format("public")})
    assert codes(found) == [("notes/n.md", "KB065", "restricted → public")]


# Ontology


def test_an_unchanged_ontology_has_nothing_to_say() -> None:
    assert check_ontology_change(ontology(), ontology(), Usage(node_kinds={"Runbook": 3})) == []


def test_a_kind_that_goes_needs_a_major_version_and_no_users() -> None:
    kept, _, rest = NODES.partition("  - name: Incident\n")
    smaller = ontology(nodes=kept + "  - name: PromptFragment\n" + rest.partition("  - name: PromptFragment\n")[2])
    found = check_ontology_change(ontology(), smaller, Usage(node_kinds={"Incident": 12}))
    assert codes(found) == [
        ("ontology/node-kinds.yaml", "KB087", "kind Incident removed without a major bump"),
        ("ontology/node-kinds.yaml", "KB085", "Incident removed but used by 12 records"),
    ]
