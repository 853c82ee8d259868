"""The index store kept in order: what is listed, what is collected, what verification finds."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from krate_gitops.index.collect import Collected, Retention, collect
from krate_gitops.index.formats import INDEX_FORMAT
from krate_gitops.index.inventory import State, files_below, list_indexes
from krate_gitops.index.sound import with_indexes
from krate_gitops.index.verify import verify_store
from tests.integration.validate.brains import Brain

DAY = 86_400
NO_GUARD = Retention(guard_seconds=0)


@pytest.fixture
def two(brain: Brain) -> tuple[Brain, str, str]:
    """A brain with two indexed commits."""
    first = brain.repo.tip() or ""
    second = brain.commit({"notes/x.md": "# X\n\nx\n"})
    for commit in (first, second):
        brain.builder.build(brain.target(commit))
    return brain, first, second


def grow_old(folder: Path, days: float) -> None:
    """Everything in the store was written that long ago."""
    when = time.time() - days * DAY
    for path in [*folder.rglob("*"), folder]:
        os.utime(path, (when, when), follow_symlinks=False)


def states(brain: Brain) -> list[State]:
    return [held.state for held in list_indexes(brain.builder.store, now=time.time())]


def shard_of(brain: Brain, commit: str) -> Path:
    store = brain.builder.store
    [manifest] = store.manifests_of(commit)
    return store.shard_folder(manifest.shards[0].key)


def test_indexes_are_listed_newest_first(two: tuple[Brain, str, str]) -> None:
    brain, first, second = two
    store = brain.builder.store
    [old] = [path for path, manifest in store.manifests() if manifest and manifest.commit == first]
    os.utime(old, (1_000, 1_000))
    held = list_indexes(store, now=101_000)
    assert [(row.commit, row.repository, row.root, row.documents, row.records, row.shards) for row in held] == [
        (second, "brain", ".", 12, 4, 1),
        (first, "brain", ".", 11, 4, 1),
    ]
    assert held[1].age_seconds == 100_000
    assert all(row.bytes and row.state is State.READY for row in held)


def test_an_empty_store_is_listed_collected_and_verified(brain: Brain) -> None:
    store = brain.builder.store
    assert list_indexes(store, now=0) == []
    assert collect(store, Retention(), now=0) == Collected()
    assert verify_store(store).is_sound
    assert not store.root.exists()


def test_states_tell_what_can_be_read(two: tuple[Brain, str, str]) -> None:
    brain, first, second = two
    store = brain.builder.store
    facts = shard_of(brain, first) / "facts"
    facts.write_bytes(facts.read_bytes()[:-1])
    store.remove_shard(shard_of(brain, second).name)
    assert set(states(brain)) == {State.DAMAGED, State.STALE}
    other = store.root.with_name("v9999")
    other.mkdir()
    (other / "x").write_text("12345")
    [row] = [row for row in list_indexes(store, now=time.time()) if row.state is State.OTHER_FORMAT]
    assert (row.root, row.bytes) == ("v9999", 5)


def test_a_torn_manifest_is_listed_as_damaged_and_collected(two: tuple[Brain, str, str]) -> None:
    brain, first, _ = two
    store = brain.builder.store
    [path] = [path for path, manifest in store.manifests() if manifest and manifest.commit == first]
    path.write_bytes(path.read_bytes()[:100])
    assert State.DAMAGED in states(brain)
    assert collect(store, NO_GUARD, now=time.time() + 1).manifests == 1
    assert states(brain) == [State.READY]


def test_old_indexes_go_and_take_what_only_they_needed(two: tuple[Brain, str, str]) -> None:
    brain, first, second = two
    store = brain.builder.store
    [old] = [path for path, manifest in store.manifests() if manifest and manifest.commit == first]
    os.utime(old, (1_000, 1_000))
    kept, gone = shard_of(brain, second), shard_of(brain, first)
    planned = collect(store, NO_GUARD, now=time.time() + 1, dry_run=True)
    assert gone.exists()
    assert old.exists()
    done = collect(store, NO_GUARD, now=time.time() + 1)
    assert done == planned
    assert (done.manifests, done.shards, done.verdicts, done.kept_manifests, done.kept_shards) == (1, 1, 1, 1, 1)
    assert done.bytes > 0
    assert not gone.exists()
    assert kept.exists()
    assert collect(store, NO_GUARD, now=time.time() + 1) == Collected(kept_manifests=1, kept_shards=1)
    assert brain.validate(second).report.result == "valid"
    assert brain.builder.build(brain.target(second)).stats.built == 0


def test_a_repository_keeps_its_newest_indexes(two: tuple[Brain, str, str]) -> None:
    brain, first, second = two
    [old] = [path for path, manifest in brain.builder.store.manifests() if manifest and manifest.commit == first]
    os.utime(old, (time.time() - 60, time.time() - 60))
    collect(brain.builder.store, Retention(guard_seconds=0, per_repository=1), now=time.time() + 1)
    assert [row.commit for row in list_indexes(brain.builder.store, now=time.time())] == [second]


def test_what_is_young_is_left_to_the_builder_that_may_be_writing_it(two: tuple[Brain, str, str]) -> None:
    brain, _, _ = two
    store = brain.builder.store
    for path, _ in store.manifests():
        path.unlink()
    (store.root / "tmp" / "123-x").mkdir()
    assert collect(store, Retention(), now=time.time()).kept_shards == 2
    grow_old(store.root, 1)
    done = collect(store, Retention(), now=time.time())
    assert (done.shards, done.verdicts, done.kept_shards) == (2, 2, 0)
    assert not list((store.root / "tmp").iterdir())


def test_only_stores_of_earlier_formats_are_collected(two: tuple[Brain, str, str]) -> None:
    brain, _, _ = two
    store = brain.builder.store
    for number in (0, INDEX_FORMAT + 1):
        store.root.with_name(f"v{number}").mkdir()
        grow_old(store.root.with_name(f"v{number}"), 1)
    assert collect(store, Retention(), now=time.time()).formats == 1
    assert sorted(folder.name for folder in store.root.parent.iterdir()) == [f"v{INDEX_FORMAT}", f"v{INDEX_FORMAT + 1}"]


def test_a_sound_store_verifies(two: tuple[Brain, str, str]) -> None:
    brain, _, _ = two
    found = verify_store(brain.builder.store)
    assert (found.manifests, found.shards, found.verdicts, found.missing, found.problems) == (2, 2, 2, 0, ())
    assert found.bytes > 0


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_a_flipped_bit_in_any_file_is_found_and_repaired(two: tuple[Brain, str, str]) -> None:
    brain, first, second = two
    store = brain.builder.store
    before = [brain.validate(commit).report for commit in (first, second)]
    for path in list(files_below(store.root)):
        flip(path)
        found = verify_store(store)
        place = path.relative_to(store.root).as_posix()
        assert [place.startswith(problem.path) for problem in found.problems] == [True], path
        assert not found.is_sound
        assert verify_store(store, repair=True).is_sound
        assert not path.exists()
        after = [brain.validate(commit).report for commit in (first, second)]
        assert [report.diagnostics for report in after] == [report.diagnostics for report in before]
        for commit in (first, second):
            brain.builder.build(brain.target(commit), force="manifests" not in place and not path.exists())
        assert verify_store(store).problems == (), path


def test_truncated_and_missing_files_are_found(two: tuple[Brain, str, str]) -> None:
    brain, first, second = two
    store = brain.builder.store
    links = shard_of(brain, first) / "links"
    links.write_bytes(links.read_bytes()[:-1])
    (shard_of(brain, second) / "postings").unlink()
    problems = {problem.path.rpartition("/")[2]: problem.what for problem in verify_store(store).problems}
    assert problems == {
        shard_of(brain, first).name: "links: the bytes are not those that were written",
        shard_of(brain, second).name: "postings: No such file or directory",
    }


def test_foreign_files_are_named_and_removed(two: tuple[Brain, str, str], tmp_path: Path) -> None:
    brain, first, _ = two
    store = brain.builder.store
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "x").write_text("x")
    foreign = [
        store.root / "stray",
        store.root / "shards" / "stray",
        store.root / "shards" / "ab" / "stray",
        shard_of(brain, first) / "stray",
        store.root / "manifests" / "stray",
        store.root / "manifests" / "ab" / "stray",
    ]
    for path in foreign:
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    (store.root / "link").symlink_to(precious)
    names = {path.relative_to(store.root).as_posix() for path in foreign} | {"link"}
    found = verify_store(store)
    assert {problem.path for problem in found.problems} == names
    assert verify_store(store, repair=True).is_sound
    assert not any(path.exists() for path in foreign)
    assert (precious / "x").exists()
    assert verify_store(store).problems == ()


def test_the_shard_of_another_key_is_no_shard(two: tuple[Brain, str, str]) -> None:
    brain, first, second = two
    mine, other = shard_of(brain, first), shard_of(brain, second)
    for path in mine.iterdir():
        path.write_bytes((other / path.name).read_bytes())
    [problem] = verify_store(brain.builder.store).problems
    assert problem.what == "summary: it is of another shard"
    assert brain.validate(first).report.files == 11


def test_a_damaged_shard_is_built_again_when_it_is_needed(two: tuple[Brain, str, str]) -> None:
    brain, first, _ = two
    flip(shard_of(brain, first) / "findings")
    flip(shard_of(brain, first) / "links")
    assert brain.validate(first).report.diagnostics == []
    assert verify_store(brain.builder.store).problems == ()


def test_a_verdict_that_is_gone_is_given_again(brain: Brain) -> None:
    commit = brain.commit({"graph/services/x.yaml": "nodeKind: Service\nid: service:x\n"})
    before = brain.found(commit)
    verdicts = list(files_below(brain.builder.store.root / "verdicts"))
    for path in verdicts:
        path.unlink()
    assert brain.found(commit) == before
    for path in verdicts:
        path.write_bytes(b"torn")
    assert brain.found(commit) == before


def test_a_shard_damaged_under_another_commit_is_built_again(two: tuple[Brain, str, str]) -> None:
    """The new commit has no manifest yet that could tell which shard is bad."""
    brain, first, _ = two
    flip(shard_of(brain, first) / "links")
    again = brain.commit({"notes/x.md": None})
    [built] = with_indexes(
        brain.builder, [brain.target(again)], lambda built: [brain.builder.columns(built[0].manifest.shards)]
    )
    assert len(built.paths) == 11
