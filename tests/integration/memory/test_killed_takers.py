"""Processes that are killed while they take a snapshot leave none, or a whole one."""

from __future__ import annotations

import random
import signal
from pathlib import Path

import pytest
from sqlalchemy import func, select

from krate_gitops.memory.recall import list_documents
from krate_gitops.memory.verify import verify_all
from krate_gitops.records.audit_verify import verify as verify_log
from krate_gitops.records.consumers import SnapshotFilter
from krate_gitops.records.database import close_databases
from krate_gitops.records.tables import audit_records
from krate_gitops.settings import Settings
from tests.killed import calls_of, killed_after
from tests.repos import git
from tests.snapshots import Desk


@pytest.fixture
def desk(tmp_path: Path, database_settings: Settings) -> Desk:
    return prepared(Desk(tmp_path, database_settings))


def prepared(desk: Desk) -> Desk:
    """A desk that has taken one snapshot already, its connections closed; the tip has none yet."""
    desk.repo.commit({"notes/n.md": "# N\n\nThree needles.\n"}, message="third")
    desk.take("haystack", ref=desk.first, request_id="before")
    close_databases()
    return desk


def killed_at(part: float, desk: Desk) -> int:
    """Takes a snapshot in a child that kills itself at a share of all that storing it calls; its exit status.

    The calls of storing another snapshot are counted first. The count begins where the commit is pinned.
    """
    calls = calls_of(lambda: desk.take(request_id="counted", ref=desk.second), since="pin_commit")
    return killed_after(lambda: desk.take(request_id="killed", run="adr-1"), int(calls * part), since="pin_commit")


def check(desk: Desk) -> bool:
    """Everything is sound; whether the snapshot is there."""
    database = desk.database
    verified = verify_all(database, "local")
    assert verified.faults == ()
    with database.reading() as connection:
        assert verify_log(connection, "local").ok
        made = select(func.count()).where(audit_records.c.type == "MemorySnapshotCreated")
        on_record = connection.execute(made).scalar_one()
    documents = list_documents(database, "local", SnapshotFilter(run="adr-1"), limit=10, cursor=None).items
    assert verified.snapshots == 2 + len(documents)
    assert on_record == verified.snapshots
    kept = desk.take(request_id="killed", run="adr-1")
    assert not documents or documents[0] == kept.snapshot
    assert desk.replay(kept).match
    git(desk.settings.home / "pins" / "sha1.git", "fsck", "--connectivity-only")
    close_databases()
    return bool(documents)


@pytest.mark.parametrize("part", [0.0, 0.2, 0.35, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99])
def test_a_killed_taker_leaves_no_snapshot_or_a_whole_one(desk: Desk, part: float) -> None:
    assert killed_at(part, desk) == -signal.SIGKILL
    check(desk)


def test_whoever_lives_long_enough_leaves_a_whole_one(desk: Desk) -> None:
    assert killed_at(1.2, desk) == 0
    assert check(desk)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_takers_killed_at_two_hundred_random_points_leave_no_half(tmp_path: Path, home: Path, seed: int) -> None:
    points = random.Random(seed)
    seen = set()
    for number in range(50):
        folder = tmp_path / str(number)
        desk = prepared(Desk(folder, Settings(home=folder / "home")))
        seen.add((killed_at(points.random() * 1.02, desk), check(desk)))
    assert (-signal.SIGKILL, False) in seen
