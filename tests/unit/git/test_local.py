"""Which repository a path belongs to."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from krate_gitops.errors import UnavailableError, UsageError
from krate_gitops.git.local import find_repository
from krate_gitops.git.refs import resolve
from krate_gitops.git.remotes import is_url, parse_remote
from krate_gitops.git.repository import open_repository
from krate_gitops.git.request import RefRequest
from krate_gitops.settings import Settings
from tests.repos import FIRST_COMMIT_TIME, RepoBuilder, git

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def test_a_bare_repository_a_work_tree_and_a_folder_in_it_are_found(tmp_path: Path, settings: Settings) -> None:
    bare = RepoBuilder(tmp_path / "brain.git")
    found = open_repository(str(bare.path), settings=settings)
    assert (found.git_dir, found.name, found.work_tree, found.object_format) == (bare.path, "brain", None, "sha1")
    assert open_repository(str(bare.path / "refs"), settings=settings) == found
    checkout = RepoBuilder(tmp_path / "checkout", bare=False, object_format="sha256")
    checkout.commit({"notes/deep/a.md": "text"})
    checkout.checkout()
    for path in (checkout.path, checkout.path / "notes" / "deep", checkout.path / "notes" / "deep" / "a.md"):
        found = open_repository(str(path), settings=settings)
        assert (found.git_dir, found.name, found.work_tree) == (checkout.git_dir, "checkout", checkout.path)
        assert found.object_format == "sha256"
    assert find_repository(checkout.git_dir).work_tree == checkout.path


def test_linked_work_trees_share_objects_and_have_a_head_of_their_own(tmp_path: Path, settings: Settings) -> None:
    main = RepoBuilder(tmp_path / "main", bare=False)
    main.commit({"a.md": "1"})
    topic = main.commit({"a.md": "2"}, branch="topic", parents=[main.tip() or ""])
    git(main.git_dir, "worktree", "add", "-q", str(tmp_path / "linked"), "topic")
    found = find_repository(tmp_path / "linked")
    assert found.common_dir.resolve() == main.git_dir
    assert resolve(found, RefRequest(), now=NOW, settings=settings).resolved_commit == topic


def test_relative_paths_symlinks_and_odd_names_work(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("-x", "a:b", "c::d", "ünï code", "https:"):
        repo = RepoBuilder(tmp_path / "odd" / name)
        assert open_repository(str(repo.path), settings=settings).git_dir == repo.path
        monkeypatch.chdir(repo.path.parent)
        assert open_repository(name, settings=settings).git_dir == repo.path
    (tmp_path / "link").symlink_to(repo.path)
    assert open_repository(str(tmp_path / "link"), settings=settings).git_dir == repo.path


@pytest.mark.parametrize("spec", ["/absent", "absent", "", "\0", "x" * 5_000, "/", "/etc/hostname"])
def test_what_is_no_repository_is_unavailable(spec: str, settings: Settings) -> None:
    with pytest.raises(UnavailableError) as caught:
        open_repository(spec, settings=settings)
    assert (caught.value.code, caught.value.exit_code) == ("MEMORY_REPOSITORY_UNAVAILABLE", 3)
    assert caught.value.hint


def test_a_broken_link_to_a_repository_is_unavailable(tmp_path: Path, settings: Settings) -> None:
    (tmp_path / ".git").write_text("gitdir: /absent\n")
    with pytest.raises(UnavailableError, match="not in a Git repository"):
        open_repository(str(tmp_path), settings=settings)


def test_a_repository_of_an_unknown_version_says_so(repo: RepoBuilder, settings: Settings) -> None:
    git(repo.git_dir, "config", "core.repositoryFormatVersion", "99")
    with pytest.raises(UnavailableError, match="99"):
        open_repository(str(repo.path), settings=settings)


def test_the_callers_git_environment_is_not_obeyed(
    repo: RepoBuilder, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = RepoBuilder(tmp_path / "other")
    other.commit({"a.md": "other"})
    tip = repo.commit({"a.md": "mine"}, at=FIRST_COMMIT_TIME)
    for name in ("GIT_DIR", "GIT_COMMON_DIR"):
        monkeypatch.setenv(name, str(other.path))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(other.path / "objects"))
    monkeypatch.setenv("GIT_NAMESPACE", "evil")
    found = open_repository(str(repo.path), settings=settings)
    assert resolve(found, RefRequest(), now=NOW, settings=settings).resolved_commit == tip


def test_hostile_configuration_of_a_repository_starts_no_program(
    repo: RepoBuilder, tmp_path: Path, settings: Settings
) -> None:
    tip, trace = repo.commit({"a.md": "1"}), tmp_path / "ran"
    for name in ("core.fsmonitor", "core.sshCommand", "core.pager", "core.editor", "core.alternateRefsCommand"):
        git(repo.git_dir, "config", name, f"touch {trace}")
    git(repo.git_dir, "config", "uploadpack.packObjectsHook", f"touch {trace}")
    git(repo.git_dir, "config", "core.worktree", "/")
    assert resolve(find_repository(repo.path), RefRequest(), now=NOW, settings=settings).resolved_commit == tip
    assert not trace.exists()


@pytest.mark.parametrize(
    "spec",
    [
        "https://user:hidden@example.com/x.git",
        "https://hidden@example.com/x.git",
        "ssh://git:hidden@example.com/x.git",
        "http://:hidden@example.com/x",
        "https://example.com/x?access_token=hidden",
        "ext::sh -c 'touch x'",
        "ftp://example.com/x",
        "javascript://example.com/x",
        "file:///etc",
        "ssh://-oProxyCommand=x/x",
        "ssh://-oProxyCommand=x@example.com/x",
        "https://",
        "https:///x",
        "https://example.com",
        "https://example.com/\nx",
        "https://exa mple.com/x",
    ],
)
def test_addresses_that_may_not_be_used_are_refused_without_repeating_secrets(spec: str, settings: Settings) -> None:
    with pytest.raises(UsageError) as caught:
        open_repository(spec, settings=settings)
    assert caught.value.code == "INVALID_REQUEST"
    assert caught.value.message.isprintable()
    assert "hidden" not in str(vars(caught.value))
    assert not (settings.home / "mirrors").exists()


@pytest.mark.parametrize("spec", ["-oProxyCommand=x:y", "git@-oProxyCommand=x:y", "--upload-pack=x", "a b@c:d"])
def test_what_looks_like_an_option_is_only_looked_up_as_a_path(spec: str, settings: Settings) -> None:
    with pytest.raises(UnavailableError, match="no such file"):
        open_repository(spec, settings=settings)


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("https://example.com/acme/brain.git", "brain"),
        ("HTTPS://example.com:8443/acme/brain/", "brain"),
        ("http://[::1]:8080/brain", "brain"),
        ("ssh://git@example.com:22/acme/brain.git", "brain"),
        ("git://example.com/~u/brain", "brain"),
        ("git@example.com:acme/brain.git", "brain"),
        ("example.com:brain", "brain"),
        ("file:///srv/brain.git", "brain"),
    ],
)
def test_usual_addresses_are_taken(spec: str, name: str) -> None:
    assert is_url(spec)
    remote = parse_remote(spec, allow_file_protocol=True)
    assert remote.name == name
    assert remote.key.startswith("brain-")
    assert remote.protocols == (("file",) if spec.startswith("file") else ("https", "http", "ssh", "git"))
