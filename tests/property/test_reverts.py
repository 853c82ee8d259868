"""Taking a commit back at once gives what its parent held, whatever it did; doing so again needs nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from krate_gitops.git.local import repository_at
from krate_gitops.git.objects import ObjectReader
from krate_gitops.git.trees import list_tree
from krate_gitops.updates.model import Action
from krate_gitops.updates.revert import Revert, revert_changes
from tests.repos import Content, RepoBuilder

PATHS = [f"{folder}/{name}.md" for folder in ("notes", "pages", "runbooks/a") for name in ("x", "y", "z")]
LINES = [f"a line that is long enough to be known again, number {number}\n" for number in range(8)]
TEXTS = st.lists(st.sampled_from(LINES), max_size=12).map("".join)
STATES = st.dictionaries(st.sampled_from(PATHS), TEXTS, min_size=1, max_size=6)


def changes(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, Content]:
    gone: dict[str, Content] = {path: None for path in old if path not in new}
    return gone | {path: text for path, text in new.items() if old.get(path) != text}


def tree(repo: RepoBuilder, commit: str) -> dict[str, str]:
    with ObjectReader(repository_at(repo.git_dir, name="brain")) as reader:
        return {entry.path: reader.read(entry.oid).data.decode() for entry in list_tree(reader, commit).entries}


def applied(state: Mapping[str, str], found: Revert) -> dict[str, str]:
    """The files after the changes, each of which must fit what it meets."""
    after = dict(state)
    for item in found.changes:
        assert (item.path in state) == (item.action not in (Action.CREATE,)) or item.action is Action.UPSERT
        if item.action in (Action.DELETE, Action.RENAME):
            del after[item.path]
    for path, content in found.contents.items():
        after[path] = content.decode()
    return after


@given(before=STATES, after=STATES)
@settings(max_examples=60, deadline=None)
def test_a_revert_at_once_gives_what_the_parent_held(before: dict[str, str], after: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        repo = RepoBuilder(Path(folder) / "brain.git")
        repo.commit(before)
        bad = repo.commit(changes(before, after))
        repository = repository_at(repo.git_dir, name="brain")
        found = revert_changes(repository, bad, bad, "")
        result = applied(tree(repo, bad), found)
        assert result == before
        tip = repo.commit(changes(after, result))
        again = revert_changes(repository, bad, tip, "")
        assert (again.changes, dict(again.contents)) == ((), {})
        back = revert_changes(repository, tip, tip, "")
        assert applied(before, back) == after


@given(before=STATES, bad_state=STATES, later=STATES)
@settings(max_examples=60, deadline=None)
def test_a_revert_touches_only_what_the_commit_touched_and_its_bases_are_what_it_left(
    before: dict[str, str], bad_state: dict[str, str], later: dict[str, str]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        repo = RepoBuilder(Path(folder) / "brain.git")
        repo.commit(before)
        bad = repo.commit(changes(before, bad_state))
        tip = repo.commit(changes(bad_state, later))
        found = revert_changes(repository_at(repo.git_dir, name="brain"), bad, tip, "")
        touched = changes(before, bad_state).keys()
        moved = {path for path, text in later.items() if path not in bad_state and text in bad_state.values()}
        for item in found.changes:
            assert {item.path, item.target} <= touched | moved
            assert (item.path in later) == (item.action is not Action.CREATE)
            if item.target in found.contents:
                assert found.contents[item.target].decode() in before.values()
        assert {item.target for item in found.changes if item.action is not Action.DELETE} == found.contents.keys()
