"""Bundle files, read as repositories."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from krate_gitops.errors import UnavailableError
from krate_gitops.git import bundles
from krate_gitops.git.local import Repository
from krate_gitops.git.objects import ObjectReader
from krate_gitops.git.refs import resolve
from krate_gitops.git.repository import open_repository
from krate_gitops.git.request import RefRequest
from krate_gitops.git.trees import list_tree
from krate_gitops.settings import Settings
from tests.repos import RepoBuilder, git


def current(repository: Repository, settings: Settings) -> str:
    return resolve(repository, RefRequest(), now=datetime.now(tz=UTC), settings=settings).resolved_commit


@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
def test_a_bundle_is_read_without_being_touched(tmp_path: Path, settings: Settings, object_format: str) -> None:
    repo = RepoBuilder(tmp_path / "brain", object_format=object_format)
    tip = repo.commit({"notes/a.md": "text"})
    repo.tag("v1", tip, message="annotated")
    bundle = repo.bundle(tmp_path / "odd: name.bundle")
    before = (bundle.read_bytes(), bundle.stat().st_mtime_ns)
    opened = open_repository(str(bundle), settings=settings)
    assert (opened.name, opened.object_format, opened.work_tree) == ("odd: name", object_format, None)
    assert current(opened, settings) == tip
    with ObjectReader(opened) as reader:
        assert [entry.path for entry in list_tree(reader, tip).entries] == ["notes/a.md"]
    assert (bundle.read_bytes(), bundle.stat().st_mtime_ns) == before
    assert {path.name for path in tmp_path.iterdir()} == {"brain", "home", "odd: name.bundle"}


def test_the_second_open_unpacks_nothing_and_a_changed_bundle_is_another(
    repo: RepoBuilder, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.commit({"a.md": "1"})
    path = repo.bundle(tmp_path / "brain.bundle")
    first = open_repository(str(path), settings=settings)
    copy = tmp_path / "copy.bundle"
    copy.write_bytes(path.read_bytes())
    with monkeypatch.context() as patched:
        patched.setattr(bundles, "_unpack", lambda *_: pytest.fail("unpacked again"))
        assert open_repository(str(path), settings=settings) == first
        assert open_repository(str(copy), settings=settings).git_dir == first.git_dir
    tip = repo.commit({"a.md": "2"})
    path.unlink()
    repo.bundle(path)
    assert current(open_repository(str(path), settings=settings), settings) == tip


@pytest.mark.parametrize(
    ("branches", "head", "expected"),
    [
        (["trunk"], "trunk", "trunk"),
        (["main", "trunk"], "trunk", "trunk"),
        (["main", "other"], None, "main"),
        (["only"], None, "only"),
    ],
)
def test_the_default_branch_of_a_bundle_is_where_head_stood(
    repo: RepoBuilder, tmp_path: Path, settings: Settings, branches: list[str], head: str | None, expected: str
) -> None:
    tips = {name: repo.commit({"a.md": name}, branch=name, parents=[]) for name in branches}
    git(repo.git_dir, "symbolic-ref", "HEAD", f"refs/heads/{head or 'absent'}")
    opened = open_repository(str(repo.bundle(tmp_path / "x.bundle")), settings=settings)
    assert current(opened, settings) == tips[expected]


def test_without_a_head_several_branches_have_no_default(repo: RepoBuilder, tmp_path: Path, settings: Settings) -> None:
    for name in ("one", "two"):
        repo.commit({"a.md": name}, branch=name)
    opened = open_repository(str(repo.bundle(tmp_path / "x.bundle")), settings=settings)
    with pytest.raises(UnavailableError) as caught:
        current(opened, settings)
    assert caught.value.code == "MEMORY_REF_NOT_FOUND"
    request = RefRequest(requested_ref="two")
    found = resolve(opened, request, now=datetime.now(tz=UTC), settings=settings, default_branch="two")
    assert found.resolved_commit == repo.tip("two")


def test_a_bundle_that_only_continues_another_is_refused(repo: RepoBuilder, tmp_path: Path, settings: Settings) -> None:
    first = repo.commit({"a.md": "1"})
    repo.commit({"a.md": "2"})
    path = tmp_path / "part.bundle"
    git(repo.git_dir, "bundle", "create", "-q", str(path), "main", f"^{first}")
    with pytest.raises(UnavailableError, match="needs commits") as caught:
        open_repository(str(path), settings=settings)
    assert caught.value.code == "MEMORY_REPOSITORY_UNAVAILABLE"
    assert "git bundle create" in caught.value.hint


@pytest.mark.parametrize("damage", ["cut", "flipped", "header only", "not a bundle"])
def test_a_damaged_bundle_is_unavailable_and_leaves_nothing(
    repo: RepoBuilder, tmp_path: Path, settings: Settings, damage: str
) -> None:
    repo.commit({f"{number}.md": "text" * number for number in range(20)})
    path = repo.bundle(tmp_path / "brain.bundle")
    content = path.read_bytes()
    middle = len(content) - 200
    path.write_bytes(
        {
            "cut": content[:middle],
            "flipped": content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :],
            "header only": content[: content.index(b"\n\n") + 2],
            "not a bundle": b"PK\3\4",
        }[damage]
    )
    with pytest.raises(UnavailableError) as caught:
        open_repository(str(path), settings=settings)
    assert caught.value.code == "MEMORY_REPOSITORY_UNAVAILABLE"
    folder = settings.home / "bundles"
    assert not folder.exists() or list(folder.iterdir()) == []


def test_several_that_open_a_bundle_at_once_share_the_result(
    repo: RepoBuilder, tmp_path: Path, settings: Settings
) -> None:
    repo.commit({f"{number}.md": "text" for number in range(100)})
    path, opened = repo.bundle(tmp_path / "brain.bundle"), []
    threads = [
        threading.Thread(target=lambda: opened.append(open_repository(str(path), settings=settings))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 4
    assert len({repository.git_dir for repository in opened}) == 1
    assert len(list((settings.home / "bundles").iterdir())) == 1


def test_a_real_brain_is_read_from_its_bundle(shared_dir: Path, settings: Settings) -> None:
    opened = open_repository(str(shared_dir / "data" / "atlas-brain.bundle"), settings=settings)
    with ObjectReader(opened) as reader:
        found = list_tree(reader, current(opened, settings))
        assert len(found.entries) > 2_000
        assert found.problems == []
        sizes = [len(data or b"") for *_, data in reader.stream([entry.oid for entry in found.entries])]
    assert sizes == [entry.size for entry in found.entries]
