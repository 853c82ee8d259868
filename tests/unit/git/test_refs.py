"""Every way to name a commit, and every way in which it can fail."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from krate_gitops.errors import DeniedError, KrateError, UnavailableError, UsageError
from krate_gitops.git.local import find_repository
from krate_gitops.git.lookup import find_default_branch
from krate_gitops.git.refs import RefResolution, resolve
from krate_gitops.git.request import RefRequest
from krate_gitops.settings import Settings
from tests.repos import RepoBuilder, git

NOW = datetime(2026, 6, 3, 8, 0, 0, 500_000, tzinfo=UTC)
STAMP = "2026-05-31T170000Z"
TAG = f"memory/snapshots/{STAMP}"

Ask = Callable[..., RefResolution]


def day(number: int, hour: int = 12) -> datetime:
    return datetime(2026, 5, number, hour, tzinfo=UTC)


@pytest.fixture
def ask(repo: RepoBuilder, settings: Settings) -> Ask:
    """Resolves the fields of a request in ``repo``."""

    def ask(fields: dict[str, Any] | None = None, **options: Any) -> RefResolution:
        request = RefRequest.from_fields(fields or {})
        return resolve(find_repository(repo.path), request, now=NOW, settings=settings, **options)

    return ask


def failure(ask: Ask, fields: dict[str, Any] | None = None, **options: Any) -> KrateError:
    with pytest.raises(KrateError) as caught:
        ask(fields, **options)
    assert caught.value.hint
    return caught.value


# current


def test_current_is_the_tip_of_the_default_branch(repo: RepoBuilder, ask: Ask) -> None:
    repo.commit({"a": "1"}, at=day(1))
    tip = repo.commit({"a": "2"}, at=day(2))
    repo.commit({"a": "3"}, at=day(3), branch="other", parents=[tip])
    for fields in ({}, {"requestedRef": "main"}, {"requestedRef": "refs/heads/main"}):
        found = ask(fields)
        assert (found.mode, found.resolved_commit, found.resolved_ref) == ("current", tip, "refs/heads/main")
    assert msgspec.to_builtins(ask()) == {
        "mode": "current",
        "requestedRef": "main",
        "resolvedRef": "refs/heads/main",
        "resolvedCommit": tip,
        "commitTime": "2026-05-02T12:00:00Z",
        "resolvedAt": "2026-06-03T08:00:00Z",
        "approved": True,
        "currentCommit": tip,
        "commitsBehind": 0,
        "staleBySeconds": 0,
        "knownBad": False,
    }


def test_the_default_branch_may_have_any_name(repo: RepoBuilder, ask: Ask) -> None:
    tip = repo.commit({"a": "1"}, branch="trunk/prod")
    git(repo.git_dir, "symbolic-ref", "HEAD", "refs/heads/trunk/prod")
    assert ask().resolved_commit == tip
    assert ask({"requestedRef": "trunk/prod"}).mode == "current"
    other = repo.commit({"a": "2"}, branch="other", parents=[])
    assert ask(default_branch="other").resolved_commit == other
    assert ask(default_branch="refs/heads/other").requested_ref == "other"


def test_an_empty_repository_an_unborn_and_an_absent_branch_are_not_found(repo: RepoBuilder, ask: Ask) -> None:
    assert failure(ask).code == "MEMORY_REF_NOT_FOUND"
    assert failure(ask, {"requestedRef": "ab" * 20}).code == "MEMORY_REF_NOT_FOUND"
    repo.commit({"a": "1"}, branch="other")
    error = failure(ask)
    assert (error.code, error.exit_code, error.location) == ("MEMORY_REF_NOT_FOUND", 3, "refs/heads/main")
    assert failure(ask, default_branch="gone").code == "MEMORY_REF_NOT_FOUND"
    assert failure(ask, default_branch="-x").code == "MEMORY_REF_INVALID"


def test_a_detached_head_leaves_the_origins_choice_then_main_then_the_only_branch(
    repo: RepoBuilder, tmp_path: Path
) -> None:
    tip = repo.commit({"a": "1"}, branch="trunk")
    repository = find_repository(repo.path)
    (repo.git_dir / "HEAD").write_text(f"{tip}\n")
    assert find_default_branch(repository) == "trunk"
    repo.branch("next", tip)
    with pytest.raises(UnavailableError, match="no default branch") as caught:
        find_default_branch(repository)
    assert caught.value.code == "MEMORY_REF_NOT_FOUND"
    repo.branch("main", tip)
    assert find_default_branch(repository) == "main"
    repo.ref("refs/remotes/origin/next", tip)
    git(repo.git_dir, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/next")
    assert find_default_branch(repository) == "next"


# explicit-ref


def test_an_explicit_ref_is_a_branch_a_tag_a_full_ref_or_an_id(repo: RepoBuilder, ask: Ask) -> None:
    first = repo.commit({"a": "1"}, at=day(1))
    repo.commit({"a": "2"}, at=day(2))
    repo.branch("topic", first)
    repo.tag("v1", first)
    inner = repo.tag("v2", first, message="annotated")
    repo.tag("v3", inner, message="tag of a tag", kind="tag")
    for text, ref in {
        "topic": "refs/heads/topic",
        "refs/heads/topic": "refs/heads/topic",
        "v1": "refs/tags/v1",
        "v2": "refs/tags/v2",
        "v3": "refs/tags/v3",
        "refs/tags/v3": "refs/tags/v3",
        first: None,
        first.upper(): None,
        first[:7]: None,
        first[:12].upper(): None,
        inner: None,
        inner[:10]: None,
    }.items():
        found = ask({"requestedRef": text})
        assert (found.mode, found.resolved_commit, found.resolved_ref) == ("explicit-ref", first, ref), text
        assert (found.commits_behind, found.requested_ref) == (1, text)
        assert found.stale_by_seconds == int(NOW.timestamp() - day(1).timestamp())


@pytest.mark.parametrize("packed", [False, True])
def test_refs_are_found_loose_and_packed(repo: RepoBuilder, ask: Ask, packed: bool) -> None:
    tip = repo.commit({"a": "1"})
    repo.tag("v1", tip, message="annotated")
    repo.branch("feature/x", tip)
    if packed:
        repo.repack()
    for text in ("v1", "feature/x", tip[:8]):
        assert ask({"requestedRef": text}).resolved_commit == tip
    assert failure(ask, {"requestedRef": "feature"}).code == "MEMORY_REF_NOT_FOUND"


def test_sha_256_repositories_resolve_in_every_mode(tmp_path: Path, settings: Settings) -> None:
    repo = RepoBuilder(tmp_path / "new", object_format="sha256")
    tip = repo.commit({"a": "1"}, at=day(1))
    for fields in ({}, {"ref": tip}, {"ref": tip[:40]}, {"ref": tip[:7]}, {"requestedAt": "2026-05-02T00:00:00Z"}):
        request = RefRequest.from_fields(fields)
        assert resolve(find_repository(repo.path), request, now=NOW, settings=settings).resolved_commit == tip


def test_what_does_not_exist_is_not_found(repo: RepoBuilder, ask: Ask) -> None:
    tip = repo.commit({"a": "1"})
    repo.ref("refs/pull/1/head", tip)
    repo.ref("refs/remotes/origin/main", tip)
    for text in (
        "gone", "refs/heads/gone", "refs/tags/main", "heads/main", "origin/main", "HEAD", "refs/pull/1/head",
        "refs/remotes/origin/main", "ab" * 20, "abcdef0", tip[:6], tip + "00", "ab" * 32, "refs/heads/-x",
    ):  # fmt: skip
        error = failure(ask, {"requestedRef": text})
        assert (error.code, error.exit_code) == ("MEMORY_REF_NOT_FOUND", 3), text


def test_commits_that_no_branch_or_tag_reaches_are_missing(repo: RepoBuilder, ask: Ask) -> None:
    root = repo.commit({"a": "1"})
    fork = repo.commit({"a": "2"}, branch="fork", parents=[root])
    repo.ref("refs/heads/fork", None)
    repo.ref("refs/pull/1/head", fork)
    tag = repo.tag("gone", fork, message="x")
    repo.ref("refs/tags/gone", None)
    for text in (fork, fork[:8], tag, tag[:8]):
        error = failure(ask, {"requestedRef": text, "requireApprovedCommit": False})
        assert error.code == "MEMORY_REF_NOT_FOUND"
    repo.tag("kept", repo.commit({}, branch="above", parents=[fork]))
    repo.ref("refs/heads/above", None)
    assert ask({"requestedRef": fork, "requireApprovedCommit": False}).resolved_commit == fork


def test_a_tag_of_a_tree_beside_does_not_disturb_reachability(repo: RepoBuilder, ask: Ask) -> None:
    root = repo.commit({"a": "1"})
    side = repo.commit({"a": "2"}, branch="side", parents=[root])
    repo.tag("tree", repo.raw_tree([]))
    repo.tag("blob", repo.blob("x"), message="annotated", kind="blob")
    repo.ref("refs/heads/broken", "ab" * 20)
    assert ask({"requestedRef": side, "requireApprovedCommit": False}).resolved_commit == side


def test_one_name_for_several_things_is_ambiguous(repo: RepoBuilder, ask: Ask) -> None:
    tip = repo.commit({"a": "1"})
    repo.branch("same", tip)
    repo.tag("same", tip)
    error = failure(ask, {"requestedRef": "same"})
    assert isinstance(error, UsageError)
    assert error.code == "MEMORY_REF_AMBIGUOUS"
    assert "refs/heads/same" in error.message
    assert "refs/tags/same" in error.message
    assert ask({"requestedRef": "refs/tags/same"}).resolved_commit == tip
    repo.branch(tip[:8], tip)
    error = failure(ask, {"requestedRef": tip[:8]})
    assert error.code == "MEMORY_REF_AMBIGUOUS"
    assert tip in error.message


def test_an_abbreviation_of_two_objects_is_ambiguous(repo: RepoBuilder, ask: Ask) -> None:
    tip = repo.commit({"a": "1"})
    twin = repo.git_dir / "objects" / tip[:2] / (tip[2:20] + "0" * 20)
    twin.write_bytes((repo.git_dir / "objects" / repo.blob("x")[:2] / repo.blob("x")[2:]).read_bytes())
    error = failure(ask, {"requestedRef": tip[:12]})
    assert error.code == "MEMORY_REF_AMBIGUOUS"
    assert ask({"requestedRef": tip[:24]}).resolved_commit == tip


def test_a_ref_named_like_an_id_loses_to_the_object(repo: RepoBuilder, ask: Ask) -> None:
    first = repo.commit({"a": "1"})
    second = repo.commit({"a": "2"})
    repo.branch(first, second)
    assert ask({"requestedRef": first}).resolved_commit == first
    assert ask({"requestedRef": f"refs/heads/{first}"}).resolved_commit == second


def test_trees_and_blobs_are_no_commits(repo: RepoBuilder, ask: Ask) -> None:
    repo.commit({"a": "1"})
    tree, blob = repo.raw_tree([]), repo.blob("1")
    repo.tag("tree", tree)
    repo.tag("blob", blob, message="annotated", kind="blob")
    for text in ("tree", "refs/tags/tree", "blob", tree, blob, blob[:9]):
        error = failure(ask, {"requestedRef": text})
        assert (error.code, error.exit_code) == ("MEMORY_REF_NOT_COMMIT", 2), text


def test_malformed_requests_are_refused_before_git_sees_them(repo: RepoBuilder, ask: Ask) -> None:
    repo.commit({"a": "1"})
    for text in ("main~1", "main^", "HEAD@{1}", "-x", "--all", ":/change", "ma*", "two days ago"):
        error = failure(ask, {"requestedRef": text})
        assert (error.code, error.exit_code) == ("MEMORY_REF_INVALID", 2), text


def test_a_branch_with_a_dash_is_read_by_its_full_name(repo: RepoBuilder, ask: Ask) -> None:
    tip = repo.commit({"a": "1"})
    repo.branch("-x", tip)
    assert ask({"requestedRef": "refs/heads/-x"}).resolved_commit == tip
    assert failure(ask, {"requestedRef": "-x"}).code == "MEMORY_REF_INVALID"


# approval


def test_only_the_first_parent_chain_is_approved(repo: RepoBuilder, ask: Ask) -> None:
    root = repo.commit({"a": "1"}, at=day(1))
    side = repo.commit({"b": "1"}, at=day(2), branch="side", parents=[root])
    merge = repo.merge(side, at=day(3))
    repo.tag("off-chain", side)
    for text in ("side", side, "off-chain"):
        error = failure(ask, {"requestedRef": text})
        assert isinstance(error, DeniedError)
        assert (error.code, error.exit_code) == ("MEMORY_REF_NOT_APPROVED", 4)
    found = ask({"requestedRef": "side", "requireApprovedCommit": False})
    assert (found.approved, found.commits_behind, found.current_commit) == (False, None, merge)
    assert found.commit_time == "2026-05-02T12:00:00Z"
    assert "commitsBehind" not in msgspec.to_builtins(found)
    assert ask({"requestedRef": root}).approved


def test_evidence_may_be_required_beside_the_chain(repo: RepoBuilder, ask: Ask) -> None:
    seed, reviewed, pushed = (repo.commit({"a": text}) for text in "123")
    for commit in (seed, reviewed):
        assert ask({"requestedRef": commit}, recorded_approvals={reviewed}).approved
    assert failure(ask, {"requestedRef": pushed}, recorded_approvals={reviewed}).code == "MEMORY_REF_NOT_APPROVED"
    assert failure(ask, {}, recorded_approvals={reviewed}).code == "MEMORY_REF_NOT_APPROVED"


def test_current_only_refuses_everything_but_the_tip(repo: RepoBuilder, ask: Ask) -> None:
    first, tip = repo.commit({"a": "1"}, at=day(1)), repo.commit({"a": "2"}, at=day(2))
    for fields in ({"requestedRef": first}, {"requestedAt": "2026-05-02T00:00:00Z"}):
        error = failure(ask, fields, current_only=True)
        assert isinstance(error, DeniedError)
        assert error.code == "MEMORY_REF_NOT_CURRENT"
    assert ask({"requestedRef": tip}, current_only=True).resolved_commit == tip
    assert ask({"requestedAt": "2026-05-20T00:00:00Z"}, current_only=True).resolved_commit == tip


# ref-at-time


def test_a_time_means_the_newest_commit_in_effect_then(repo: RepoBuilder, ask: Ask) -> None:
    first, skewed, third = (
        repo.commit({"a": str(number)}, at=day(number)) for number in (10, 5, 20)
    )  # the second was made by a clock that was late
    for text, commit, behind in (
        ("2026-05-10T12:00:00Z", skewed, 1),
        ("2026-05-19T23:59:59Z", skewed, 1),
        ("2026-05-20T14:00:00.9+02:00", third, 0),
        ("2026-06-03T08:01:00Z", third, 0),
    ):
        found = ask({"requestedAt": text})
        assert (found.resolved_commit, found.commits_behind) == (commit, behind), text
        assert (found.mode, found.resolved_ref, found.approved) == ("ref-at-time", "refs/heads/main", True)
    found = ask({"requestedAt": "2026-05-11T02:00:00.5+14:00", "requestedRef": "main"})
    assert first != found.resolved_commit == skewed
    assert found.requested_at == "2026-05-10T12:00:00Z"


def test_staleness_counts_from_the_time_asked_for(repo: RepoBuilder, ask: Ask) -> None:
    repo.commit({"a": "1"}, at=day(1))
    repo.commit({"a": "2"}, at=day(31))
    found = ask({"requestedAt": "2026-05-31T08:00:00Z"})
    assert (found.commit_time, found.stale_by_seconds) == ("2026-05-01T12:00:00Z", 3 * 86_400)
    assert ask({"requestedAt": "2026-06-01T08:00:00Z"}).stale_by_seconds == 0


def test_the_effective_time_is_shown_not_the_skewed_one(repo: RepoBuilder, ask: Ask) -> None:
    repo.commit({"a": "1"}, at=day(10))
    repo.commit({"a": "2"}, at=day(5))
    assert ask().commit_time == "2026-05-10T12:00:00Z"


def test_before_the_first_commit_there_is_none(repo: RepoBuilder, ask: Ask) -> None:
    repo.commit({"a": "1"}, at=day(10))
    for text in ("2026-05-10T11:59:59Z", "2026-05-10T12:00:00+00:01", "0001-01-01T00:00:00+14:00"):
        error = failure(ask, {"requestedAt": text})
        assert (error.code, error.exit_code) == ("MEMORY_REF_NO_COMMIT_AT_TIME", 3)
        assert "2026-05-10T12:00:00Z" in error.hint


def test_other_times_are_invalid(repo: RepoBuilder, ask: Ask) -> None:
    repo.commit({"a": "1"})
    for text in ("2026-05-31", "2026-05-31T17:00:00", "yesterday", "2026-06-03T08:01:01Z", "2016-12-31T23:59:60Z"):
        error = failure(ask, {"requestedAt": text})
        assert (error.code, error.exit_code) == ("MEMORY_REF_TIME_INVALID", 2)


# snapshot-tag


def record(commit: str) -> str:
    return json.dumps(
        {"commit": commit, "indexDigest": "sha256:0", "ontologyDigest": "sha256:1"}, separators=(",", ":")
    )


def test_a_snapshot_tag_leads_to_the_commit_recorded_for_it(repo: RepoBuilder, ask: Ask) -> None:
    first = repo.commit({"a": "1"})
    repo.commit({"a": "2"})
    repo.tag(TAG, first, message=record(first) + "\n-----BEGIN PGP SIGNATURE-----\n")
    for fields in (
        {"requestedRef": f"refs/tags/{TAG}"},
        {"requestedRef": TAG, "mode": "snapshot-tag"},
        {"requestedRef": STAMP, "mode": "snapshot-tag"},
    ):
        for records in (None, {f"refs/tags/{TAG}": first}):
            found = ask(fields, recorded_snapshot_tags=records)
            assert (found.mode, found.resolved_commit, found.resolved_ref) == (
                "snapshot-tag",
                first,
                f"refs/tags/{TAG}",
            )


def test_a_snapshot_tag_that_is_light_unrecorded_or_moved_is_refused(repo: RepoBuilder, ask: Ask) -> None:
    first, second = repo.commit({"a": "1"}), repo.commit({"a": "2"})
    fields, name = {"requestedRef": f"refs/tags/{TAG}"}, f"refs/tags/{TAG}"
    assert failure(ask, fields).code == "MEMORY_REF_NOT_FOUND"
    repo.tag(TAG, first)
    assert "not annotated" in failure(ask, fields).message
    for message in ("no record", "[]", "{}", '{"commit": 5}', "[" * 100_000):
        repo.tag(TAG, first, message=message)
        error = failure(ask, fields)
        assert (error.code, error.exit_code) == ("MEMORY_SNAPSHOT_TAG_INVALID", 1)
        assert "no record" in error.message
    repo.tag(TAG, second, message=record(first))
    assert "was moved" in failure(ask, fields).message
    repo.tag(TAG, first, message=record(first))
    assert "no record" in failure(ask, fields, recorded_snapshot_tags={}).message
    assert "was moved" in failure(ask, fields, recorded_snapshot_tags={name: second}).message
    assert ask(fields).resolved_commit == first


# the repository


def test_replace_refs_do_not_change_history(repo: RepoBuilder, ask: Ask) -> None:
    first, second, third = (repo.commit({"a": text}, at=day(int(text))) for text in "123")
    git(repo.git_dir, "replace", "--graft", third, first)
    assert git(repo.git_dir, "rev-list", "--count", third).strip() == b"2"
    assert ask({"requestedRef": second}).commits_behind == 1


def test_incomplete_history_is_refused(repo: RepoBuilder, ask: Ask, tmp_path: Path) -> None:
    tip = repo.commit({"a": "1"})
    (repo.git_dir / "shallow").write_text(f"{tip}\n")
    error = failure(ask)
    assert (error.code, error.exit_code) == ("MEMORY_REPOSITORY_UNAVAILABLE", 3)
    (repo.git_dir / "shallow").write_text("")
    assert ask().resolved_commit == tip


def test_resolving_writes_nothing_into_the_repository(repo: RepoBuilder, ask: Ask) -> None:
    tip = repo.commit({"a": "1"})
    before = {path: path.stat().st_mtime_ns for path in repo.git_dir.rglob("*")}
    for fields in ({}, {"requestedRef": tip}, {"requestedAt": "2026-05-20T00:00:00Z"}):
        ask(fields)
    assert {path: path.stat().st_mtime_ns for path in repo.git_dir.rglob("*")} == before
