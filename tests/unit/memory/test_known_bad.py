"""Ranges of history that are known to be bad: what they cover, what they mark, and what is refused because of them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from krate_gitops.errors import KrateError, UnavailableError, UsageError
from krate_gitops.git.ranges import CommitRange
from krate_gitops.git.request import RefMode, RefRequest
from krate_gitops.memory.context import memory_block, prompt_section
from krate_gitops.memory.freeze import Occasion, freeze
from krate_gitops.memory.keep import keep
from krate_gitops.memory.known_bad import Marked, close, ranges, withdraw
from krate_gitops.memory.policy import owner_policy
from krate_gitops.memory.recall import Kept, list_documents
from krate_gitops.memory.recorded import read_recorded
from krate_gitops.memory.snapshot_diff import Other, diff_snapshot
from krate_gitops.memory.take import refresh
from krate_gitops.records.consumers import SnapshotFilter
from krate_gitops.settings import Settings
from tests.repos import git
from tests.snapshots import REQUESTER, Desk
from tests.unit.memory.world import request


@pytest.fixture
def desk(tmp_path: Path, database_settings: Settings) -> Desk:
    """Four commits, 0 to 3; the clock of the third runs years behind."""
    desk = Desk(tmp_path, database_settings)
    desk.repo.commit({"notes/m.md": "# M\n\nneedle\n"}, message="third", at=datetime(2020, 1, 1, tzinfo=UTC))
    desk.repo.commit({"notes/m.md": "# M\n\nneedles\n"}, message="fourth", at=datetime(2026, 3, 1, tzinfo=UTC))
    return desk


def chain(desk: Desk) -> list[str]:
    return git(desk.repo.git_dir, "rev-list", "--first-parent", "--reverse", "main").decode().split()


def snapshots(desk: Desk, **asked: object) -> list[Kept]:
    """One of each commit."""
    return [desk.take(ref=commit, request_id=f"{commit}-{asked}", **asked) for commit in chain(desk)]  # type: ignore[arg-type]


def bad(desk: Desk, taken: list[Kept]) -> list[int]:
    """Which of them are known to be bad now."""
    return [at for at, kept in enumerate(taken) if desk.again(kept).snapshot.status.known_bad is not None]


def known_bad(desk: Desk, commit: str) -> bool:
    return desk.brain().resolve(RefRequest(mode=RefMode.EXPLICIT_REF, requested_ref=commit)).known_bad


def test_a_range_begins_with_the_bad_commit_and_ends_before_the_good_one(desk: Desk) -> None:
    taken, commits = snapshots(desk), chain(desk)
    found = desk.mark(commits[1], commits[3])
    assert (found.covered, found.marked, found.unmarked) == (2, 2, 0)
    assert bad(desk, taken) == [1, 2]
    assert [known_bad(desk, commit) for commit in commits] == [False, True, True, False]


def test_a_range_without_an_end_goes_on_with_every_new_commit(desk: Desk) -> None:
    taken, commits = snapshots(desk), chain(desk)
    desk.mark(commits[2])
    assert bad(desk, taken) == [2, 3]
    tip = desk.repo.commit({"notes/z.md": "# Z\n"})
    assert known_bad(desk, tip)


def test_the_order_of_a_range_is_that_of_history_and_not_of_clocks(desk: Desk) -> None:
    taken, commits = snapshots(desk), chain(desk)
    desk.mark(commits[2], commits[3])
    assert bad(desk, taken) == [2]
    with pytest.raises(UsageError) as caught:
        desk.mark(commits[2], commits[1])
    assert (caught.value.code, caught.value.location) == ("INVALID_REQUEST", commits[1])
    with pytest.raises(UsageError):
        desk.mark(commits[2], commits[2])


def test_a_range_with_paths_or_records_marks_only_who_selected_one_of_them(desk: Desk) -> None:
    commits = chain(desk)
    notes, records = (desk.take(request_id=mode, mode=mode) for mode in ("grep-only", "graph-only"))
    lines = desk.take(request_id="paths", mode="grep-only", paths=("graph/**",))
    only_note = desk.mark(commits[0], paths=("notes/n.md",), record_ids=())
    assert (bad(desk, [notes, records, lines]), only_note.covered) == ([0], 1)
    withdraw(desk.database, "local", only_note.range.name, reason="mistake", marked_by="tester")
    assert bad(desk, [notes, records, lines]) == []
    desk.mark(commits[0], record_ids=("service:s",), paths=("nowhere.md",))
    assert bad(desk, [notes, records, lines]) == [0, 1, 2]


def test_a_mark_touches_the_status_alone(desk: Desk) -> None:
    before = desk.take()
    desk.mark(desk.first, ref="incident:vault")
    after = desk.again(before)
    assert (after.snapshot.spec, after.stored) == (before.snapshot.spec, before.stored)
    status = after.snapshot.status
    assert (status.phase, status.digest) == ("Pinned", before.snapshot.status.digest)
    assert status.known_bad is not None
    assert (status.known_bad.reason, status.known_bad.ref, status.known_bad.marked_by) == (
        "wrong vault",
        "incident:vault",
        "tester",
    )
    [condition] = [one for one in status.conditions if one.type == "KnownBad"]
    assert (condition.status, condition.message) == ("True", "wrong vault")
    assert condition.last_transition_time == status.known_bad.marked_at
    assert desk.replay(after).match


def test_closing_a_range_frees_what_came_after_the_fix(desk: Desk) -> None:
    taken, commits = snapshots(desk), chain(desk)
    name = desk.mark(commits[1]).range.name
    found = close(desk.brain(), desk.database, name, commits[2], marked_by="tester")
    assert (found.covered, found.marked, found.unmarked, found.range.end) == (1, 0, 2, commits[2])
    assert bad(desk, taken) == [1]
    [listed] = ranges(desk.database, "local", None)
    assert (listed.name, listed.start, listed.end, listed.withdrawn) == (name, commits[1], commits[2], False)
    with pytest.raises(UsageError):
        close(desk.brain(), desk.database, name, commits[0], marked_by="tester")


def test_a_withdrawn_range_stays_on_record_and_covers_nothing(desk: Desk) -> None:
    taken, commits = snapshots(desk), chain(desk)
    name = desk.mark(commits[0]).range.name
    found = withdraw(desk.database, "local", name, reason="mistake", marked_by="tester")
    assert (found.covered, found.unmarked) == (0, 4)
    assert bad(desk, taken) == []
    assert not known_bad(desk, commits[0])
    [listed] = ranges(desk.database, "local", "brain")
    assert (listed.withdrawn, listed.reason) == (True, "mistake")
    assert ranges(desk.database, "local", "other") == []
    with pytest.raises(UnavailableError):
        withdraw(desk.database, "local", "bad-none", reason="mistake", marked_by="tester")
    with pytest.raises(UnavailableError):
        withdraw(desk.database, "other", name, reason="mistake", marked_by="tester")


def test_what_two_ranges_cover_stays_bad_until_both_are_gone(desk: Desk) -> None:
    taken, commits = snapshots(desk), chain(desk)
    one, other = desk.mark(commits[0]), desk.mark(commits[1], reason="another")
    withdraw(desk.database, "local", one.range.name, reason="mistake", marked_by="tester")
    assert bad(desk, taken) == [1, 2, 3]
    withdraw(desk.database, "local", other.range.name, reason="mistake", marked_by="tester")
    assert bad(desk, taken) == []
    again = desk.mark(commits[0])
    assert (again.range.name, again.marked) == (one.range.name, 4)
    assert bad(desk, taken) == [0, 1, 2, 3]


def test_a_new_snapshot_of_bad_history_needs_to_be_acknowledged_and_is_marked(desk: Desk) -> None:
    commits = chain(desk)
    desk.mark(commits[1], commits[3])
    for ref, commit in ((commits[1], commits[1]), (RefRequest(requested_at="2026-01-01T00:01:30Z"), commits[2])):
        with pytest.raises(KrateError) as caught:
            desk.take(ref=ref)
        assert (caught.value.code, caught.value.location) == ("MEMORY_SNAPSHOT_KNOWN_BAD", commit)
    kept = desk.take(ref=commits[1], acknowledge=True)
    assert kept.snapshot.spec.ref_resolution.known_bad
    assert kept.snapshot.status.known_bad is not None
    assert kept.snapshot == desk.again(kept).snapshot
    assert memory_block(kept).warnings[0] == "known-bad"
    assert "[known-bad: " in prompt_section(kept)
    assert "wrong vault" in prompt_section(kept)
    assert desk.take().snapshot.status.known_bad is None


def test_a_new_snapshot_is_not_marked_by_a_range_of_paths_it_did_not_select(desk: Desk) -> None:
    desk.mark(desk.first, paths=("notes/n.md",))
    assert desk.take(acknowledge=True, mode="graph-only").snapshot.status.known_bad is None
    assert desk.take(acknowledge=True, mode="grep-only").snapshot.status.known_bad is not None


def test_a_range_marked_between_asking_and_storing_marks_the_snapshot(desk: Desk) -> None:
    brain = desk.brain()
    frozen = brain.read_under(
        RefRequest(),
        owner_policy(),
        lambda opened, resolution: freeze(
            opened,
            request("needle"),
            owner_policy(),
            brain.scope(resolution),
            Occasion(requester=REQUESTER),
            now=datetime.now(UTC),
        ),
    )
    assert desk.mark(desk.first).covered == 0
    [kept] = keep(desk.database, [frozen], brain.repository, brain.origin(), settings=desk.settings)
    assert kept.snapshot.status.known_bad is not None
    assert desk.again(kept).snapshot.status.known_bad is not None


def test_a_refresh_of_bad_memory_gets_the_good_commit(desk: Desk) -> None:
    kept = desk.take()
    tip = desk.repo.commit({"notes/n.md": "# N\n\nThe right needle.\n"})
    desk.mark(desk.second, tip)
    new = refresh(desk.brain(), desk.database, kept, Occasion(requester=REQUESTER))
    assert new.snapshot.spec.resolved_commit == tip
    assert (desk.again(kept).snapshot.status.known_bad is None, new.snapshot.status.known_bad) == (False, None)


def test_a_range_of_other_history_covers_nothing_here(desk: Desk, tmp_path: Path) -> None:
    commits = chain(desk)
    desk.mark(commits[1])
    same_name = Desk(tmp_path / "other", desk.settings, {"ontology/node-kinds.yaml": "nodeKinds: []\n"})
    brain = same_name.brain()
    assert brain.repository.name == "brain"
    assert not brain.resolve(RefRequest()).known_bad
    desk.repo.commit({"notes/f.md": "# F\n"}, branch="draft", parents=[commits[2]])
    off_the_main_line = RefRequest(requested_ref="draft", require_approved_commit=False)
    assert not desk.brain().resolve(off_the_main_line).known_bad


def test_repositories_and_organisations_have_ranges_of_their_own(desk: Desk, tmp_path: Path) -> None:
    desk.mark(desk.first)
    assert read_recorded(desk.settings, "brain").ranges == (CommitRange(desk.first),)
    assert read_recorded(desk.settings, "another").ranges == ()
    assert read_recorded(msgspec.structs.replace(desk.settings, organization="other"), "brain").ranges == ()


def test_snapshots_are_listed_by_whether_they_are_known_to_be_bad(desk: Desk) -> None:
    taken, commits = snapshots(desk), chain(desk)
    name = desk.mark(commits[2]).range.name

    def listed(flag: bool) -> set[str]:
        page = list_documents(desk.database, "local", SnapshotFilter(known_bad=flag), limit=50, cursor=None)
        return {one.metadata.name for one in page.items}

    names = [kept.snapshot.metadata.name for kept in taken]
    assert (listed(True), listed(False)) == (set(names[2:]), set(names[:2]))
    close(desk.brain(), desk.database, name, commits[3], marked_by="tester")
    assert listed(True) == {names[2]}


def test_a_diff_of_bad_memory_is_no_use_of_it(desk: Desk) -> None:
    kept = desk.take(ref=desk.first, mode="grep-only")
    desk.mark(desk.first)
    assert diff_snapshot(desk.brain(), desk.again(kept), Other(desk.second)).selected == 1


def test_marking_a_closed_range_again_leaves_it_closed_and_writes_nothing(desk: Desk) -> None:
    taken, commits = snapshots(desk), chain(desk)
    marked = desk.mark(commits[1])
    closed = close(desk.brain(), desk.database, marked.range.name, commits[3], marked_by="tester")
    before = desk.bytes_of_all_tables()
    again = desk.mark(commits[1], marked_by="somebody else")
    assert again == Marked(closed.range, 2, 0, 0)
    assert desk.bytes_of_all_tables() == before
    assert bad(desk, taken) == [1, 2]


def test_a_withdrawn_range_can_be_marked_again(desk: Desk) -> None:
    taken, commits = snapshots(desk), chain(desk)
    name = desk.mark(commits[1]).range.name
    withdraw(desk.database, "local", name, reason="mistake", marked_by="tester")
    assert (desk.mark(commits[1]).range.name, bad(desk, taken)) == (name, [1, 2, 3])


def test_a_range_marks_snapshots_of_its_own_repository_alone(desk: Desk, tmp_path: Path) -> None:
    other = Desk(tmp_path / "copy", desk.settings, name="other")
    git(other.repo.git_dir, "fetch", "-q", str(desk.repo.path), "+main:refs/heads/theirs")
    git(other.repo.git_dir, "update-ref", "refs/heads/main", "refs/heads/theirs")
    theirs, ours = other.take(request_id="theirs"), desk.take(request_id="ours")
    assert theirs.snapshot.spec.resolved_commit == ours.snapshot.spec.resolved_commit
    assert desk.mark(chain(desk)[0]).covered == 1
    assert bad(desk, [theirs, ours]) == [1]
