"""A merged revert closes the ranges that began with the commit it took back."""

from __future__ import annotations

from pathlib import Path

import pytest

from krate_gitops.errors import UsageError
from krate_gitops.memory.known_bad import Marked, ranges, withdraw
from krate_gitops.settings import Settings
from krate_gitops.updates.recovery import close_ranges_fixed_by
from tests.snapshots import Desk


@pytest.fixture
def desk(tmp_path: Path, database_settings: Settings) -> Desk:
    return Desk(tmp_path, database_settings)


def fixed(desk: Desk, offending: str, merge: str) -> list[Marked]:
    return close_ranges_fixed_by(desk.brain(), desk.database, offending, merge, "merger")


def test_every_open_range_of_the_commit_is_closed_at_the_merge(desk: Desk) -> None:
    desk.mark(desk.second)
    desk.mark(desk.second, paths=("notes/n.md",))
    kept = desk.take(acknowledge=True)
    merge = desk.repo.commit({"notes/n.md": "# N\n\nGood.\n"})
    closed = fixed(desk, desk.second, merge)
    assert [(one.range.end, one.range.marked_by) for one in closed] == [(merge, "merger")] * 2
    assert desk.again(kept).snapshot.status.known_bad is not None
    assert desk.take(request_id="after").snapshot.status.known_bad is None


def test_doing_it_again_changes_nothing(desk: Desk) -> None:
    desk.mark(desk.second)
    merge = desk.repo.commit({"notes/n.md": "# N\n"})
    fixed(desk, desk.second, merge)
    before = ranges(desk.database, "local", None)
    assert fixed(desk, desk.second, desk.repo.commit({"notes/n.md": "# M\n"})) == []
    assert ranges(desk.database, "local", None) == before


def test_ranges_of_other_commits_and_withdrawn_ones_stay(desk: Desk) -> None:
    desk.mark(desk.first)
    taken_back = desk.mark(desk.second).range.name
    withdraw(desk.database, "local", taken_back, reason="mistake", marked_by="tester")
    merge = desk.repo.commit({"notes/n.md": "# N\n"})
    assert fixed(desk, desk.second, merge) == []
    assert all(one.end is None for one in ranges(desk.database, "local", None))


def test_ranges_of_other_repositories_stay(desk: Desk, tmp_path: Path) -> None:
    other = Desk(tmp_path / "o", desk.settings, name="other")
    other.mark(other.second)
    assert other.second == desk.second
    merge = desk.repo.commit({"notes/n.md": "# N\n"})
    assert fixed(desk, desk.second, merge) == []


def test_a_merge_that_is_not_after_the_commit_closes_nothing(desk: Desk) -> None:
    desk.mark(desk.second)
    with pytest.raises(UsageError):
        fixed(desk, desk.second, desk.first)
    assert all(one.end is None for one in ranges(desk.database, "local", None))
