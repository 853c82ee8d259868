"""Listings and differences of trees, honest and hostile."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from krate_gitops.errors import KrateError, UsageError
from krate_gitops.git import trees
from krate_gitops.git.local import find_repository
from krate_gitops.git.names import escape_name, find_fault, honest_names
from krate_gitops.git.objects import ObjectReader
from krate_gitops.git.trees import Listing, TreeProblem, diff_trees, list_tree, tree_oid
from tests.repos import EXECUTABLE, FILE, FOLDER, SUBMODULE, SYMLINK, RepoBuilder, git


def listing(repo: RepoBuilder, commit: str, prefix: str = "") -> Listing:
    with ObjectReader(find_repository(repo.path)) as reader:
        return list_tree(reader, commit, prefix)


def paths(found: Listing) -> list[str]:
    return [entry.path for entry in found.entries]


@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
def test_a_listing_holds_every_mode_with_sizes_in_raw_byte_order(tmp_path: Path, object_format: str) -> None:
    repo = RepoBuilder(tmp_path / "brain", object_format=object_format)
    module = "ab" * (20 if object_format == "sha1" else 32)
    commit = repo.commit(
        {
            "a/b.md": "12345",
            "a-b.md": "1",
            "a.md": "",
            "run.sh": (EXECUTABLE, "#!/bin/sh"),
            "link": (SYMLINK, "../../etc/passwd"),
            "module": (SUBMODULE, module),
            "é/ü.md": "ü",
            "\U0001f600.md": "",
            "\uff21.md": "",
        }
    )
    found = listing(repo, commit)
    assert [(entry.path, entry.mode, entry.size) for entry in found.entries] == [
        ("a-b.md", FILE, 1),
        ("a.md", FILE, 0),
        ("a/b.md", FILE, 5),
        ("link", SYMLINK, 16),
        ("module", SUBMODULE, 0),
        ("run.sh", EXECUTABLE, 9),
        ("é/ü.md", FILE, 2),
        ("\uff21.md", FILE, 0),
        ("\U0001f600.md", FILE, 0),
    ]
    assert paths(found) == sorted(paths(found), key=str.encode)
    assert {entry.path: entry.oid for entry in found.entries}["a/b.md"] == repo.blob("12345")
    assert found.problems == []


def test_a_listing_says_what_git_says(repo: RepoBuilder) -> None:
    commit = repo.commit({f"{number % 7}/{number % 3}/{number}.md": "x" * number for number in range(300)})
    repo.repack()
    lines = git(repo.git_dir, "ls-tree", "-r", "-l", "-z", commit).decode().split("\0")[:-1]
    expected = [(line.split("\t")[1], line.split()[2], int(line.split()[3])) for line in lines]
    assert sorted(expected) == [(entry.path, entry.oid, entry.size) for entry in listing(repo, commit).entries]


def test_a_prefix_is_cut_off_and_a_missing_one_is_an_error(repo: RepoBuilder) -> None:
    commit = repo.commit({".company-brain/notes/a.md": "text", "README.md": "", "file": ""})
    for prefix in (".company-brain", ".company-brain/", "/.company-brain/./"):
        assert paths(listing(repo, commit, prefix)) == ["notes/a.md"]
    assert paths(listing(repo, commit, ".")) == paths(listing(repo, commit))
    for prefix in ("absent", "file", ".company-brain/absent"):
        with pytest.raises(KrateError) as caught:
            listing(repo, commit, prefix)
        assert caught.value.code == "MEMORY_LAYOUT_INVALID"
    with pytest.raises(UsageError):
        listing(repo, commit, "../..")
    with ObjectReader(find_repository(repo.path)) as reader:
        assert tree_oid(reader, commit, "absent") is None
        assert tree_oid(reader, commit, "notes") is None
        git_says = git(repo.git_dir, "rev-parse", f"{commit}:.company-brain/notes").decode().strip()
        assert tree_oid(reader, commit, ".company-brain/notes") == git_says


HOSTILE = {
    b"": "empty",
    b".": "folder above",
    b"..": "folder above",
    b"/etc": "absolute",
    b"a/b": "slash",
    b"a\\b": "backslash",
    b"a\nb": "control",
    b"a\x7f": "control",
    b"a\xc2\x85": "control",
    b"a\x1b[2J": "control",
    "evil\u202etxt.md".encode(): "bidirectional",
    "zero\u200bwidth".encode(): "invisible",
    b".git": ".git",
    b".GIT": ".git",
    ".g\u200cit".encode(): ".git",
    b"git~1": ".git",
    b"dot.": "dot or a space",
    b"space ": "dot or a space",
    b"\xff\xfe": "UTF-8",
    b"\xed\xa0\x80": "UTF-8",
}


@pytest.mark.parametrize(("name", "said"), HOSTILE.items())
@pytest.mark.parametrize("mode", [FILE, FOLDER])
def test_a_hostile_name_is_reported_and_the_rest_is_served(
    repo: RepoBuilder, name: bytes, said: str, mode: int
) -> None:
    blob = repo.blob("text")
    oid = blob if mode == FILE else repo.raw_tree([(FILE, "inside.md", blob)])
    inner = repo.raw_tree([(mode, name, oid), (FILE, "honest.md", blob)])
    tree = repo.raw_tree([(FOLDER, "notes", inner), (FILE, "top.md", blob)])
    found = listing(repo, repo.raw_commit(tree))
    assert paths(found) == ["notes/honest.md", "top.md"]
    [problem] = found.problems
    assert said in problem.reason
    assert problem.path == "notes/" + escape_name(name)
    assert problem.path.isprintable()


@pytest.mark.parametrize(
    "name",
    [".gitignore", ".gitattributes", "git", "a b.md", "👩\u200d💻.md", "می\u200cخواهم.md", "-x", "…", "~", "a:b"],
)
def test_unusual_but_honest_names_are_served(repo: RepoBuilder, name: str) -> None:
    found = listing(repo, repo.commit({name: "text", f"folder/{name}": "text"}))
    assert set(paths(found)) == {name, f"folder/{name}"}
    assert found.problems == []


def test_a_name_that_stands_twice_is_served_in_no_meaning(repo: RepoBuilder) -> None:
    one, two = repo.blob("one"), repo.blob("two")
    folder = repo.raw_tree([(FILE, "inside.md", one)])
    tree = repo.raw_tree(
        [(FILE, "a", one), (FOLDER, "a", folder), (FILE, "b", one), (FILE, "b", two), (FILE, "c", one)]
    )
    found = listing(repo, repo.raw_commit(tree))
    assert paths(found) == ["c"]
    reason = "the name stands more than once in its folder"
    assert found.problems == [TreeProblem("a", reason), TreeProblem("b", reason)]


def test_trees_out_of_order_and_odd_modes_are_read_as_git_reads_them(repo: RepoBuilder) -> None:
    blob = repo.blob("text")
    tree = repo.raw_tree([(0o100664, "z", blob), (0o100777, "a", blob), (0o020000, "device", blob)], in_order=False)
    found = listing(repo, repo.raw_commit(tree))
    assert [(entry.path, entry.mode) for entry in found.entries] == [("a", EXECUTABLE), ("z", FILE)]
    assert found.problems == [TreeProblem("device", "the mode 20000 is unknown")]


def test_a_damaged_folder_is_reported_and_the_rest_is_served(repo: RepoBuilder) -> None:
    blob = repo.blob("text")
    torn = repo.write_object("tree", b"100644 a\0" + bytes.fromhex(blob) + b"100644 b\0short")
    tree = repo.raw_tree([(FOLDER, "torn", torn), (FOLDER, "no-folder", blob), (FILE, "top.md", blob)])
    found = listing(repo, repo.raw_commit(tree))
    assert paths(found) == ["top.md"]
    assert [problem.path for problem in found.problems] == ["no-folder", "torn"]


def test_a_tree_that_stands_for_billions_of_files_is_refused(
    repo: RepoBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trees, "MAX_ENTRIES", 10_000)
    tree = repo.raw_tree([(FILE, f"{number}", repo.blob("x")) for number in range(10)])
    for _ in range(9):
        tree = repo.raw_tree([(FOLDER, f"{number}", tree) for number in range(10)])
    with pytest.raises(KrateError) as caught:
        listing(repo, repo.raw_commit(tree))
    assert caught.value.code == "MEMORY_LIMIT_EXCEEDED"


def test_folders_nested_without_end_are_cut_off(repo: RepoBuilder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trees, "MAX_PATH_LENGTH", 100)
    tree = repo.raw_tree([(FILE, "deep.md", repo.blob("x"))])
    for _ in range(200):
        tree = repo.raw_tree([(FOLDER, "d", tree), (FILE, "f", repo.blob("x"))])
    found = listing(repo, repo.raw_commit(tree))
    assert len(found.entries) == 51
    assert [problem.reason for problem in found.problems] == ["the path is too long"]


def test_a_path_of_4000_bytes_is_served(repo: RepoBuilder) -> None:
    path = "/".join(["d" * 199] * 19 + ["f" * 199])
    assert paths(listing(repo, repo.commit({path: "text"}))) == [path]


# Differences


def test_a_difference_holds_added_changed_removed_and_retyped_paths(repo: RepoBuilder) -> None:
    old = repo.commit({"same/a.md": "a", "change.md": "1", "gone/x.md": "x", "turn": "file", "mode.sh": "m"})
    new = repo.commit(
        {"change.md": "22", "gone": None, "turn": None, "turn/in.md": "i", "mode.sh": (EXECUTABLE, "m"), "new.md": "n"}
    )
    with ObjectReader(find_repository(repo.path)) as reader:
        diff = diff_trees(reader, old, new)
        assert diff_trees(reader, new, new).changes == []
    shown = [(c.path, c.old and (c.old.mode, c.old.size), c.new and (c.new.mode, c.new.size)) for c in diff.changes]
    assert shown == [
        ("change.md", (FILE, 1), (FILE, 2)),
        ("gone/x.md", (FILE, 1), None),
        ("mode.sh", (FILE, 1), (EXECUTABLE, 1)),
        ("new.md", None, (FILE, 1)),
        ("turn", (FILE, 4), None),
        ("turn/in.md", None, (FILE, 1)),
    ]


def test_a_folder_absent_on_one_side_counts_as_empty(repo: RepoBuilder) -> None:
    old, new = repo.commit({"README.md": ""}), repo.commit({"brain/a.md": "a"})
    with ObjectReader(find_repository(repo.path)) as reader:
        assert [(c.path, c.old) for c in diff_trees(reader, old, new, "brain").changes] == [("a.md", None)]
        assert [(c.path, c.new) for c in diff_trees(reader, new, old, "brain").changes] == [("a.md", None)]
        assert diff_trees(reader, old, old, "brain").changes == []


def test_only_folders_that_differ_are_read(repo: RepoBuilder, monkeypatch: pytest.MonkeyPatch) -> None:
    old = repo.commit({f"{number}/{inner}.md": "x" for number in range(50) for inner in range(3)})
    new = repo.commit({"7/1.md": "y"})
    read: list[str] = []
    cut = trees._cut
    monkeypatch.setattr(trees, "_cut", lambda base, data, width: read.append(base) or cut(base, data, width))
    with ObjectReader(find_repository(repo.path)) as reader:
        diff_trees(reader, old, new)
    assert sorted(read) == ["", "", "7/", "7/"]


names = st.sampled_from([b"a", b"b", b"c.md", b"..", b"x\\y", b".git", b"bad\xff", b"e\xcc\x81", b"end."])


@st.composite
def raw_trees(draw: st.DrawFn, depth: int = 2) -> list[tuple[bytes, object]]:
    """Entries of a tree that may repeat names: each a number of a content, or a tree."""
    child = st.integers(0, 3) if depth == 0 else st.integers(0, 3) | raw_trees(depth - 1)
    return draw(st.lists(st.tuples(names, child), max_size=4))


def write(repo: RepoBuilder, tree: object) -> tuple[int, str]:
    if not isinstance(tree, list):
        return FILE, repo.blob(f"content {tree}")
    return FOLDER, repo.raw_tree([(mode, name, oid) for name, child in tree for mode, oid in [write(repo, child)]])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(old=raw_trees(), new=raw_trees())
def test_a_listing_and_a_difference_make_the_next_listing(repo: RepoBuilder, old: object, new: object) -> None:
    before, after = (repo.raw_commit(write(repo, tree)[1]) for tree in (old, new))
    with ObjectReader(find_repository(repo.path)) as reader:
        first, second = list_tree(reader, before), list_tree(reader, after)
        diff = diff_trees(reader, before, after)
    entries = {entry.path: entry for entry in first.entries}
    for change in diff.changes:
        assert change.old != change.new
        assert entries.pop(change.path, None) == change.old
        if change.new:
            entries[change.path] = change.new
    assert sorted(entries.values(), key=lambda entry: entry.path) == second.entries
    problems = [problem for problem in first.problems if problem not in diff.old_problems] + diff.new_problems
    assert sorted(problems) == second.problems


@given(st.lists(st.text(max_size=6).map(lambda text: text.encode("utf-8", "surrogatepass")), max_size=5))
def test_the_quick_look_at_all_names_never_misses_a_refused_one(texts: list[bytes]) -> None:
    quick = honest_names(tuple(texts))
    if quick is not None and b"\0" not in b"".join(texts):
        assert [find_fault(name) for name in texts] == [None] * len(texts)
        assert quick == [name.decode() for name in texts] or not texts


@given(st.text().map(lambda text: text.encode("utf-8", "surrogatepass")) | st.binary())
def test_every_name_can_be_printed(name: bytes) -> None:
    assert escape_name(name).isprintable()
