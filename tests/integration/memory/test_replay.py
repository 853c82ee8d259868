"""What was told can be told again: without indexes, elsewhere, and after history was rewritten."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from krate_gitops.encoding import json_text
from krate_gitops.errors import KrateError, UnavailableError, UsageError
from krate_gitops.git.pins import PINS
from krate_gitops.git.request import RefRequest
from krate_gitops.memory import replay as replay_module
from krate_gitops.memory.material import Material, encode
from krate_gitops.memory.recall import Kept, file_form, read_file
from krate_gitops.memory.reopen import reopen
from krate_gitops.memory.replay import Replay, replay
from krate_gitops.memory.snapshot_diff import Other, diff_snapshot, other_ref, other_snapshot
from krate_gitops.settings import Settings
from tests.integration.git.servers import git_backend, serve
from tests.repos import Content, RepoBuilder, git
from tests.snapshots import FILES, Desk


@pytest.fixture
def desk(tmp_path: Path, home: Path) -> Desk:
    return Desk(tmp_path, Settings(home=home, deadline_seconds=30))


@pytest.fixture
def seen() -> list[str]:
    """Requests the server got."""
    return []


@pytest.fixture
def remote(tmp_path: Path, home: Path, seen: list[str]) -> Iterator[Desk]:
    """A brain that is read from a server."""
    desk = Desk(tmp_path / "srv", Settings(home=home, deadline_seconds=30))
    with serve(git_backend(desk.repo.path.parent, seen=seen)) as base:
        desk.spec = f"{base}/brain"
        yield desk


def forget_indexes(desk: Desk) -> None:
    for entry in desk.settings.home.iterdir():
        if entry.name not in ("records.sqlite", "pins", "mirrors", "bundles"):
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def rewrite(repo: RepoBuilder, files: Mapping[str, Content] | None = None) -> str:
    """A force-push of other history, after which the old one is swept away; the new tip."""
    tip = repo.commit(files or {"ontology/node-kinds.yaml": "nodeKinds: []\n"}, parents=[], message="rewritten")
    git(repo.git_dir, "reflog", "expire", "--expire=now", "--all")
    git(repo.git_dir, "gc", "-q", "--prune=now")
    return tip


def is_gone(repo: RepoBuilder, commit: str) -> bool:
    return git(repo.git_dir, "cat-file", "--batch-check", stdin=commit.encode()).endswith(b"missing\n")


def proven(found: Replay) -> bool:
    assert found.differences == ()
    assert {check.name for check in found.digests if check.match} == {
        *("queryManifestDigest", "policyDigest", "selectedRecordsDigest", "selectedExcerptsDigest"),
        *("selectedDocumentsDigest", "resultDigest", "redactionDigest", "selectionDigest", "ontologyDigest"),
        "indexDigest",
    }
    return found.match


# Another place, another day


@pytest.mark.parametrize("mode", ["graph-only", "grep-only", "graph-and-grep", "document-read"])
def test_an_answer_is_the_same_with_indexes_that_were_built_anew(desk: Desk, mode: str) -> None:
    kept = desk.take(mode=mode, include=("runbook:a",))
    desk.repo.commit({"notes/n.md": None, "runbooks/a.md": "gone\n"})
    forget_indexes(desk)
    assert proven(desk.replay(desk.again(kept)))


def test_an_answer_is_the_same_from_a_clone_under_another_name(desk: Desk, tmp_path: Path) -> None:
    kept = desk.take(ref=desk.first)
    git(None, "clone", "-q", "--bare", str(desk.repo.path), str(tmp_path / "renamed.git"))
    shutil.rmtree(desk.repo.path)
    forget_indexes(desk)
    shutil.rmtree(desk.settings.home / "pins")
    with pytest.raises(UnavailableError):
        desk.replay(kept)
    assert proven(desk.replay(kept, spec=str(tmp_path / "renamed.git")))


def file_of(kept: Kept, path: Path) -> Path:
    path.write_text(json_text(file_form(kept)))
    return path


def test_an_answer_is_the_same_in_another_home_from_a_file(desk: Desk, tmp_path: Path) -> None:
    file = file_of(desk.take(), tmp_path / "told.json")
    assert str(tmp_path) not in file.read_text()
    there = Settings(home=tmp_path / "there", jobs=1)
    kept = read_file(file, "local")
    assert proven(replay(reopen(kept, settings=there, spec=str(desk.repo.path)), kept))
    with pytest.raises(UnavailableError) as caught:
        reopen(kept, settings=there)
    assert (caught.value.code, "--repo" in caught.value.hint) == ("MEMORY_REF_NOT_FOUND", True)
    assert not (tmp_path / "there" / "records.sqlite").exists()


def test_a_bundle_that_was_replaced_has_its_commit_among_the_pins(desk: Desk, tmp_path: Path) -> None:
    desk.spec = str(desk.repo.bundle(tmp_path / "brain.bundle"))
    kept = desk.take()
    assert proven(desk.replay(kept))
    rewrite(desk.repo)
    desk.repo.bundle(tmp_path / "brain.bundle")
    forget_indexes(desk)
    assert proven(desk.replay(kept))
    (tmp_path / "brain.bundle").unlink()
    assert proven(desk.replay(kept))


def test_a_repository_of_the_other_hash_is_told_again_from_pins(tmp_path: Path, home: Path) -> None:
    desk = Desk(tmp_path, Settings(home=home), object_format="sha256")
    kept = desk.take()
    assert len(kept.snapshot.spec.resolved_commit) == 64
    rewrite(desk.repo)
    forget_indexes(desk)
    assert proven(desk.replay(kept))
    assert [path.name for path in sorted((home / "pins").glob("*.git"))] == ["sha256.git"]


# History that was rewritten


def test_a_local_repository_that_lost_the_commit_is_no_loss(desk: Desk) -> None:
    older, newer = desk.take(ref=desk.first), desk.take()
    before = git(desk.repo.git_dir, "for-each-ref")
    rewrite(desk.repo)
    assert is_gone(desk.repo, desk.second)
    assert is_gone(desk.repo, desk.first)
    forget_indexes(desk)
    for kept in (older, newer):
        assert proven(desk.replay(kept))
    assert b"pins" not in before, "a repository of somebody is never written to"


def test_a_local_repository_that_is_gone_or_is_none_any_more_is_no_loss(desk: Desk) -> None:
    kept = desk.take()
    shutil.rmtree(desk.repo.path)
    forget_indexes(desk)
    assert proven(desk.replay(kept))
    desk.repo.path.write_text("no repository\n")
    assert proven(desk.replay(kept))
    desk.repo.path.unlink()
    desk.repo.path.mkdir()
    assert proven(desk.replay(kept))


def test_each_object_is_copied_to_the_pins_once(desk: Desk) -> None:
    desk.take(ref=desk.first)
    keeper = desk.settings.home / "pins" / "sha1.git"
    desk.take(ref=desk.second)
    desk.take(ref=desk.second, request_id="again")
    packs = sorted((keeper / "objects" / "pack").glob("*.idx"))
    objects = [
        line.split()[1] for pack in packs for line in git(keeper, "show-index", stdin=pack.read_bytes()).splitlines()
    ]
    assert len(objects) == len(set(objects))
    pins = git(keeper, "for-each-ref", "--format=%(refname)").decode().split()
    assert pins == sorted(f"{PINS}{commit}" for commit in (desk.first, desk.second))
    git(keeper, "fsck", "--strict", "--connectivity-only")


def test_a_remote_that_was_rewritten_is_no_loss(remote: Desk) -> None:
    kept = remote.take()
    rewrite(remote.repo)
    assert is_gone(remote.repo, remote.second)
    assert remote.brain().resolve(RefRequest()).current_commit == remote.repo.tip()
    forget_indexes(remote)
    assert proven(remote.replay(kept))
    mirror = next((remote.settings.home / "mirrors").glob("*.git"))
    git(mirror, "gc", "-q", "--prune=now")
    forget_indexes(remote)
    assert proven(remote.replay(kept))


def test_a_remote_that_is_gone_is_no_loss_and_is_not_asked(remote: Desk, seen: list[str]) -> None:
    kept = remote.take()
    shutil.rmtree(remote.repo.path)
    forget_indexes(remote)
    seen.clear()
    assert proven(remote.replay(kept))
    assert seen == []


def test_pins_neither_make_a_mirror_fetch_nor_are_pruned_by_a_fetch(remote: Desk, seen: list[str]) -> None:
    kept = remote.take()
    seen.clear()
    remote.brain()
    assert [request for request in seen if request.startswith("POST")] in ([], ["POST git-upload-pack"])
    asked = len(seen)
    remote.brain()
    assert len(seen) == 2 * asked
    remote.repo.commit({"notes/x.md": "# X\n"})
    remote.brain()
    rewrite(remote.repo)
    remote.brain()
    mirror = next((remote.settings.home / "mirrors").glob("*.git"))
    pins = git(mirror, "for-each-ref", "--format=%(refname)", PINS).decode().split()
    assert pins == [f"{PINS}{kept.snapshot.spec.resolved_commit}"]


# What differs is named


def tampered(kept: Kept, change: Any) -> Kept:
    material: Material = change(kept.material)
    return msgspec.structs.replace(kept, stored=encode(material))


def reasons(found: Replay) -> list[tuple[str, str]]:
    return [(one.reason, one.item) for one in found.differences]


def test_changed_material_is_told_item_by_item(desk: Desk) -> None:
    replace = msgspec.structs.replace
    kept = desk.take()
    [first, *others] = kept.material.excerpts
    [one, two] = kept.material.records

    def change(material: Material) -> Material:
        return replace(
            material,
            excerpts=(replace(first, digest="sha256:00", text="other"), *others),
            records=(replace(one, title="Another"), replace(two, id="service:invented")),
        )

    found = desk.replay(tampered(kept, change))
    assert not found.match
    assert sorted(reasons(found)) == sorted(
        [
            ("item-changed", f"{first.path}:{first.line_start}-{first.line_end}"),
            ("item-changed", one.id),
            ("item-missing", "service:invented"),
            ("item-added", two.id),
        ]
    )
    assert "title of" in next(one.message for one in found.differences if one.item == kept.material.records[0].id)


def test_a_changed_question_or_policy_is_told(desk: Desk) -> None:
    replace = msgspec.structs.replace
    kept = desk.take()
    asked = desk.replay(tampered(kept, lambda m: replace(m, request=replace(m.request, text="another"))))
    assert not asked.match
    assert "queryManifestDigest" in [check.name for check in asked.digests if not check.match]
    wider = desk.replay(tampered(kept, lambda m: replace(m, policy=replace(m.policy, max_context_bytes=9))))
    assert ("policy", "") in reasons(wider)
    unanswerable = desk.replay(tampered(kept, lambda m: replace(m, request=replace(m.request, text="a"))))
    assert [reason for reason, _ in reasons(unanswerable)] == ["INVALID_REQUEST"]
    assert not any(check.match for check in unanswerable.digests)


def test_versions_that_this_program_has_not_are_named_and_nothing_else_is_compared(desk: Desk) -> None:
    replace = msgspec.structs.replace
    kept = desk.take()
    ranking = desk.replay(tampered(kept, lambda m: replace(m, request=replace(m.request, ranking_version=99))))
    assert [(one.reason, one.message) for one in ranking.differences] == [
        ("ranking-version", "ranking version 99 is not known to this program")
    ]
    redaction = desk.replay(tampered(kept, lambda m: replace(m, manifest={**m.manifest, "redactionVersion": 7})))
    assert [(one.reason, one.message) for one in redaction.differences] == [
        ("redaction-version", "redaction version 7 was used, this program has only 1")
    ]
    for found in (ranking, redaction):
        assert not found.match
        assert {check.replayed for check in found.digests} == {None}


def test_another_version_of_the_indexer_is_named_and_selections_are_still_compared(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = desk.take()
    monkeypatch.setattr(replay_module, "INDEXER_VERSION", 99)
    found = desk.replay(kept)
    assert [one.reason for one in found.differences] == ["indexer-version"]
    assert "this program makes 99" in found.differences[0].message
    assert {check.name for check in found.digests if check.match} >= {"selectedRecordsDigest", "selectionDigest"}


def test_an_older_ranking_is_replayed_as_it_was(desk: Desk) -> None:
    assert proven(desk.replay(desk.take(ranking_version=1)))


def test_another_memory_root_or_ontology_is_named(desk: Desk, tmp_path: Path) -> None:
    kept = desk.take()
    ontology = tmp_path / "foreign" / "ontology"
    ontology.mkdir(parents=True)
    for name in ("node-kinds.yaml", "edge-kinds.yaml"):
        content = git(desk.repo.git_dir, "cat-file", "blob", f"{desk.first}:ontology/{name}")
        (ontology / name).write_bytes(content.replace(b"1.0.0", b"1.0.1"))
    (ontology / "validation-rules.yaml").write_text(
        "schemaVersion: 1\nontologyVersion: 1.0.1\nforeign: {required: []}\n"
    )
    found = desk.replay(kept, ontology=ontology)
    assert not found.match
    assert "ontology" in [one.reason for one in found.differences]
    elsewhere = desk.replay(kept, root="notes")
    assert "index" in [one.reason for one in elsewhere.differences]
    assert "item-missing" in [one.reason for one in elsewhere.differences]


def test_stored_bytes_that_are_no_material_are_refused(desk: Desk) -> None:
    kept = desk.take()
    for stored in (
        b"",
        b"{}",
        b"[]",
        kept.stored.replace(b'"schemaVersion":1,"warnings"', b'"schemaVersion":2,"warnings"'),
    ):
        with pytest.raises(KrateError) as caught:
            _ = msgspec.structs.replace(kept, stored=stored).material
        assert caught.value.code == "MEMORY_SNAPSHOT_FAILED"


# What has changed since


def test_a_diff_works_after_history_was_rewritten(desk: Desk) -> None:
    kept = desk.take(mode="grep-only")
    tip = rewrite(desk.repo, {**FILES, "notes/n.md": "# N\n\nA line of its own.\n"})
    forget_indexes(desk)
    found = diff_snapshot(desk.brain(), kept, Other(tip))
    assert (found.from_commit, found.to_commit, found.selected) == (desk.second, tip, 1)
    assert [change.path for change in found.changes] == ["notes/n.md"]


def test_a_diff_works_with_a_remote_that_has_moved_and_was_rewritten(remote: Desk, tmp_path: Path) -> None:
    kept = remote.take(mode="grep-only")
    rewrite(remote.repo, {**FILES, "notes/n.md": "# N\n\nA line of its own.\n"})
    moved = tmp_path / "srv" / "moved"
    shutil.move(remote.repo.path, moved)
    remote.spec = remote.spec.replace("/brain", "/moved")
    brain = remote.brain()
    found = diff_snapshot(brain, kept, other_ref(brain, "current"))
    assert [change.path for change in found.changes] == ["notes/n.md"]


def test_a_diff_finds_the_commit_of_another_snapshot_that_was_rewritten_away(desk: Desk) -> None:
    lost = desk.take(mode="grep-only", request_id="lost")
    rewrite(desk.repo, {**FILES, "notes/n.md": "# N\n\nA line of its own, and a needle.\n"})
    kept = desk.take(mode="grep-only", request_id="kept")
    forget_indexes(desk)
    other = other_snapshot(desk.database, "local", "brain", lost.snapshot.metadata.name)
    assert other is not None
    found = diff_snapshot(desk.brain(), kept, other)
    assert (found.to_commit, [change.path for change in found.changes]) == (desk.second, ["notes/n.md"])


def test_snapshots_of_different_repositories_are_not_compared(desk: Desk) -> None:
    name = desk.take().snapshot.metadata.name
    with pytest.raises(UsageError, match="of different repositories"):
        other_snapshot(desk.database, "local", "another", name)


def test_a_commit_that_is_nowhere_any_more_is_named(desk: Desk) -> None:
    kept = desk.take()
    rewrite(desk.repo)
    shutil.rmtree(desk.settings.home / "pins")
    with pytest.raises(UnavailableError) as caught:
        desk.replay(kept)
    assert (caught.value.code, caught.value.location) == ("MEMORY_REF_NOT_FOUND", desk.second)
    assert "--repo" in caught.value.hint
