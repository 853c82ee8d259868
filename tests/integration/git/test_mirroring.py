"""A whole repository is copied, to a path and over HTTP, and nothing that was written there is overwritten."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from krate_gitops.errors import DeniedError, KrateError, UnavailableError, UsageError
from krate_gitops.git import mirror_source
from krate_gitops.git.every_ref import reachable_objects, read_every_ref
from krate_gitops.git.local import Repository, repository_at
from krate_gitops.git.mirror_plan import plan_mirror
from krate_gitops.git.mirroring import Mirrored, mirror
from krate_gitops.git.repository import open_repository
from krate_gitops.settings import Settings
from tests.integration.git.servers import git_backend, hang, serve
from tests.killed import calls_of, killed_after
from tests.repos import RepoBuilder, git


def filled(repo: RepoBuilder) -> RepoBuilder:
    """Two branches, a merge, every kind of tag, and notes."""
    first = repo.commit({"notes/a.md": "one\n"})
    side = repo.commit({"notes/side.md": "side\n"}, branch="krate/agent-memory/adr-1", parents=[first])
    merge = repo.merge(side)
    repo.tag("light", merge)
    tag = repo.tag("v1", merge, message="first release")
    repo.tag("tag-of-a-tag", tag, message="again", kind="tag")
    repo.tag("a-blob", repo.blob("just a blob\n"), message="of a blob", kind="blob")
    repo.tag("memory/snapshots/2026-06-01T000000Z", first, message="{}")
    git(repo.git_dir, "notes", "add", "-m", "reviewed", merge)
    git(repo.git_dir, "notes", "--ref=other", "add", "-m", "seen", first)
    return repo


def every_ref(git_dir: Path) -> list[str]:
    listed = git(git_dir, "for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags", "refs/notes")
    return listed.decode("utf-8", "surrogateescape").splitlines()


class Place:
    """A source, a place to mirror to, and how that is reached."""

    def __init__(self, source: RepoBuilder, to: Path, spec: str, settings: Settings) -> None:
        self.source, self.to, self.spec, self.settings = source, to, spec, settings

    def mirror(self, source: str | None = None, prune: bool = False) -> Mirrored:
        repository = open_repository(source or str(self.source.path), settings=self.settings)
        return mirror(repository, self.spec, settings=self.settings, prune=prune)

    @property
    def is_equal(self) -> bool:
        return every_ref(self.source.git_dir) == every_ref(self.to)


@pytest.fixture(params=["sha1", "sha256"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> RepoBuilder:
    return filled(RepoBuilder(tmp_path / "brain.git", object_format=request.param))


@pytest.fixture(params=["path", "http"])
def place(request: pytest.FixtureRequest, source: RepoBuilder, tmp_path: Path, home: Path) -> Iterator[Place]:
    settings = Settings(home=home, deadline_seconds=60)
    to = tmp_path / "served" / "to.git"
    if request.param == "path":
        yield Place(source, to, str(to), settings)
        return
    RepoBuilder(to, object_format=source.object_format)
    git(to, "config", "http.receivepack", "true")
    with serve(git_backend(to.parent)) as url:
        yield Place(source, to, f"{url}/to.git", settings)


def test_every_branch_tag_and_note_is_copied_by_its_id(place: Place) -> None:
    found = place.mirror()
    assert place.is_equal
    assert (found.refs, found.created, found.unchanged) == (9, 9, 0)
    assert (found.default_branch, found.object_format) == ("main", place.source.object_format)
    assert git(place.to, "fsck", "--full", "--strict") is not None
    source, copy = (repository_at(git_dir, name="x") for git_dir in (place.source.git_dir, place.to))
    refs = read_every_ref(source)
    assert reachable_objects(source, refs) == reachable_objects(copy, refs)


def test_doing_it_again_changes_nothing(place: Place) -> None:
    place.mirror()
    before = sorted((path, path.stat().st_mtime_ns) for path in place.to.rglob("*.pack"))
    found = place.mirror()
    assert (found.created, found.updated, found.deleted, found.unchanged) == (0, 0, 0, 9)
    assert sorted((path, path.stat().st_mtime_ns) for path in place.to.rglob("*.pack")) == before


def test_a_former_mirror_goes_on_with_its_source(place: Place) -> None:
    place.mirror()
    tip = place.source.commit({"notes/b.md": "two\n"})
    place.source.tag("v2", tip, message="second")
    git(place.source.git_dir, "notes", "add", "-m", "new", tip)
    found = place.mirror()
    assert place.is_equal
    assert (found.created, found.updated) == (1, 2)


def test_a_branch_that_was_written_to_there_is_refused_and_nothing_moves(place: Place) -> None:
    place.mirror()
    theirs = git(place.to, "commit-tree", "-p", "main", "-m", "theirs", "main^{tree}").decode().strip()
    git(place.to, "update-ref", "refs/heads/main", theirs)
    place.source.commit({"notes/b.md": "two\n"})
    place.source.commit({"notes/c.md": "three\n"}, branch="new")
    before = every_ref(place.to)
    with pytest.raises(KrateError, match="refs/heads/main") as caught:
        place.mirror()
    assert (caught.value.code, caught.value.location) == ("MIRROR_DIVERGED", "refs/heads/main")
    assert every_ref(place.to) == before


def test_a_branch_that_is_ahead_there_is_refused(place: Place) -> None:
    place.mirror()
    place.source.branch("main", place.source.commit({"notes/a.md": "x\n"}, parents=[]))
    with pytest.raises(KrateError) as caught:
        place.mirror()
    assert caught.value.code == "MIRROR_DIVERGED"


def test_a_tag_never_moves_not_even_onwards(place: Place) -> None:
    place.mirror()
    tip = place.source.commit({"notes/b.md": "two\n"})
    place.source.tag("light", tip)
    with pytest.raises(KrateError, match="refs/tags/light") as caught:
        place.mirror()
    assert caught.value.code == "MIRROR_DIVERGED"


def test_what_the_source_has_no_longer_is_deleted_only_when_asked_for(place: Place) -> None:
    place.mirror()
    place.source.ref("refs/heads/krate/agent-memory/adr-1", None)
    (place.source.git_dir / "refs/heads/krate/agent-memory").rmdir()
    place.source.branch("krate/agent-memory", place.source.commit({"notes/z.md": "z\n"}, branch="z"))
    with pytest.raises(KrateError, match="also has refs/heads/krate/agent-memory/adr-1") as caught:
        place.mirror()
    assert "--prune" in caught.value.hint
    found = place.mirror(prune=True)
    assert (found.deleted, place.is_equal) == (1, True)


def test_a_repository_of_something_else_is_no_mirror_even_with_prune(
    tmp_path: Path, home: Path, source: RepoBuilder
) -> None:
    other = RepoBuilder(tmp_path / "other.git", default_branch="trunk", object_format=source.object_format)
    other.commit({"README.md": "else\n"}, branch="trunk")
    place = Place(source, other.path, str(other.path), Settings(home=home))
    with pytest.raises(KrateError, match="has no refs/heads/main") as caught:
        place.mirror(prune=True)
    assert caught.value.code == "MIRROR_DIVERGED"
    assert len(every_ref(other.git_dir)) == 1


def test_names_that_look_like_options_and_odd_bytes_are_copied(place: Place) -> None:
    tip = place.source.tip()
    assert tip is not None
    lines = [
        b"create refs/heads/" + name + b" " + tip.encode() for name in (b"-D", b"--all", b"a'b;$(x)", b"\xe2\x80\xaex")
    ]
    git(place.source.git_dir, "update-ref", "--stdin", stdin=b"\n".join([*lines, b""]))
    git(place.source.git_dir, "update-ref", "-z", "--stdin", stdin=b"create refs/heads/b\xff\0" + tip.encode() + b"\0")
    place.mirror()
    assert place.is_equal
    assert len(every_ref(place.to)) == 14


def test_a_ref_that_git_would_pass_over_in_silence_is_refused(place: Place) -> None:
    place.source.ref("refs/heads/broken", "not an id")
    with pytest.raises(UnavailableError, match="broken") as caught:
        place.mirror()
    assert caught.value.code == "MEMORY_REPOSITORY_UNAVAILABLE"
    assert not place.to.exists() or every_ref(place.to) == []


def test_missing_objects_move_no_ref_and_leave_nothing(place: Place) -> None:
    blob = place.source.files(place.source.tip() or "")["notes/side.md"][1]
    (place.source.git_dir / "objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(UnavailableError) as caught:
        place.mirror()
    assert caught.value.code == "MEMORY_REPOSITORY_UNAVAILABLE"
    assert not place.to.exists() or every_ref(place.to) == []
    assert [path.name for path in place.to.parent.glob(".new-*")] == []


def test_a_shallow_or_partial_source_is_refused(tmp_path: Path, source: RepoBuilder, home: Path) -> None:
    for option in ("--depth=1", "--filter=blob:none"):
        clone = tmp_path / f"clone{option}"
        git(None, "clone", "-q", "--bare", "--no-local", option, f"file://{source.path}", str(clone),
            env={"GIT_ALLOW_PROTOCOL": "file"})  # fmt: skip
        with pytest.raises(UnavailableError):
            Place(source, tmp_path / "to", str(tmp_path / "to"), Settings(home=home)).mirror(str(clone))
    assert not (tmp_path / "to").exists()


def test_a_bundle_can_be_the_source_with_its_notes(place: Place, tmp_path: Path) -> None:
    bundle = place.source.bundle(tmp_path / "brain.bundle")
    place.mirror(str(bundle))
    assert place.is_equal


def test_a_bundle_that_was_unpacked_without_notes_gets_them(place: Place, tmp_path: Path) -> None:
    bundle = place.source.bundle(tmp_path / "brain.bundle")
    unpacked = open_repository(str(bundle), settings=place.settings)
    for name in ("commits", "other"):
        git(unpacked.git_dir, "update-ref", "-d", f"refs/notes/{name}")
    place.mirror(str(bundle))
    assert place.is_equal


def test_an_address_can_be_the_source_with_its_notes(tmp_path: Path, source: RepoBuilder, home: Path) -> None:
    to = tmp_path / "to"
    with serve(git_backend(tmp_path)) as url:
        place = Place(source, to, str(to), Settings(home=home, deadline_seconds=60))
        place.mirror(f"{url}/brain.git")
        assert place.is_equal
        source.commit({"notes/b.md": "two\n"})
        place.mirror(f"{url}/brain.git")
        assert place.is_equal


def test_the_default_branch_is_that_of_the_source(tmp_path: Path, home: Path) -> None:
    source = RepoBuilder(tmp_path / "brain.git", default_branch="trunk")
    source.commit({"a": "1"}, branch="trunk")
    source.commit({"a": "2"}, branch="main")
    to = tmp_path / "to"
    found = Place(source, to, str(to), Settings(home=home)).mirror()
    assert (found.default_branch, found.head) == ("trunk", "trunk")
    assert git(to, "symbolic-ref", "HEAD").decode().strip() == "refs/heads/trunk"


def test_another_default_branch_over_there_is_told(place: Place) -> None:
    if not place.spec.startswith("http"):
        pytest.skip("a mirror on this machine gets its default branch from the source")
    git(place.to, "symbolic-ref", "HEAD", "refs/heads/krate/agent-memory/adr-1")
    found = place.mirror()
    assert (found.default_branch, found.head) == ("main", "krate/agent-memory/adr-1")


def test_a_source_without_commits_is_refused(tmp_path: Path, home: Path) -> None:
    source = RepoBuilder(tmp_path / "brain.git")
    with pytest.raises(UnavailableError, match="nothing to mirror"):
        Place(source, tmp_path / "to", str(tmp_path / "to"), Settings(home=home)).mirror()


def test_a_place_with_files_a_work_tree_or_other_ids_is_refused(
    tmp_path: Path, home: Path, source: RepoBuilder
) -> None:
    files, checkout, file = tmp_path / "files", tmp_path / "checkout", tmp_path / "file"
    files.mkdir()
    (files / "a").write_text("mine")
    file.write_text("mine")
    RepoBuilder(checkout, bare=False)
    other = "sha1" if source.object_format == "sha256" else "sha256"
    RepoBuilder(tmp_path / "ids.git", object_format=other)
    for place in (files, checkout, file, tmp_path / "ids.git", source.path, source.bundle(tmp_path / "x.bundle")):
        with pytest.raises(UsageError) as caught:
            Place(source, place, str(place), Settings(home=home)).mirror()
        assert caught.value.code == "INVALID_REQUEST"
    assert [path.name for path in files.iterdir()] == ["a"]


def test_a_folder_inside_another_checkout_is_a_place_of_its_own(
    tmp_path: Path, home: Path, source: RepoBuilder
) -> None:
    outer = RepoBuilder(tmp_path / "outer", bare=False)
    outer.commit({"a": "1"})
    to = tmp_path / "outer" / "mirrors" / "to.git"
    to.mkdir(parents=True)
    place = Place(source, to, str(to), Settings(home=home))
    place.mirror()
    assert place.is_equal
    assert len(every_ref(outer.git_dir)) == 1


def test_a_killed_copy_is_absent_or_complete_and_the_next_one_finishes_it(
    tmp_path: Path, home: Path, source: RepoBuilder
) -> None:
    settings = Settings(home=home)
    calls = calls_of(lambda: Place(source, tmp_path / "counted", str(tmp_path / "counted"), settings).mirror())
    for part in range(12):
        to = tmp_path / f"to{part}"
        place = Place(source, to, str(to), settings)
        status = killed_after(place.mirror, calls * part // 12)
        assert status < 0
        assert not to.exists() or place.is_equal
        place.mirror()
        assert place.is_equal
        assert not to.with_name(f".new-{to.name}").exists()


def test_a_killed_update_moves_all_refs_or_none(tmp_path: Path, home: Path, source: RepoBuilder) -> None:
    settings = Settings(home=home)
    places = [Place(source, tmp_path / f"to{part}", str(tmp_path / f"to{part}"), settings) for part in range(9)]
    for place in places:
        place.mirror()
    before = every_ref(source.git_dir)
    source.commit({"notes/b.md": "two\n"})
    source.commit({"notes/c.md": "three\n"}, branch="new")
    calls = calls_of(places.pop().mirror)
    for part, place in enumerate(places):
        assert killed_after(place.mirror, calls * part // len(places)) < 0
        assert every_ref(place.to) == before or place.is_equal
        place.mirror()
        assert place.is_equal


def test_a_push_that_is_killed_leaves_all_or_nothing(tmp_path: Path, home: Path, source: RepoBuilder) -> None:
    to = RepoBuilder(tmp_path / "served" / "to.git", object_format=source.object_format)
    git(to.git_dir, "config", "http.receivepack", "true")
    with serve(git_backend(tmp_path / "served")) as url:
        place = Place(source, to.path, f"{url}/to.git", Settings(home=home, deadline_seconds=60))
        for calls in (200, 800, 1600, 2400, 3200):
            killed_after(place.mirror, calls)
            assert every_ref(to.git_dir) == [] or place.is_equal
        place.mirror()
        assert place.is_equal


def test_two_mirrors_at_once_end_in_one(tmp_path: Path, home: Path, source: RepoBuilder) -> None:
    place = Place(source, tmp_path / "to", str(tmp_path / "to"), Settings(home=home))
    failures: list[Exception] = []

    def run() -> None:
        try:
            place.mirror()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (failures, place.is_equal) == ([], True)


def test_a_push_that_is_refused_says_which_refs_and_why(place: Place) -> None:
    if not place.spec.startswith("http"):
        pytest.skip("hooks of a repository on this machine are not run")
    hook = place.to / "hooks" / "update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text('#!/bin/sh\ncase "$1" in refs/notes/*) echo "no notes here"; exit 1;; esac\n')
    hook.chmod(0o755)
    with pytest.raises(DeniedError, match=r"refs/notes/commits: .*no notes here") as caught:
        place.mirror()
    assert caught.value.code == "PUSH_REFUSED"
    assert every_ref(place.to) == []


def test_a_branch_that_moves_there_while_we_push_is_not_overwritten(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.mirror()
    place.source.commit({"notes/b.md": "two\n"})
    theirs = git(place.to, "commit-tree", "-p", "main", "-m", "theirs", "main^{tree}").decode().strip()
    plan = plan_mirror

    def moved_meanwhile(*arguments: object, **how: object) -> object:
        found = plan(*arguments, **how)  # type: ignore[arg-type]
        git(place.to, "update-ref", "refs/heads/main", theirs)
        return found

    monkeypatch.setattr(mirror_source, "plan_mirror", moved_meanwhile)
    with pytest.raises(KrateError) as caught:
        place.mirror()
    assert caught.value.code in ("MEMORY_REF_STALE", "PUSH_REFUSED")
    assert git(place.to, "rev-parse", "main").decode().strip() == theirs


def test_hooks_and_configuration_of_the_source_take_no_part_in_a_push(place: Place, tmp_path: Path) -> None:
    started = tmp_path / "started"
    for key in ("core.sshCommand", "credential.helper", "core.fsmonitor", "core.askPass"):
        git(place.source.git_dir, "config", key, f"!touch {started}")
    git(place.source.git_dir, "config", "url.http://127.0.0.1:1/.insteadOf", "http://127.0.0.1")
    hook = place.source.git_dir / "hooks" / "pre-push"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {started}\n")
    hook.chmod(0o755)
    place.mirror()
    assert place.is_equal
    assert not started.exists()


@pytest.mark.parametrize("to", ["http://user:secret@example.com/x.git", "ext::sh -c id", "ftp://example.com/x"])
def test_an_address_that_may_not_be_used_is_refused_without_its_password(
    source: RepoBuilder, tmp_path: Path, home: Path, to: str
) -> None:
    with pytest.raises(UsageError) as caught:
        Place(source, tmp_path, to, Settings(home=home)).mirror()
    assert "secret" not in caught.value.message + caught.value.hint + caught.value.location


def test_an_address_that_does_not_answer_is_unavailable(source: RepoBuilder, tmp_path: Path, home: Path) -> None:
    settings = Settings(home=home, deadline_seconds=0.5)
    with serve(hang(5)) as url, pytest.raises(UnavailableError) as caught:
        Place(source, tmp_path, f"{url}/x.git", settings).mirror()
    assert caught.value.code == "MEMORY_REPOSITORY_UNAVAILABLE"


def test_a_place_that_cannot_be_written_is_unavailable(source: RepoBuilder, tmp_path: Path, home: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file")
    to = blocked / "to.git"
    with pytest.raises(UnavailableError) as caught:
        Place(source, to, str(to), Settings(home=home)).mirror()
    assert caught.value.code == "MEMORY_REPOSITORY_UNAVAILABLE"


def test_a_server_without_atomic_pushes_is_pushed_to_all_the_same(place: Place) -> None:
    if not place.spec.startswith("http"):
        pytest.skip("only a server can be without them")
    git(place.to, "config", "receive.advertiseAtomic", "false")
    place.mirror()
    assert place.is_equal


def test_symbolic_refs_are_copied_as_what_they_stand_for(place: Place) -> None:
    git(place.source.git_dir, "symbolic-ref", "refs/heads/alias", "refs/heads/main")
    place.mirror()
    assert place.is_equal
    assert not (place.to / "refs/heads/alias").is_file() or "ref:" not in (place.to / "refs/heads/alias").read_text()


def test_other_refs_of_either_side_stay_where_they_are(place: Place) -> None:
    tip = place.source.tip()
    assert tip is not None
    place.source.ref("refs/pull/1/head", tip)
    place.mirror()
    git(place.to, "update-ref", "refs/krate/pins/x", tip)
    place.source.commit({"notes/b.md": "two\n"})
    place.mirror()
    listed = git(place.to, "for-each-ref", "--format=%(refname)").decode().split()
    assert "refs/pull/1/head" not in listed
    assert "refs/krate/pins/x" in listed


def test_only_what_is_new_is_copied(place: Place) -> None:
    place.source.commit({"notes/big.md": os.urandom(300_000)})
    place.mirror()
    before = sum(path.stat().st_size for path in (place.to / "objects").rglob("*") if path.is_file())
    place.source.commit({"notes/small.md": "small\n"})
    place.mirror()
    after = sum(path.stat().st_size for path in (place.to / "objects").rglob("*") if path.is_file())
    assert after - before < 20_000


def test_progress_is_told(source: RepoBuilder, tmp_path: Path, home: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    repository: Repository = open_repository(str(source.path), settings=Settings(home=home))
    mirror(repository, str(tmp_path / "to"), settings=Settings(home=home), progress=lambda *step: seen.append(step))
    assert ("megabytes", 0, 0) in seen
    assert seen[-1] == ("refs", 9, 9)


def test_the_result_can_be_told_as_json(source: RepoBuilder, tmp_path: Path, home: Path) -> None:
    found = Place(source, tmp_path / "to", str(tmp_path / "to"), Settings(home=home)).mirror()
    assert msgspec.to_builtins(found)["defaultBranch"] == "main"


def test_a_repository_of_another_user_can_be_copied(tmp_path: Path, home: Path, source: RepoBuilder) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    subprocess.run(["chown", "-R", "nobody", str(source.path)], check=True)
    place = Place(source, tmp_path / "to", str(tmp_path / "to"), Settings(home=home))
    place.mirror()
    subprocess.run(["chown", "-R", str(os.geteuid()), str(source.path)], check=True)
    assert place.is_equal
