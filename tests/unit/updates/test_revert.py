"""Taking one commit back: the inverse of its difference to its first parent, against the tip of today."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from krate_gitops.digest import sha256_digest
from krate_gitops.errors import DeniedError, KrateError, UnavailableError, UsageError
from krate_gitops.git.local import repository_at
from krate_gitops.updates import revert as module
from krate_gitops.updates.model import Action, ChangeItem
from krate_gitops.updates.revert import Passed, Revert, revert_changes
from tests.repos import SUBMODULE, SYMLINK, Content, RepoBuilder

LONG = "".join(f"line {number} of a text that is long enough to be known again\n" for number in range(20))


def digest(text: str) -> str:
    return sha256_digest(text.encode())


class History:
    """A brain of a few commits on ``main``."""

    def __init__(self, folder: Path, object_format: str = "sha1") -> None:
        self.repo = RepoBuilder(folder / "brain.git", object_format=object_format)

    def commit(self, files: Mapping[str, Content], **how: object) -> str:
        return self.repo.commit(files, **how)  # type: ignore[arg-type]

    def revert(self, commit: str, root: str = "", **how: object) -> Revert:
        repository = repository_at(self.repo.git_dir, name="brain")
        tip = self.repo.tip()
        assert tip is not None
        return revert_changes(repository, commit, tip, root, **how)  # type: ignore[arg-type]


@pytest.fixture(params=["sha1", "sha256"])
def history(request: pytest.FixtureRequest, tmp_path: Path) -> History:
    history = History(tmp_path, request.param)
    history.commit({"notes/a.md": "one\n", "notes/b.md": "keep\n"})
    return history


def only(found: Revert) -> ChangeItem:
    [item] = found.changes
    return item


def test_an_edit_is_taken_back_to_what_the_parent_held(history: History) -> None:
    bad = history.commit({"notes/a.md": "two\n"})
    history.commit({"notes/b.md": "kept\n"})
    found = history.revert(bad, reason="wrong vault")
    assert only(found) == ChangeItem(
        path="notes/a.md",
        action=Action.UPDATE,
        reason="wrong vault",
        content_digest=digest("one\n"),
        base_digest=digest("two\n"),
    )
    assert dict(found.contents) == {"notes/a.md": b"one\n"}
    assert (found.observed_commit, found.explanation) == (bad, "")


def test_an_edit_that_was_edited_since_is_left_to_the_merge_with_the_bad_version_as_base(history: History) -> None:
    bad = history.commit({"notes/a.md": "two\n"})
    history.commit({"notes/a.md": "two\nand more\n"})
    found = history.revert(bad)
    assert (only(found).action, only(found).base_digest) == (Action.UPDATE, digest("two\n"))
    assert found.contents["notes/a.md"] == b"one\n"


def test_an_added_file_is_deleted_and_its_version_is_the_base(history: History) -> None:
    bad = history.commit({"notes/new.md": "new\n"})
    item = only(history.revert(bad))
    assert (item.action, item.path, item.base_digest, item.content_digest) == (
        Action.DELETE,
        "notes/new.md",
        digest("new\n"),
        None,
    )
    history.commit({"notes/new.md": "newer\n"})
    assert only(history.revert(bad)) == item
    assert dict(history.revert(bad).contents) == {}


def test_a_deleted_file_is_created_again_and_written_over_where_somebody_made_it_anew(history: History) -> None:
    bad = history.commit({"notes/a.md": None})
    item = only(history.revert(bad))
    assert (item.action, item.content_digest, item.base_digest) == (Action.CREATE, digest("one\n"), None)
    history.commit({"notes/a.md": "another\n"})
    assert only(history.revert(bad)).action is Action.UPSERT


def test_a_renamed_file_goes_back_under_its_old_name(history: History) -> None:
    bad = history.commit({"notes/a.md": None, "notes/c.md": "one\n"})
    item = only(history.revert(bad))
    assert (item.action, item.path, item.new_path, item.base_digest, item.content_digest) == (
        Action.RENAME,
        "notes/c.md",
        "notes/a.md",
        digest("one\n"),
        digest("one\n"),
    )
    assert dict(history.revert(bad).contents) == {"notes/a.md": b"one\n"}


def test_a_file_that_was_renamed_and_edited_goes_back_to_its_old_name_and_text(history: History) -> None:
    history.commit({"notes/long.md": LONG})
    edited = LONG.replace("line 3", "LINE 3")
    bad = history.commit({"notes/long.md": None, "pages/long.md": edited})
    history.commit({"pages/long.md": edited + "and one more\n"})
    found = history.revert(bad)
    item = only(found)
    assert (item.action, item.path, item.new_path) == (Action.RENAME, "pages/long.md", "notes/long.md")
    assert (item.base_digest, found.contents["notes/long.md"]) == (digest(edited), LONG.encode())


def test_a_rename_whose_old_name_is_taken_again_is_two_changes(history: History) -> None:
    bad = history.commit({"notes/a.md": None, "notes/c.md": "one\n"})
    history.commit({"notes/a.md": "taken\n"})
    changes = history.revert(bad).changes
    assert [(item.path, item.action) for item in changes] == [
        ("notes/a.md", Action.UPSERT),
        ("notes/c.md", Action.DELETE),
    ]


def test_a_bad_file_that_was_moved_since_is_followed(history: History) -> None:
    bad = history.commit({"notes/a.md": "two\n", "notes/new.md": "new\n"})
    history.commit({"notes/a.md": None, "pages/a.md": "two\n", "notes/new.md": None, "pages/new.md": "new\n"})
    changes = history.revert(bad).changes
    assert [(item.path, item.action) for item in changes] == [
        ("pages/a.md", Action.UPDATE),
        ("pages/new.md", Action.DELETE),
    ]
    assert dict(history.revert(bad).contents) == {"pages/a.md": b"one\n"}


def test_a_file_that_came_back_under_its_old_name_was_not_moved(history: History) -> None:
    bad = history.commit({"notes/a.md": None, "notes/c.md": "one\n"})
    history.commit({"notes/a.md": "one\n", "notes/c.md": None})
    found = history.revert(bad)
    assert (found.changes, [one.path for one in found.settled]) == ((), ["notes/a.md", "notes/c.md"])


def test_an_empty_file_somewhere_else_is_not_taken_for_one_that_was_moved(history: History) -> None:
    bad = history.commit({"notes/empty.md": ""})
    history.commit({"notes/empty.md": None, "notes/other.md": ""})
    assert history.revert(bad).changes == ()


def test_a_merge_is_taken_back_against_its_first_parent(history: History) -> None:
    base = history.repo.tip()
    assert base is not None
    side = history.commit({"notes/side.md": "side\n"}, branch="side", parents=[base])
    history.commit({"notes/b.md": "main\n"})
    merge = history.repo.merge(side)
    item = only(history.revert(merge))
    assert (item.path, item.action) == ("notes/side.md", Action.DELETE)


def test_a_commit_of_a_merged_branch_is_refused_and_its_merge_named(history: History) -> None:
    base = history.repo.tip()
    assert base is not None
    side = history.commit({"notes/side.md": "side\n"}, branch="side", parents=[base])
    merge = history.repo.merge(side)
    history.commit({"notes/b.md": "later\n"})
    with pytest.raises(DeniedError) as caught:
        history.revert(side)
    assert (caught.value.code, caught.value.location) == ("MEMORY_REF_NOT_APPROVED", side)
    assert merge in caught.value.hint


def test_a_commit_of_another_branch_is_refused(history: History) -> None:
    stray = history.commit({"notes/x.md": "x\n"}, branch="stray", parents=[])
    with pytest.raises(DeniedError, match="never on the default branch") as caught:
        history.revert(stray)
    assert caught.value.code == "MEMORY_REF_NOT_APPROVED"


def test_the_first_commit_cannot_be_taken_back(history: History) -> None:
    first = history.repo.tip()
    assert first is not None
    with pytest.raises(UsageError, match="first commit") as caught:
        history.revert(first)
    assert caught.value.code == "INVALID_REQUEST"


@pytest.mark.parametrize("text", ["f" * 40, "f" * 64, "main", "", "--all", "HEAD~1", "\x1b[2J"])
def test_what_is_no_commit_here_is_not_found(history: History, text: str) -> None:
    history.commit({"notes/a.md": "two\n"})
    with pytest.raises(UnavailableError) as caught:
        history.revert(text)
    assert caught.value.code == "MEMORY_REF_NOT_FOUND"
    assert "\x1b" not in caught.value.message


def test_a_blob_is_no_commit(history: History) -> None:
    history.commit({"notes/a.md": "two\n"})
    with pytest.raises(UnavailableError):
        history.revert(history.repo.blob("two\n"))


def test_what_was_reverted_already_needs_nothing_and_that_is_said(history: History) -> None:
    bad = history.commit({"notes/a.md": "two\n", "notes/new.md": "new\n", "notes/b.md": None})
    history.commit({"notes/a.md": "one\n", "notes/new.md": None, "notes/b.md": "keep\n"})
    found = history.revert(bad)
    assert (found.changes, dict(found.contents)) == ((), {})
    assert [one.path for one in found.settled] == ["notes/a.md", "notes/b.md", "notes/new.md"]
    assert "already" in found.explanation


def test_a_revert_can_be_reverted(history: History) -> None:
    history.commit({"notes/a.md": "two\n"})
    reverted = history.commit({"notes/a.md": "one\n"})
    assert history.revert(reverted).contents == {"notes/a.md": b"two\n"}


def test_an_edited_file_that_was_deleted_since_stays_deleted(history: History) -> None:
    bad = history.commit({"notes/a.md": "two\n"})
    history.commit({"notes/a.md": None})
    found = history.revert(bad)
    assert (found.changes, found.settled) == ((), (Passed("notes/a.md", "it is gone already"),))


def test_what_lies_outside_the_memory_root_is_left_alone_and_told(tmp_path: Path) -> None:
    history = History(tmp_path)
    history.commit({".company-brain/notes/a.md": "one\n", "src/main.py": "1\n"})
    bad = history.commit({".company-brain/notes/a.md": "two\n", "src/main.py": "2\n"})
    found = history.revert(bad, root=".company-brain")
    assert only(found).path == "notes/a.md"
    assert found.ignored == (Passed("src/main.py", "it lies outside the memory root"),)
    code_only = history.commit({"src/main.py": "3\n"})
    nothing = history.revert(code_only, root=".company-brain")
    assert (nothing.changes, nothing.settled) == ((), ())
    assert "no file below the memory root" in nothing.explanation


@pytest.mark.parametrize("root", ["", ".", "/"])
def test_the_top_level_may_be_the_memory_root(history: History, root: str) -> None:
    bad = history.commit({"notes/a.md": "two\n"})
    assert only(history.revert(bad, root=root)).path == "notes/a.md"


def test_index_files_links_submodules_and_modes_are_left_alone_and_told(history: History) -> None:
    inner = "a" * (40 if history.repo.object_format == "sha1" else 64)
    bad = history.commit(
        {
            "indexes/graph.json": "{}\n",
            "notes/link.md": (SYMLINK, "a.md"),
            "vendor": (SUBMODULE, inner),
            "notes/b.md": (0o100755, "keep\n"),
        }
    )
    found = history.revert(bad)
    assert found.changes == ()
    assert {one.path: one.why for one in found.ignored} == {
        "indexes/graph.json": "index files are derived: merging writes them",
        "notes/link.md": "it is no plain file",
        "vendor": "it is no plain file",
        "notes/b.md": "only its mode was changed",
    }


def test_a_name_that_git_would_refuse_is_left_alone_and_told(history: History) -> None:
    repo = history.repo
    parent = repo.tip()
    assert parent is not None
    blob = repo.blob("x\n")
    notes = repo.raw_tree([(0o100644, "..", blob), (0o100644, b"bad\xff.md", blob), (0o100644, "a.md", blob)])
    bad = repo.raw_commit(repo.raw_tree([(0o040000, "notes", notes)]), parents=[parent])
    repo.branch("main", bad)
    found = history.revert(bad)
    assert {(item.path, item.action) for item in found.changes} == {
        ("notes/a.md", Action.UPDATE),
        ("notes/b.md", Action.CREATE),
    }
    assert {"notes/..", "notes/bad\\xff.md"} <= {one.path for one in found.ignored}


def test_a_commit_of_too_much_is_refused(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 10)
    bad = history.commit({"notes/a.md": "more than ten bytes\n"})
    with pytest.raises(KrateError) as caught:
        history.revert(bad)
    assert caught.value.code == "MEMORY_LIMIT_EXCEEDED"


def test_reasons_are_cut_to_what_a_change_may_hold(history: History) -> None:
    bad = history.commit({"notes/a.md": "two\n"})
    assert len(only(history.revert(bad, reason="x" * 900)).reason) == 500
    assert bad[:12] in only(history.revert(bad)).reason
