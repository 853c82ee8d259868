"""Bad files among good ones: each is reported at its path, and the rest of the brain is served."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from krate_gitops.git.objects import ObjectReader
from krate_gitops.git.repository import open_repository
from krate_gitops.index import cut
from krate_gitops.index.build import Builder
from krate_gitops.index.source import Target
from krate_gitops.index.strength import analyse
from krate_gitops.memory.opened import OpenIndex, read_index
from krate_gitops.settings import Settings
from tests.property.histories import ONTOLOGY, runbook, service
from tests.repos import EXECUTABLE, FILE, FOLDER, SUBMODULE, SYMLINK, Content, RepoBuilder, _Oid, git

GOOD: dict[str, Content] = {
    **{path: versions[0] for path, versions in ONTOLOGY.items()},
    "README.md": "# Brain\n",
    "babysitter/MEMORY.md": "# Memory\n",
    "ontology/controlled-vocabulary.yaml": "schemaVersion: 1\nontologyVersion: 1.0.0\nvocabularies: {}\n",
    "graph/services/a.yaml": service("a"),
    "graph/services/m.yaml": service("m"),
    "graph/services/z.yaml": service("z"),
    "runbooks/b.md": runbook("a", words="refunds"),
    "notes/n.md": "# Note\n\nrefunds\n",
}

BAD: list[tuple[str, str, Content, list[str]]] = [
    ("latin-1", "notes/bad.md", b"caf\xe9\n", ["KB004"]),
    ("UTF-16", "graph/services/bad.yaml", service("x").encode("utf-16"), ["KB004"]),
    ("NUL", "runbooks/bad.md", b"---\nid: a\0\n---\n", ["KB004"]),
    ("broken YAML", "graph/services/bad.yaml", "a: 'b\n", ["KB001"]),
    ("empty", "graph/services/bad.yaml", "", ["KB001"]),
    ("two documents", "graph/services/bad.yaml", service("x") + "---\n" + service("y"), ["KB005"]),
    ("duplicate key", "graph/services/bad.yaml", service("x") + "id: service:y\n", ["KB007"]),
    ("tag", "graph/services/bad.yaml", service("x").replace("keeps", "!x keeps"), ["KB008"]),
    ("hidden second key", "graph/services/bad.yaml", service("x\u2028status: approved"), ["KB008"]),
    ("deep", "graph/services/bad.yaml", "a: " + "[" * 10_000, ["KB008"]),
    ("thousands of digits", "graph/services/bad.yaml", service("x") + "more: " + "1" * 5000 + "\n", ["KB026"]),
    ("keys that are numbers", "graph/services/bad.yaml", service("x") + "7: a\n", ["KB021", "KB026"]),
    ("open frontmatter", "runbooks/bad.md", "---\nid: runbook:x\n", ["KB002"]),
    ("no frontmatter", "runbooks/bad.md", "Text\n", ["KB003"]),
    ("list as frontmatter", "runbooks/bad.md", "---\n- a\n---\nText\n", ["KB002"]),
    ("lone surrogate", "graph/services/bad.yaml", 'nodeKind: Service\nid: "service:\\ud800"\n', ["KB004"]),
    ("odd id", "graph/services/bad.yaml", service("x").replace("service:x", "Not An Id"), ["KB031", "KB032"]),
    (
        "year 999",
        "graph/services/bad.yaml",
        service("x").replace("2025-06-02T09:15:00Z", "0999-01-01T00:00:00+01:00"),
        ["KB053"],
    ),
    ("no such day", "notes/2026-02-31-bad.md", "# Bad\n\ntext\n", []),
    ("year zero", "notes/0000-01-01.md", "# Bad\n\ntext\n", []),
    ("archive", "notes/bad.md", b"PK\x03\x04" + bytes(200), ["KB015"]),
    ("LFS pointer", "notes/bad.md", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", ["KB013"]),
    ("too large", "notes/bad.md", b"x" * (2 * 1024 * 1024 + 1), ["KB006"]),
    ("symlink inside", "notes/bad.md", (SYMLINK, "n.md"), ["KB013"]),
    ("symlink outside", "runbooks/bad.md", (SYMLINK, "/etc/passwd"), ["KB013"]),
    ("dangling symlink", "graph/services/bad.yaml", (SYMLINK, "nowhere"), ["KB013"]),
    ("symlink to itself", "graph/services/bad.yaml", (SYMLINK, "bad.yaml"), ["KB013"]),
    ("symlink as folder", "graph/more", (SYMLINK, "services"), ["KB013"]),
    ("submodule", "graph/module", (SUBMODULE, "1" * 40), ["KB013"]),
    ("executable", "notes/bad.md", (EXECUTABLE, "# Fine\n\ntext\n"), []),
    ("folder above", "notes/../bad.md", "text\n", ["KB013"]),
    (".git folder", "notes/.git/config", "text\n", ["KB013"]),
    (".GIT file", ".GIT", "text\n", ["KB013"]),
    ("line feed in a name", "notes/a\nb.md", "text\n", ["KB013"]),
    ("backslash in a name", "notes/a\\b.md", "text\n", ["KB013"]),
    ("escape in a name", "notes/\x1b[31m.md", "text\n", ["KB013"]),
    ("dot at the end", "notes/a.", "text\n", ["KB013"]),
    ("space at the end", "notes/a.md ", "text\n", ["KB013"]),
    ("bidirectional name", "notes/\u202egpj.md", "text\n", ["KB013"]),
    ("empty name", "notes//a.md", "text\n", ["KB013"]),
    ("other case", "notes/N.md", "# Note\n\ntext\n", ["KB014", "KB014"]),
    ("other form", "notes/e\u0301.md", "# Note\n\ntext\n", []),
    ("attributes", ".gitattributes", "* filter=evil export-ignore\n", ["KB012"]),
    ("long path", "notes/" + f"{'d' * 98}/" * 40 + "x.md", "# Deep\n\ntext\n", []),
    ("hostile heading", "notes/bad.md", "# a" + "#" * 100_000 + "x\n\ntext\n", []),
]


_CUTS = cut.CUTS
"""The real table; a fixture puts a smaller one in its place."""


class Answers(NamedTuple):
    """What an index says of a commit with a bad file."""

    found: list[tuple[str, str]]
    ids: set[str]
    served: set[str]
    refunds: list[str]


def _ask(opened: OpenIndex) -> Answers:
    columns = opened.columns
    judge = opened._builder.judge(opened.source, columns, opened.manifest.issues)
    found = [(path, finding.code) for path, finding, _ in judge.findings()]
    texts = {columns.paths[text.file] for text in opened.texts(range(len(columns.paths)))}
    strength = opened.ranker.match(analyse("refunds")).strength
    refunds = [columns.paths[int(columns.unit_file[unit])] for unit in strength.nonzero()[0]]
    words = [columns.paths[number] for number in opened.words.files_with("refunds").nonzero()[0]]
    assert set(refunds) <= set(words)
    return Answers(sorted(found), {columns.record(n).id for n in range(columns.links.records)}, texts, refunds)


def _index(folder: Path, files: dict[str, Content], *, home: str = "home") -> Answers:
    repository = RepoBuilder(folder / "brain")
    commit = repository.commit(files)
    return _open(folder, commit, home)


def _open(folder: Path, commit: str, home: str = "home") -> Answers:
    opened = open_repository(str(folder / "brain"), settings=Settings(home=folder))
    return read_index(Builder(folder / home, jobs=1), Target(opened, commit), _ask)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    return _index(tmp_path_factory.mktemp("good"), GOOD)


@pytest.mark.parametrize(("path", "content", "codes"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_a_bad_file_is_reported_and_the_rest_is_served(
    path: str, content: Content, codes: list[str], good: Answers, tmp_path: Path
) -> None:
    answers = _index(tmp_path, GOOD | {path: content})
    more = list(answers.found)
    for found in good.found:
        more.remove(found)
    expected = [code for code in codes if code in ("KB001", "KB002", "KB003", "KB004", "KB005", "KB006", "KB007",
    "KB008",
                                                   "KB012", "KB013", "KB014", "KB015", "KB021", "KB026", "KB031",
                                                   "KB053")]  # fmt: skip
    told = [code for _, code in more]
    for code in expected:
        told.remove(code)
    assert all(code not in told for code in ("KB001", "KB002", "KB003", "KB004", "KB005", "KB006", "KB007", "KB008",
    "KB013",
                                             "KB014", "KB015"))  # fmt: skip
    assert good.ids <= answers.ids
    assert good.served <= answers.served
    assert set(good.refunds) <= set(answers.refunds)
    for place, _ in more:
        assert place.isprintable()


def test_what_cannot_be_read_is_no_record_and_no_text(tmp_path: Path) -> None:
    files = GOOD | {"graph/services/link.yaml": (SYMLINK, "a.yaml"), "notes/link.md": (SYMLINK, "/etc/passwd")}
    answers = _index(tmp_path, files)
    assert answers.ids == _index(tmp_path / "other", GOOD).ids
    assert "root:" not in answers.served


def test_all_bad_files_together_leave_the_good_ones(good: Answers, tmp_path: Path) -> None:
    files = dict(GOOD)
    for number, (_, path, content, _) in enumerate(BAD):
        folder, _, name = path.rpartition("/")
        files[f"{folder}/{number}-{name}" if name not in ("N.md",) and folder else path] = content
    answers = _index(tmp_path, files)
    assert good.ids <= answers.ids
    assert good.served <= answers.served


def test_names_that_are_no_utf8_are_left_out_and_told(good: Answers, tmp_path: Path) -> None:
    repository = RepoBuilder(tmp_path / "brain")
    first = repository.commit(GOOD)
    blob = repository.blob("text\n")
    notes = repository.raw_tree(
        [(FILE, b"caf\xe9.md", blob), (FILE, "n.md", blob), (FILE, "", blob), (FILE, "..", blob)]
    )
    tree = [(FOLDER, "notes", notes)]
    tree += [
        (FOLDER, name, _subtree(repository, first, name)) for name in ("graph", "ontology", "runbooks", "babysitter")
    ]
    commit = repository.raw_commit(repository.raw_tree([*tree, (FILE, "README.md", blob)]), parents=[first])
    repository.branch("main", commit)
    answers = _open(tmp_path, commit)
    assert [code for _, code in answers.found].count("KB013") == 3
    assert good.ids <= answers.ids


def test_a_name_that_is_a_file_and_a_folder_is_told_once(tmp_path: Path) -> None:
    repository = RepoBuilder(tmp_path / "brain")
    blob = repository.blob("# Text\n\ntext\n")
    inner = repository.raw_tree([(FILE, "c.md", blob)])
    notes = repository.raw_tree([(FILE, "a.md", blob), (FOLDER, "a.md", inner), (FILE, "b.md", blob)])
    commit = repository.raw_commit(repository.raw_tree([(FOLDER, "notes", notes)]))
    repository.branch("main", commit)
    answers = _open(tmp_path, commit)
    assert [path for path, code in answers.found if code == "KB013"] == ["notes/a.md"]
    assert answers.served == {"notes/b.md"}


def _subtree(repository: RepoBuilder, commit: str, name: str) -> str:
    return git(repository.git_dir, "rev-parse", f"{commit}:{name}").decode().strip()


def test_large_files_are_never_loaded(good: Answers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = RepoBuilder(tmp_path / "brain")
    large = {
        "notes/large.md": repository.blob(b"word " * 8_000_000),
        "graph/services/large.yaml": repository.blob(b"a: b\n" * 900_000),
    }
    first = repository.files(repository.commit(GOOD))
    commit = repository.commit({path: (FILE, _existing(oid)) for path, oid in large.items()})
    assert first
    read: list[str] = []
    contents: Callable[..., Any] = ObjectReader._contents

    def watched(self: ObjectReader, oids: Sequence[str]) -> Any:
        read.extend(oids)
        return contents(self, oids)

    monkeypatch.setattr(ObjectReader, "_contents", watched)
    opened = open_repository(str(tmp_path / "brain"), settings=Settings(home=tmp_path))
    built = Builder(tmp_path / "home", jobs=1).build(Target(opened, commit))
    assert built.manifest.counts["KB006"] == 2
    assert not set(large.values()) & set(read)


def _existing(oid: str) -> str:
    return _Oid(oid)


@pytest.mark.slow
def test_a_hundred_thousand_files_in_one_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cut, "CUTS", _CUTS)
    monkeypatch.setattr(cut, "_LONGEST", len(_CUTS))
    repository = RepoBuilder(tmp_path / "brain")
    blob = _existing(repository.blob("# Note\n\nrefunds\n"))
    commit = repository.commit(GOOD | {f"notes/{number:06}.md": (FILE, blob) for number in range(100_000)})
    opened = open_repository(str(tmp_path / "brain"), settings=Settings(home=tmp_path))
    manifest = Builder(tmp_path / "home").build(Target(opened, commit)).manifest
    assert manifest.documents == 100_000 + len(GOOD)
    assert max(shard.documents for shard in manifest.shards) <= 512


def test_the_same_blob_at_two_paths_is_two_documents(tmp_path: Path) -> None:
    answers = _index(tmp_path, GOOD | {"notes/one.md": "# Same\n\nrefunds\n", "notes/two.md": "# Same\n\nrefunds\n"})
    assert {"notes/one.md", "notes/two.md"} <= set(answers.refunds)


def test_replace_refs_and_attributes_change_nothing(good: Answers, tmp_path: Path) -> None:
    repository = RepoBuilder(tmp_path / "brain")
    files = GOOD | {".gitattributes": "* export-ignore eol=crlf working-tree-encoding=UTF-16\n"}
    commit = repository.commit(files)
    old = repository.files(commit)["notes/n.md"][1]
    other = repository.blob("# Other\n\nnothing\n")
    repository.ref(f"refs/replace/{old}", other)
    answers = _open(tmp_path, commit)
    assert "notes/n.md" in answers.refunds


def test_a_brain_without_files_has_an_index(tmp_path: Path) -> None:
    repository = RepoBuilder(tmp_path / "brain")
    commit = repository.raw_commit(repository.raw_tree([]))
    repository.branch("main", commit)
    answers = _open(tmp_path, commit)
    assert (answers.ids, answers.served, answers.refunds) == (set(), set(), [])
    assert ("ontology/node-kinds.yaml", "KB010") in answers.found


def test_a_root_that_is_not_there_is_told(tmp_path: Path) -> None:
    repository = RepoBuilder(tmp_path / "brain")
    commit = repository.commit(GOOD)
    opened = open_repository(str(tmp_path / "brain"), settings=Settings(home=tmp_path))
    manifest = Builder(tmp_path / "home", jobs=1).build(Target(opened, commit, "nowhere")).manifest
    assert (manifest.documents, manifest.result) == (0, "invalid")
    assert manifest.counts["KB010"] == 1


def test_the_index_of_a_commit_whose_parents_are_missing_is_built(tmp_path: Path) -> None:
    """As in a shallow clone, where only the history is cut off."""
    repository = RepoBuilder(tmp_path / "brain")
    repository.commit(GOOD)
    commit = repository.commit({"notes/more.md": "# More\n\ntext\n"})
    shallow = tmp_path / "shallow"
    git(None, "clone", "-q", "--bare", "--depth", "1", f"file://{tmp_path / 'brain'}", str(shallow))
    opened = open_repository(str(shallow), settings=Settings(home=tmp_path))
    assert Builder(tmp_path / "home", jobs=1).build(Target(opened, commit)).manifest.documents == len(GOOD) + 1


def test_a_repository_of_another_user_is_read(good: Answers, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root may give files away")
    repository = RepoBuilder(tmp_path / "brain")
    commit = repository.commit(GOOD)
    for folder, _, files in os.walk(tmp_path / "brain"):
        os.chown(folder, 65534, 65534)
        for name in files:
            os.chown(os.path.join(folder, name), 65534, 65534)
    assert _open(tmp_path, commit) == good
