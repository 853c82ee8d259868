"""One record through commits, and two commits side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest

from krate_gitops.errors import UnavailableError
from krate_gitops.git.repository import open_repository
from krate_gitops.index.build import Builder
from krate_gitops.index.source import Target
from krate_gitops.memory.compare import Comparison, compare
from krate_gitops.memory.history import record_versions
from krate_gitops.memory.opened import OpenIndex
from krate_gitops.memory.policy import EffectivePolicy, owner_policy
from krate_gitops.settings import Settings
from tests.repos import Content, RepoBuilder
from tests.unit.memory.conftest import Policy
from tests.unit.memory.test_hostile_text import TOKEN
from tests.unit.memory.world import ONTOLOGY, RULES, markdown, record


class Past:
    """A repository whose commits are opened on demand."""

    def __init__(self, folder: Path, stack: ExitStack, *, root: str = "") -> None:
        self.repo = RepoBuilder(folder / "brain")
        self._folder = folder
        self._stack = stack
        self._root = f"{root}/" if root else ""
        self._ontology: Path | None = None
        self._builder = Builder(folder / "home", jobs=1)

    def foreign(self) -> None:
        """From here on read as a brain of files with several records."""
        self._ontology = self._folder / "ontology"
        self._ontology.mkdir()
        for path, content in ONTOLOGY.items():
            (self._folder / path).write_text(str(content))
        (self._ontology / "validation-rules.yaml").write_text(f"{RULES}foreign: {{multiDocument: true, required: []}}\n")

    def commit(self, files: Mapping[str, Content], **how: Any) -> str:
        known = {} if self.repo.tip() else ONTOLOGY
        return self.repo.commit({self._root + path: content for path, content in {**known, **files}.items()}, **how)

    def open(self, commit: str | None = None) -> OpenIndex:
        repository = open_repository(str(self.repo.path), settings=Settings(home=self._folder / "home"))
        target = Target(repository, commit or self.repo.tip() or "", ontology_dir=self._ontology)
        return self._stack.enter_context(OpenIndex(self._builder, self._builder.build(target)))

    def log(self, identifier: str, policy: EffectivePolicy | None = None) -> list[str]:
        """``message: change path < old path``, newest first."""
        versions = record_versions(self.open(), identifier, policy or owner_policy())
        return [f"{v.message}: {v.change} {v.path}" + (f" < {v.old_path}" if v.old_path else "") for v in versions]

    def diff(self, old: str, new: str, policy: EffectivePolicy | None = None, *, patch: bool = False) -> Comparison:
        return compare(self.open(old), self.open(new), policy or owner_policy(), patch=patch)

    def changes(self, old: str, new: str, policy: EffectivePolicy | None = None) -> list[str]:
        """``change item id path < old path``, as listed."""
        return [
            " ".join((c.type, c.item, *([c.id] if c.id else []), c.path, *(["<", c.old_path] if c.old_path else [])))
            for c in self.diff(old, new, policy).changes
        ]


@pytest.fixture
def past(tmp_path: Path) -> Iterator[Past]:
    with ExitStack() as stack:
        yield Past(tmp_path, stack)


A, A2, A3 = (record("Service", "service:a", title="A", summary=text) for text in ("one", "two", "three"))


# Log

def test_a_log_lists_the_commits_that_changed_the_record(past: Past) -> None:
    past.commit({"graph/a.yaml": A}, message="first")
    past.commit({"graph/b.yaml": record("Service", "service:b")}, message="beside")
    past.commit({"graph/a.yaml": A2}, message="second")
    assert past.log("service:a") == ["second: changed graph/a.yaml", "first: added graph/a.yaml"]


def test_a_log_says_when_who_and_in_which_state(past: Past) -> None:
    first = past.commit({"graph/a.yaml": record("Service", "service:a", status="draft")}, message="Draft it\n\nbody", author="Ada <ada@example.com>")
    past.commit({"graph/a.yaml": record("Service", "service:a")}, message="Approve it")
    newest, oldest = record_versions(past.open(), "service:a", owner_policy())
    assert (newest.status, oldest.status) == ("approved", "draft")
    assert (oldest.commit, oldest.author, oldest.message, oldest.time) == (first, "Ada <ada@example.com>", "Draft it", "2026-01-01T00:00:00Z")
    assert oldest.digest != newest.digest


def test_a_record_is_followed_to_where_it_was_though_it_was_edited_on_the_way(past: Past) -> None:
    past.commit({"graph/old/a.yaml": A}, message="first")
    past.commit({"graph/old/a.yaml": None, "graph/new/a.yaml": A2, "graph/c.yaml": A.replace("service:a", "service:c")}, message="move")
    past.commit({"graph/new/a.yaml": A3}, message="edit")
    assert past.log("service:a") == ["edit: changed graph/new/a.yaml", "move: moved graph/new/a.yaml < graph/old/a.yaml", "first: added graph/old/a.yaml"]
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


# Diff

def test_records_are_compared_by_identity_and_documents_by_path(past: Past) -> None:
    old = past.commit({"graph/a.yaml": A, "graph/b.yaml": A.replace("service:a", "service:b"), "graph/c.yaml": A.replace("service:a", "service:c"), "notes/n.md": "one\n", "notes/gone.md": "gone\n"})  # fmt: skip
    new = past.commit({"graph/a.yaml": A2, "graph/b.yaml": None, "graph/z/c.yaml": A2.replace("service:a", "service:c"), "graph/c.yaml": None, "graph/d.yaml": A.replace("service:a", "service:d"), "notes/n.md": "two\n", "notes/gone.md": None, "notes/new.md": "new\n"})  # fmt: skip
    assert past.changes(old, new) == [
        "changed record service:a graph/a.yaml",
        "removed record service:b graph/b.yaml",
        "added record service:d graph/d.yaml",
        "moved record service:c graph/z/c.yaml < graph/c.yaml",
        "changed document graph/a.yaml",
        "removed document graph/b.yaml",
        "added document graph/d.yaml",
        "moved document graph/z/c.yaml < graph/c.yaml",
        "removed document notes/gone.md",
        "changed document notes/n.md",
        "added document notes/new.md",
    ]
    assert past.diff(old, new).counts == {"added": 3, "removed": 3, "changed": 3, "moved": 2}
    assert past.changes(new, old)[3] == "added record service:b graph/b.yaml" or "added record service:b graph/b.yaml" in past.changes(new, old)
    assert past.changes(old, old) == []


def test_digests_and_statuses_of_both_sides_are_told(past: Past) -> None:
    old = past.commit({"graph/a.yaml": record("Service", "service:a", status="draft")})
    new = past.commit({"graph/a.yaml": record("Service", "service:a")})
    change = past.diff(old, new).changes[0]
    assert (change.old_status, change.new_status) == ("draft", "approved")
    assert change.old_digest and change.new_digest and change.old_digest != change.new_digest


def test_files_without_records_move_by_their_bytes_and_only_once(past: Past) -> None:
    old = past.commit({"notes/a.md": "same\n", "notes/b.md": "same\n", "notes/c.md": "edited\n"})
    new = past.commit({"notes/a.md": None, "notes/b.md": None, "notes/c.md": None, "notes/x.md": "same\n", "notes/y.md": "same\n", "notes/z.md": "same\n", "notes/w.md": "edited!\n"})  # fmt: skip
    assert past.changes(old, new) == [
        "removed document notes/c.md", "added document notes/w.md", "moved document notes/x.md < notes/a.md", "moved document notes/y.md < notes/b.md",
        "added document notes/z.md",
    ]  # fmt: skip


def test_a_copy_is_no_move(past: Past) -> None:
    old = past.commit({"notes/a.md": "same\n"})
    new = past.commit({"notes/b.md": "same\n"})
    assert past.changes(old, new) == ["added document notes/b.md"]


def test_records_that_swap_files_move_and_their_files_change(past: Past) -> None:
    b = A.replace("service:a", "service:b")
    old = past.commit({"graph/1.yaml": A, "graph/2.yaml": b})
    new = past.commit({"graph/1.yaml": b, "graph/2.yaml": A})
    assert past.changes(old, new) == [
        "moved record service:b graph/1.yaml < graph/2.yaml", "moved record service:a graph/2.yaml < graph/1.yaml",
        "changed document graph/1.yaml", "changed document graph/2.yaml",
    ]  # fmt: skip


def test_records_that_move_between_files_that_stay_leave_the_files_changed(past: Past) -> None:
    past.foreign()
    one, two, three = (f"nodeKind: Service\nid: service:{name}\n" for name in "abc")
    old = past.commit({"graph/x.yaml": f"{one}---\n{two}", "graph/y.yaml": three, "graph/z.yaml": A.replace("service:a", "service:z")})
    new = past.commit({"graph/x.yaml": two, "graph/y.yaml": f"{three}---\n{one}", "graph/z.yaml": None, "graph/w.yaml": None})
    assert past.changes(old, new) == [
        "moved record service:a graph/y.yaml < graph/x.yaml", "removed record service:z graph/z.yaml",
        "changed document graph/x.yaml", "changed document graph/y.yaml", "removed document graph/z.yaml",
    ]  # fmt: skip


def test_two_files_that_become_one_lose_neither(past: Past) -> None:
    past.foreign()
    one, two = ("nodeKind: Service\nid: service:a\n", "nodeKind: Service\nid: service:b\n")
    old = past.commit({"graph/x.yaml": one, "graph/y.yaml": two})
    new = past.commit({"graph/x.yaml": None, "graph/y.yaml": None, "graph/z.yaml": f"{one}---\n{two}"})
    assert past.changes(old, new) == [
        "moved record service:a graph/z.yaml < graph/x.yaml", "moved record service:b graph/z.yaml < graph/y.yaml",
        "removed document graph/y.yaml", "moved document graph/z.yaml < graph/x.yaml",
    ]  # fmt: skip


def test_a_patch_shows_lines_and_the_names_of_both_sides(past: Past) -> None:
    old = past.commit({"notes/a.md": "same\nold\n", "notes/b.md": "gone\n"})
    new = past.commit({"notes/a.md": "same\nnew\n", "notes/b.md": None, "notes/c.md": "come\n"})
    patches = {change.path: change.patch for change in past.diff(old, new, patch=True).changes}
    assert patches["notes/a.md"] == "--- notes/a.md\n+++ notes/a.md\n@@ -1,3 +1,3 @@\n same\n-old\n+new\n "
    assert patches["notes/b.md"] == "--- notes/b.md\n+++ /dev/null\n@@ -1,2 +1 @@\n-gone\n "
    assert patches["notes/c.md"] == "--- /dev/null\n+++ notes/c.md\n@@ -1 +1,2 @@\n+come\n "
    assert all(change.patch is None for change in past.diff(old, new).changes)


def test_patches_are_redacted_on_both_sides_and_in_their_heads(past: Past) -> None:
    old = past.commit({f"notes/{TOKEN}.md": f"same\n{TOKEN}\n", "notes/x.md": f"key {TOKEN}\n", f"graph/{TOKEN}.yaml": A})
    new = past.commit({f"notes/{TOKEN}.md": "same\nnew\n", "notes/x.md": f"changed {TOKEN} too\n", f"graph/{TOKEN}.yaml": None, "graph/m.yaml": A})
    text = msgspec.json.encode(past.diff(old, new, patch=True)).decode()
    assert TOKEN not in text
    assert "-[REDACTED:provider-token]" in text and "+changed [REDACTED:provider-token] too" in text


def test_a_policy_judges_each_side_where_it_stands(past: Past, allow: Policy) -> None:
    secret = A.replace("service:a", "service:s")
    old = past.commit({"graph/legal/s.yaml": secret, "graph/o.yaml": A, "notes/legal/n.md": "text\n", "graph/r.yaml": record("Service", "service:r", sensitivity="restricted", summary="before")})
    new = past.commit({"graph/legal/s.yaml": None, "graph/s.yaml": secret.replace("one", "two"), "graph/o.yaml": None, "graph/legal/o.yaml": A2, "notes/legal/n.md": None, "notes/n.md": "text\n", "graph/r.yaml": record("Service", "service:r", summary="after")})  # fmt: skip
    policy = allow({"include": ["**"], "exclude": ["graph/legal/**", "notes/legal/**"]})
    assert past.changes(old, new, policy) == [
        "removed record service:a graph/o.yaml", "added record service:r graph/r.yaml", "added record service:s graph/s.yaml",
        "removed document graph/o.yaml", "added document graph/r.yaml", "added document graph/s.yaml", "added document notes/n.md",
    ]  # fmt: skip
    text = msgspec.json.encode(past.diff(old, new, policy, patch=True)).decode()
    assert "legal" not in text and "before" not in text


def test_of_secrets_a_diff_tells_no_status_and_no_lines(past: Past) -> None:
    old = past.commit({"graph/v.yaml": record("Vault", "vault:v", summary="before")})
    new = past.commit({"graph/v.yaml": record("Vault", "vault:v", summary="after", status="deprecated")})
    [change] = past.diff(old, new, patch=True).changes
    assert (change.item, change.id, change.type, change.old_status, change.new_status, change.patch) == ("record", "vault:v", "changed", None, None, None)
