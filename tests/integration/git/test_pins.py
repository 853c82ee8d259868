"""Pins that can't be made say so, and leave nothing half-done."""

from __future__ import annotations

from pathlib import Path

import pytest

from krate_gitops.errors import UnavailableError
from krate_gitops.git.local import find_repository
from krate_gitops.git.pins import PINS, pin_commit, pinned_repository
from krate_gitops.settings import Settings
from tests.repos import RepoBuilder, git


def test_a_home_that_takes_no_folder_is_named(tmp_path: Path) -> None:
    repo = RepoBuilder(tmp_path / "brain")
    commit = repo.commit({"a.md": "1"})
    home = tmp_path / "home"
    home.mkdir()
    (home / "pins").write_text("in the way")
    with pytest.raises(UnavailableError) as caught:
        pin_commit(find_repository(repo.path), commit, settings=Settings(home=home))
    assert (caught.value.code, caught.value.location) == ("MEMORY_REPOSITORY_UNAVAILABLE", str(home / "pins"))
    assert "can't be kept" in caught.value.message


@pytest.mark.parametrize("lost", ["commit", "blob"])
def test_a_commit_that_is_not_whole_is_not_pinned(tmp_path: Path, lost: str) -> None:
    repo = RepoBuilder(tmp_path / "brain")
    commit = repo.commit({"a.md": "1"})
    oid = commit if lost == "commit" else git(repo.git_dir, "rev-parse", f"{commit}:a.md").decode().strip()
    (repo.git_dir / "objects" / oid[:2] / oid[2:]).unlink()
    settings = Settings(home=tmp_path / "home")
    with pytest.raises(UnavailableError) as caught:
        pin_commit(find_repository(repo.path), commit, settings=settings)
    assert caught.value.code == "MEMORY_REPOSITORY_UNAVAILABLE"
    assert pinned_repository("brain", commit, settings=settings) is None
    assert git(settings.home / "pins" / "sha1.git", "for-each-ref", PINS) == b""
