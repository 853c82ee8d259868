"""Snapshot tags: made once, pushed where they belong, and refused when somebody moved them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from krate_gitops.digest import canonical_json
from krate_gitops.errors import KrateError, UnavailableError, UsageError
from krate_gitops.git.repository import open_repository
from krate_gitops.git.request import RefMode, RefRequest
from krate_gitops.git.snapshot_tags import create_snapshot_tag
from krate_gitops.memory.take import tag_snapshot
from krate_gitops.settings import Settings
from tests.integration.git.servers import git_backend, serve
from tests.repos import git
from tests.snapshots import Desk
from tests.unit.memory.world import ONTOLOGY

NOW = datetime(2026, 6, 1, 8, 0, 0, 900_000, tzinfo=UTC)
STAMP = "2026-06-01T080000Z"


@pytest.fixture
def desk(tmp_path: Path, home: Path) -> Desk:
    return Desk(tmp_path / "srv", Settings(home=home, deadline_seconds=30))


@pytest.fixture
def remote(desk: Desk) -> Iterator[Desk]:
    """The same brain, read from a server that takes pushes."""
    git(desk.repo.git_dir, "config", "http.receivepack", "true")
    with serve(git_backend(desk.repo.path.parent)) as base:
        desk.spec = f"{base}/brain"
        yield desk


def create(desk: Desk, *, commit: str | None = None, taken: tuple[str, ...] = ()) -> str:
    repository = open_repository(desk.spec, settings=desk.settings)
    oid = commit or desk.second
    return create_snapshot_tag(
        repository, desk.spec, oid, {"commit": oid}, now=NOW, settings=desk.settings, taken=taken
    )


def read(desk: Desk, ref: str) -> str:
    return desk.brain().resolve(RefRequest(mode=RefMode.SNAPSHOT_TAG, requested_ref=ref)).resolved_commit


def test_a_tag_is_annotated_and_its_message_is_canonical_json(desk: Desk) -> None:
    kept = desk.take()
    name = tag_snapshot(desk.brain(), desk.database, kept)
    text = git(desk.repo.git_dir, "cat-file", "tag", name).decode()
    head, _, message = text.partition("\n\n")
    spec = kept.snapshot.spec
    record = {"commit": desk.second, "ontologyDigest": spec.ontology_digest, "indexDigest": spec.index_digest}
    assert message == canonical_json(record).decode() + "\n"
    assert json.loads(message) == record
    assert head.splitlines()[:3] == [
        f"object {desk.second}",
        "type commit",
        f"tag {name.removeprefix('refs/tags/')}",
    ]
    git(desk.repo.git_dir, "fsck", "--strict", "--connectivity-only")


def test_a_tag_is_found_by_all_of_its_forms(desk: Desk) -> None:
    kept = desk.take(ref=desk.first)
    name = tag_snapshot(desk.brain(), desk.database, kept)
    stamp = name.rpartition("/")[2]
    for form in (name, f"memory/snapshots/{stamp}", stamp):
        assert read(desk, form) == desk.first
    assert desk.take(ref=RefRequest(requested_ref=name)).snapshot.spec.ref_resolution.mode is RefMode.SNAPSHOT_TAG


def test_a_second_that_is_taken_gives_way_to_the_next(desk: Desk) -> None:
    names = [create(desk) for _ in range(3)]
    assert [name.rpartition("/")[2] for name in names] == [STAMP, "2026-06-01T080001Z", "2026-06-01T080002Z"]
    desk.repo.ref(names[0], None)
    assert create(desk, taken=(names[0],)) == "refs/tags/memory/snapshots/2026-06-01T080003Z"
    for _ in range(7):
        create(desk)
    with pytest.raises(KrateError) as caught:
        create(desk, taken=(names[0],))
    assert caught.value.code == "MEMORY_SNAPSHOT_TAG_INVALID"


def test_repositories_of_one_name_never_share_the_record_of_a_tag(desk: Desk, tmp_path: Path) -> None:
    other = Desk(tmp_path / "other", desk.settings, {**ONTOLOGY, "notes/x.md": "# X\n"})
    taken = [one.take(request_id=f"request {n}") for n, one in enumerate((desk, other, desk, other))]
    tags = {tag_snapshot(one.brain(), one.database, kept) for one, kept in zip((desk, other) * 2, taken, strict=True)}
    assert len(tags) == 4


def test_a_tag_that_was_moved_is_refused_by_its_record(desk: Desk) -> None:
    name = tag_snapshot(desk.brain(), desk.database, desk.take())
    message = json.dumps({"commit": desk.first})
    oid = desk.repo.tag("elsewhere", desk.first, message=message)
    desk.repo.ref(name, oid)
    for form in (name, name.rpartition("/")[2], name.removeprefix("refs/tags/")):
        with pytest.raises(KrateError) as caught:
            read(desk, form)
        assert caught.value.code == "MEMORY_SNAPSHOT_TAG_INVALID"
        assert "was moved" in caught.value.message


def test_a_lightweight_tag_and_one_without_a_record_are_refused(desk: Desk) -> None:
    desk.repo.tag(f"memory/snapshots/{STAMP}", desk.first)
    with pytest.raises(KrateError, match="is not annotated") as caught:
        read(desk, STAMP)
    assert caught.value.code == "MEMORY_SNAPSHOT_TAG_INVALID"
    desk.repo.tag(f"memory/snapshots/{STAMP}", desk.first, message="by hand")
    with pytest.raises(KrateError, match="has no record"):
        read(desk, STAMP)
    with pytest.raises(UnavailableError):
        read(desk, "2020-01-01T000000Z")


def test_a_tag_of_a_mirror_is_pushed_to_its_remote(remote: Desk) -> None:
    name = tag_snapshot(remote.brain(), remote.database, remote.take())
    there = git(remote.repo.git_dir, "for-each-ref", "--format=%(objecttype) %(refname)", "refs/tags").decode()
    assert there == f"tag {name}\n"
    assert read(remote, name) == remote.second
    remote.repo.commit({"notes/x.md": "# X\n"})
    assert read(remote, name) == remote.second


def test_a_tag_that_the_remote_has_and_the_mirror_has_not_gives_way(remote: Desk) -> None:
    repository = open_repository(remote.spec, settings=remote.settings)
    remote.repo.tag(f"memory/snapshots/{STAMP}", remote.first, message='{"commit":"x"}')
    name = create_snapshot_tag(
        repository, remote.spec, remote.second, {"commit": remote.second}, now=NOW, settings=remote.settings
    )
    assert name == "refs/tags/memory/snapshots/2026-06-01T080001Z"
    there = git(remote.repo.git_dir, "rev-parse", f"refs/tags/memory/snapshots/{STAMP}^{{commit}}").decode().strip()
    assert there == remote.first


def test_a_remote_that_takes_no_pushes_leaves_no_tag(desk: Desk) -> None:
    with serve(git_backend(desk.repo.path.parent)) as base:
        desk.spec = f"{base}/brain"
        with pytest.raises(UnavailableError) as caught:
            create(desk)
        assert caught.value.code == "MEMORY_REPOSITORY_UNAVAILABLE"
        mirror = next((desk.settings.home / "mirrors").glob("*.git"))
        assert git(mirror, "for-each-ref", "refs/tags") == b""


def test_a_bundle_is_not_tagged(desk: Desk, tmp_path: Path) -> None:
    desk.spec = str(desk.repo.bundle(tmp_path / "brain.bundle"))
    kept = desk.take()
    with pytest.raises(UsageError) as caught:
        tag_snapshot(desk.brain(), desk.database, kept)
    assert caught.value.code == "INVALID_REQUEST"
