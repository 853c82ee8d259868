"""Mirrors of remotes that behave, and of remotes that don't."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from krate_gitops.errors import KrateError, UnavailableError
from krate_gitops.git.local import Repository
from krate_gitops.git.objects import ObjectReader
from krate_gitops.git.refs import resolve
from krate_gitops.git.repository import open_repository
from krate_gitops.git.request import RefRequest
from krate_gitops.git.trees import list_tree
from krate_gitops.settings import Settings
from tests.integration.git.servers import garbage, git_backend, hang, redirect_to, serve
from tests.repos import RepoBuilder, git


@pytest.fixture
def remote(tmp_path: Path) -> RepoBuilder:
    return RepoBuilder(tmp_path / "srv" / "brain.git")


@pytest.fixture
def seen() -> list[str]:
    """Requests the server got."""
    return []


@pytest.fixture
def url(remote: RepoBuilder, seen: list[str]) -> Iterator[str]:
    with serve(git_backend(remote.path.parent, seen=seen)) as base:
        yield f"{base}/brain.git"


def current(repository: Repository, settings: Settings) -> str:
    return resolve(repository, RefRequest(), now=datetime.now(tz=UTC), settings=settings).resolved_commit


def failure(spec: str, settings: Settings) -> KrateError:
    with pytest.raises(UnavailableError) as caught:
        open_repository(spec, settings=settings)
    assert caught.value.code == "MEMORY_REPOSITORY_UNAVAILABLE"
    assert caught.value.hint
    return caught.value


# Remotes that behave


def test_a_url_is_mirrored_and_follows_the_remote(remote: RepoBuilder, url: str, settings: Settings) -> None:
    first = remote.commit({"notes/a.md": "text"})
    remote.tag("v1", first, message="annotated")
    mirror = open_repository(url, settings=settings)
    assert mirror.git_dir.is_relative_to(settings.home / "mirrors")
    assert (mirror.name, mirror.work_tree, current(mirror, settings)) == ("brain", None, first)
    with ObjectReader(mirror) as reader:
        assert [entry.path for entry in list_tree(reader, first).entries] == ["notes/a.md"]
    second = remote.commit({"notes/a.md": "changed"})
    remote.branch("topic", first)
    remote.ref("refs/tags/v1", None)
    assert current(open_repository(url, settings=settings, refresh=False), settings) == first
    assert current(open_repository(url, settings=settings), settings) == second
    assert git(mirror.git_dir, "for-each-ref", "--format=%(refname)").decode().split() == [
        "refs/heads/main",
        "refs/heads/topic",
    ]


def test_nothing_new_costs_one_question(remote: RepoBuilder, url: str, settings: Settings, seen: list[str]) -> None:
    remote.commit({"a.md": "text"})
    open_repository(url, settings=settings)
    seen.clear()
    open_repository(url, settings=settings)
    assert seen == ["GET refs", "POST git-upload-pack"]
    seen.clear()
    open_repository(url, settings=settings, refresh=False)
    assert seen == []


def test_the_default_branch_follows_the_remotes_head(remote: RepoBuilder, url: str, settings: Settings) -> None:
    remote.commit({"a.md": "1"})
    open_repository(url, settings=settings)
    trunk = remote.commit({"a.md": "2"}, branch="trunk/prod")
    git(remote.git_dir, "symbolic-ref", "HEAD", "refs/heads/trunk/prod")
    remote.ref("refs/heads/main", None)
    assert current(open_repository(url, settings=settings), settings) == trunk


def test_branches_that_turn_into_folders_of_branches_are_followed(
    remote: RepoBuilder, url: str, settings: Settings
) -> None:
    tip = remote.commit({"a.md": "1"})
    remote.branch("topic", tip)
    open_repository(url, settings=settings)
    remote.ref("refs/heads/topic", None)
    remote.branch("topic/one", tip)
    mirror = open_repository(url, settings=settings)
    assert b"refs/heads/topic/one" in git(mirror.git_dir, "for-each-ref")
    remote.ref("refs/heads/topic/one", None)
    (remote.git_dir / "refs/heads/topic").rmdir()
    remote.branch("topic", tip)
    open_repository(url, settings=settings)
    assert b"refs/heads/topic\n" in git(mirror.git_dir, "for-each-ref")


def test_a_commit_outlives_a_force_push_and_the_remotes_garbage_collection(
    remote: RepoBuilder, url: str, settings: Settings
) -> None:
    root = remote.commit({"a.md": "1"})
    pinned = remote.commit({"a.md": "pinned"})
    open_repository(url, settings=settings)
    forced = remote.commit({"a.md": "3"}, parents=[root])
    git(remote.git_dir, "gc", "--prune=now", "--quiet")
    mirror = open_repository(url, settings=settings)
    assert current(mirror, settings) == forced
    with ObjectReader(mirror) as reader:
        assert [reader.read(entry.oid).data for entry in list_tree(reader, pinned).entries] == [b"pinned"]


def test_an_empty_remote_and_its_first_commit(remote: RepoBuilder, url: str, settings: Settings) -> None:
    mirror = open_repository(url, settings=settings)
    with pytest.raises(UnavailableError) as caught:
        current(mirror, settings)
    assert caught.value.code == "MEMORY_REF_NOT_FOUND"
    tip = remote.commit({"a.md": "1"})
    assert current(open_repository(url, settings=settings), settings) == tip


def test_a_sha_256_remote_is_mirrored(tmp_path: Path, settings: Settings) -> None:
    remote = RepoBuilder(tmp_path / "srv" / "new.git", object_format="sha256")
    tip = remote.commit({"a.md": "1"})
    with serve(git_backend(tmp_path / "srv")) as base:
        mirror = open_repository(f"{base}/new.git", settings=settings)
    assert mirror.object_format == "sha256"
    assert current(mirror, settings) == tip


def test_other_refs_of_a_forge_are_left_behind(remote: RepoBuilder, url: str, settings: Settings) -> None:
    tip = remote.commit({"a.md": "1"})
    proposal = remote.commit({"a.md": "2"}, branch="gone", parents=[tip])
    remote.ref("refs/heads/gone", None)
    remote.ref("refs/pull/1/head", proposal)
    mirror = open_repository(url, settings=settings)
    with ObjectReader(mirror) as reader:
        assert reader.header(proposal) is None


def test_a_tree_with_hostile_names_is_mirrored(remote: RepoBuilder, url: str, settings: Settings) -> None:
    blob = remote.blob("text")
    commit = remote.raw_commit(remote.raw_tree([(0o100644, "..", blob), (0o100644, "a.md", blob)]))
    remote.branch("main", commit)
    with ObjectReader(open_repository(url, settings=settings)) as reader:
        found = list_tree(reader, commit)
    assert [entry.path for entry in found.entries] == ["a.md"]
    assert len(found.problems) == 1


def test_a_file_url_needs_permission(remote: RepoBuilder, settings: Settings) -> None:
    tip = remote.commit({"a.md": "1"})
    with pytest.raises(KrateError) as caught:
        open_repository(f"file://{remote.path}", settings=settings)
    assert caught.value.code == "INVALID_REQUEST"
    allowed = msgspec.structs.replace(settings, allow_file_protocol=True)
    assert current(open_repository(f"file://{remote.path}", settings=allowed), allowed) == tip


# Several at once, and crashes


def _open_in_child(url: str, home: Path, barrier: object, results: object) -> None:
    settings = Settings(home=home, deadline_seconds=30)
    barrier.wait()  # type: ignore[attr-defined]
    results.put(current(open_repository(url, settings=settings), settings))  # type: ignore[attr-defined]


def test_processes_that_mirror_the_same_remote_at_once_agree(remote: RepoBuilder, url: str, settings: Settings) -> None:
    tip = remote.commit({f"{number}.md": "text" * number for number in range(200)})
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(3), context.Queue()
    children = [context.Process(target=_open_in_child, args=(url, settings.home, barrier, results)) for _ in range(3)]
    for child in children:
        child.start()
    assert [results.get(timeout=60) for _ in children] == [tip] * 3
    for child in children:
        child.join()
    assert sorted(path.suffix for path in (settings.home / "mirrors").iterdir()) == [".git", ".lock"]


def test_threads_that_refresh_at_once_agree(remote: RepoBuilder, url: str, settings: Settings) -> None:
    remote.commit({"a.md": "1"})
    open_repository(url, settings=settings)
    tip = remote.commit({"a.md": "2"})
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(current(open_repository(url, settings=settings), settings)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [tip] * 4


_KILLED = """
import sys
from pathlib import Path
from krate_gitops.git.repository import open_repository
from krate_gitops.settings import Settings
open_repository(sys.argv[1], settings=Settings(home=Path(sys.argv[2]), deadline_seconds=60))
"""


def kill_while_fetching(url: str, home: Path, started: threading.Event) -> None:
    """Starts a refresh in a process of its own and kills it, with its children, once the server is asked."""
    child = subprocess.Popen([sys.executable, "-c", _KILLED, url, str(home)], start_new_session=True)
    assert started.wait(30)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()


def test_a_killed_fetch_leaves_the_old_state_and_the_next_one_recovers(remote: RepoBuilder, settings: Settings) -> None:
    first = remote.commit({"a.md": "1"})
    started, release = threading.Event(), threading.Event()
    honest = git_backend(remote.path.parent)
    is_slow = False

    def slow(request: object) -> None:
        if is_slow and request.command == "POST":  # type: ignore[attr-defined]
            started.set()
            release.wait(30)
        honest(request)  # type: ignore[arg-type]

    with serve(slow) as base:
        url = f"{base}/brain.git"
        mirror = open_repository(url, settings=settings)
        second = remote.commit({"a.md": "2"})
        is_slow = True
        kill_while_fetching(url, settings.home, started)
        assert current(open_repository(url, settings=settings, refresh=False), settings) == first
        # What a git that was killed later would have left behind.
        for name in ("HEAD.lock", "packed-refs.lock", "refs/heads/main.lock", "objects/pack/tmp_pack_x"):
            (mirror.git_dir / name).parent.mkdir(parents=True, exist_ok=True)
            (mirror.git_dir / name).write_text("")
        is_slow = False
        release.set()
        assert current(open_repository(url, settings=settings), settings) == second
        assert not list(mirror.git_dir.glob("**/*.lock"))
        assert not list(mirror.git_dir.glob("objects/pack/tmp_*"))


def test_a_killed_first_copy_leaves_no_mirror(remote: RepoBuilder, settings: Settings) -> None:
    tip = remote.commit({"a.md": "1"})
    started, release = threading.Event(), threading.Event()
    honest = git_backend(remote.path.parent)

    def slow(request: object) -> None:
        is_fetch = request.command == "POST" and started.is_set() is False  # type: ignore[attr-defined]
        if is_fetch:
            started.set()
            release.wait(30)
        honest(request)  # type: ignore[arg-type]

    with serve(slow) as base:
        kill_while_fetching(f"{base}/brain.git", settings.home, started)
        assert not list((settings.home / "mirrors").glob("brain-*.git"))
        release.set()
        assert current(open_repository(f"{base}/brain.git", settings=settings), settings) == tip
    assert sorted(path.suffix for path in (settings.home / "mirrors").iterdir()) == [".git", ".lock"]


# Remotes that misbehave


def test_a_pack_cut_off_in_the_middle_changes_nothing(remote: RepoBuilder, settings: Settings) -> None:
    cut: list[int | None] = [None]

    def answer(request: object) -> None:
        git_backend(remote.path.parent, cut_pack_after=cut[0])(request)  # type: ignore[arg-type]

    first = remote.commit({"a.md": "1"})
    with serve(answer) as base:
        url = f"{base}/brain.git"
        open_repository(url, settings=settings)
        second = remote.commit({f"{number}.md": os.urandom(500) for number in range(50)})
        cut[0] = 5_000
        failure(url, settings)
        assert current(open_repository(url, settings=settings, refresh=False), settings) == first
        cut[0] = None
        assert current(open_repository(url, settings=settings), settings) == second


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>login</html>", b"\0\xff" * 5_000, b"001e# service=git-upload-pack\n0000ffff", b"zzzz", b"0000" * 100],
)
def test_a_remote_that_sends_garbage_is_unavailable(content: bytes, settings: Settings) -> None:
    with serve(garbage(content)) as base:
        error = failure(f"{base}/brain.git", settings)
    assert error.message.isprintable()
    assert not list((settings.home / "mirrors").glob("*.git"))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("target", ["other host", "same host", "https://example.com", "file:///etc", "ftp://x"])
def test_a_redirect_is_refused_and_explained(remote: RepoBuilder, settings: Settings, target: str, status: int) -> None:
    remote.commit({"a.md": "1"})
    seen: list[str] = []
    with serve(git_backend(remote.path.parent, seen=seen)) as other:
        place = {"other host": other.replace("127.0.0.1", "localhost"), "same host": other}.get(target, target)
        with serve(redirect_to(place, status)) as base:
            error = failure(f"{base}/brain.git", settings)
    assert "redirects" in error.hint
    assert seen == []


def test_a_remote_that_hangs_is_given_up_at_the_deadline(settings: Settings) -> None:
    impatient = msgspec.structs.replace(settings, deadline_seconds=0.5)
    with serve(hang(10)) as base:
        error = failure(f"{base}/brain.git", impatient)
    assert "seconds" in error.message
    assert error.location.startswith(base)


def test_waiting_for_another_fetch_ends_at_the_deadline(url: str, remote: RepoBuilder, settings: Settings) -> None:
    import fcntl

    remote.commit({"a.md": "1"})
    open_repository(url, settings=settings)
    [lock] = (settings.home / "mirrors").glob("*.lock")
    with lock.open("r+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        impatient = msgspec.structs.replace(settings, deadline_seconds=0.2)
        assert "another process" in failure(url, impatient).message
        assert open_repository(url, settings=impatient, refresh=False).name == "brain"


def test_an_unreachable_remote_keeps_the_mirror(remote: RepoBuilder, settings: Settings) -> None:
    tip = remote.commit({"a.md": "1"})
    with serve(git_backend(remote.path.parent)) as base:
        url = f"{base}/brain.git"
        open_repository(url, settings=settings)
        failure(f"{base}/absent.git", settings)
    error = failure(url, settings)
    assert url in error.message
    assert current(open_repository(url, settings=settings, refresh=False), settings) == tip


def test_a_home_that_cannot_be_written_is_named(url: str, remote: RepoBuilder, tmp_path: Path) -> None:
    remote.commit({"a.md": "1"})
    blocked = tmp_path / "blocked"
    blocked.write_text("")
    assert "home" in failure(url, Settings(home=blocked)).hint


def test_what_a_remote_says_is_shown_without_control_characters(settings: Settings) -> None:
    def refuse(request: object) -> None:
        request.send_response(403, "no \x1b[31mway")  # type: ignore[attr-defined]
        request.end_headers()  # type: ignore[attr-defined]

    with serve(refuse) as base:
        assert failure(f"{base}/brain.git", settings).message.isprintable()


def test_a_remote_that_asks_for_a_password_does_not_prompt(settings: Settings) -> None:
    def ask(request: object) -> None:
        request.send_response(401)  # type: ignore[attr-defined]
        request.send_header("WWW-Authenticate", 'Basic realm="x"')  # type: ignore[attr-defined]
        request.end_headers()  # type: ignore[attr-defined]

    with serve(ask) as base:
        assert "access rights" in failure(f"{base}/brain.git", settings).hint
