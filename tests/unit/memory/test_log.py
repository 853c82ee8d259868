"""One record through commits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest

from krate_gitops.errors import UnavailableError
from krate_gitops.memory.history import record_versions
from krate_gitops.memory.policy import owner_policy
from tests.repos import Content
from tests.unit.memory.conftest import Policy
from tests.unit.memory.hostile import TOKEN
from tests.unit.memory.past import A2, A3, A, Past
from tests.unit.memory.world import markdown, record


@pytest.fixture
def past(tmp_path: Path) -> Iterator[Past]:
    with ExitStack() as stack:
        yield Past(tmp_path, stack)


def test_a_log_lists_the_commits_that_changed_the_record(past: Past) -> None:
    past.commit({"graph/a.yaml": A}, message="first")
    past.commit({"graph/b.yaml": record("Service", "service:b")}, message="beside")
    past.commit({"graph/a.yaml": A2}, message="second")
    assert past.log("service:a") == ["second: changed graph/a.yaml", "first: added graph/a.yaml"]


def test_a_log_says_when_who_and_in_which_state(past: Past) -> None:
    first = past.commit(
        {"graph/a.yaml": record("Service", "service:a", status="draft")},
        message="Draft it\n\nbody",
        author="Ada <ada@example.com>",
    )
    past.commit({"graph/a.yaml": record("Service", "service:a")}, message="Approve it")
    newest, oldest = record_versions(past.open(), "service:a", owner_policy())
    assert (newest.status, oldest.status) == ("approved", "draft")
    assert (oldest.commit, oldest.author, oldest.message, oldest.time) == (
        first,
        "Ada <ada@example.com>",
        "Draft it",
        "2026-01-01T00:00:00Z",
    )
    assert oldest.digest != newest.digest


def test_a_record_is_followed_to_where_it_was_though_it_was_edited_on_the_way(past: Past) -> None:
    past.commit({"graph/old/a.yaml": A}, message="first")
    past.commit(
        {"graph/old/a.yaml": None, "graph/new/a.yaml": A2, "graph/c.yaml": A.replace("service:a", "service:c")},
        message="move",
    )
    past.commit({"graph/new/a.yaml": A3}, message="edit")
    assert past.log("service:a") == [
        "edit: changed graph/new/a.yaml",
        "move: moved graph/new/a.yaml < graph/old/a.yaml",
        "first: added graph/old/a.yaml",
    ]
    assert past.log("service:c") == ["move: added graph/c.yaml"]


def test_a_record_that_changes_its_form_is_the_same_record(past: Past) -> None:
    past.commit({"graph/a.yaml": record("Runbook", "runbook:a")}, message="yaml")
    past.commit({"graph/a.yaml": None, "runbooks/a.md": markdown("Runbook", "runbook:a")}, message="markdown")
    assert past.log("runbook:a") == ["markdown: moved runbooks/a.md < graph/a.yaml", "yaml: added graph/a.yaml"]


@pytest.mark.parametrize("back", ["graph/a.yaml", "graph/b.yaml"])
def test_an_earlier_life_of_an_id_is_another_record(past: Past, back: str) -> None:
    past.commit({"graph/a.yaml": A}, message="first")
    past.commit({"graph/a.yaml": None}, message="delete")
    past.commit({back: A2}, message="reuse")
    assert past.log("service:a") == [f"reuse: added {back}"]


@pytest.mark.parametrize("broken", ["nodeKind: [\n", record("Service", "service:other"), b"\xff"])
def test_a_gap_in_which_the_file_holds_something_else_ends_the_log(past: Past, broken: Content) -> None:
    for message, content in (("first", A), ("gap", broken), ("again", A2)):
        past.commit({"graph/a.yaml": content}, message=message)
    assert past.log("service:a") == ["again: added graph/a.yaml"]


def test_a_path_that_changes_its_id_ends_one_record_and_begins_another(past: Past) -> None:
    past.commit({"graph/a.yaml": A}, message="first")
    past.commit({"graph/a.yaml": A.replace("service:a", "service:b")}, message="rename id")
    assert past.log("service:b") == ["rename id: added graph/a.yaml"]


def test_two_records_that_swap_their_files_are_each_followed(past: Past) -> None:
    b = A.replace("service:a", "service:b")
    past.commit({"graph/1.yaml": A, "graph/2.yaml": b}, message="first")
    past.commit({"graph/1.yaml": b, "graph/2.yaml": A}, message="swap")
    assert past.log("service:a") == ["swap: moved graph/2.yaml < graph/1.yaml", "first: added graph/1.yaml"]


def test_a_merge_counts_as_the_commit_that_brought_it(past: Past) -> None:
    base = past.commit({"graph/a.yaml": A}, message="first")
    side = past.commit({"graph/a.yaml": A2}, branch="side", parents=[base], message="on the side")
    past.commit({"notes/n.md": "x\n"}, message="meanwhile")
    past.repo.merge(side, message="merge")
    assert past.log("service:a") == ["merge: changed graph/a.yaml", "first: added graph/a.yaml"]


def test_a_neighbour_in_the_same_file_changes_nothing(past: Past) -> None:
    past.foreign()
    one, two = "nodeKind: Service\nid: service:a\n", "nodeKind: Service\nid: service:b\nattributes: {title: B}\n"
    past.commit({"graph/x.yaml": f"{one}---\n{two}"}, message="first")
    past.commit({"graph/x.yaml": f"{one}---\n{two.replace('B', 'C')}"}, message="neighbour")
    past.commit({"graph/x.yaml": f"{one}attributes: {{title: A}}\n---\n{two.replace('B', 'C')}"}, message="own")
    assert past.log("service:a") == ["own: changed graph/x.yaml", "first: added graph/x.yaml"]
    assert past.log("service:b") == ["neighbour: changed graph/x.yaml", "first: added graph/x.yaml"]


def test_a_memory_root_is_no_part_of_the_paths(tmp_path: Path) -> None:
    with ExitStack() as stack:
        past = Past(tmp_path, stack, root=".company-brain")
        past.commit({"graph/a.yaml": A}, message="first")
        past.commit({"graph/a.yaml": None, "graph/b.yaml": A2}, message="move")
        assert past.log("service:a") == ["move: moved graph/b.yaml < graph/a.yaml", "first: added graph/a.yaml"]


@pytest.mark.parametrize("identifier", ["service:none", "", "graph/a.yaml", "service:twice", "service:A"])
def test_what_is_no_served_record_has_no_log(past: Past, identifier: str) -> None:
    twice = A.replace("service:a", "service:twice")
    past.commit({"graph/a.yaml": A, "graph/t.yaml": twice, "graph/u.yaml": twice})
    with pytest.raises(UnavailableError) as error:
        past.log(identifier)
    assert (error.value.code, error.value.exit_code) == ("MEMORY_RECORD_NOT_FOUND", 3)


def test_a_policy_hides_the_past_it_does_not_admit(past: Past, allow: Policy) -> None:
    past.commit({"graph/legal/a.yaml": A}, message="hidden")
    past.commit({"graph/legal/a.yaml": None, "graph/open/a.yaml": A2}, message="move")
    past.commit({"graph/open/a.yaml": A3}, message="edit")
    policy = allow({"include": ["graph/**"], "exclude": ["graph/legal/**"]})
    assert past.log("service:a", policy) == ["edit: changed graph/open/a.yaml", "move: added graph/open/a.yaml"]
    with pytest.raises(UnavailableError):
        past.log("service:a", allow({"include": ["notes/**"]}))


def test_messages_authors_and_paths_of_a_log_are_redacted(past: Past) -> None:
    past.commit({f"graph/{TOKEN}.yaml": A}, message=f"with {TOKEN}", author=f"{TOKEN} <a@example.com>")
    versions = list(record_versions(past.open(), "service:a", owner_policy()))
    assert TOKEN not in msgspec.json.encode(versions).decode()
    assert versions[0].message == "with [REDACTED:provider-token]"
