"""A request id means one snapshot, however often and by however many it is asked for."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import func, select

from krate_gitops.errors import UsageError
from krate_gitops.git.request import RefRequest
from krate_gitops.memory.verify import verify_all
from krate_gitops.records.database import open_database
from krate_gitops.records.tables import queries, snapshots
from krate_gitops.settings import Settings
from tests.integration.records.processes import in_children
from tests.snapshots import Desk


@pytest.fixture
def desk(tmp_path: Path, database_settings: Settings) -> Desk:
    return Desk(tmp_path, database_settings)


def count(desk: Desk) -> tuple[int, int]:
    with desk.database.reading() as connection:
        return tuple(connection.execute(select(func.count()).select_from(t)).scalar_one() for t in (snapshots, queries))  # type: ignore[return-value]


def test_a_request_id_gives_the_stored_snapshot_though_memory_has_moved_on(desk: Desk) -> None:
    one = desk.take(request_id="r-1")
    desk.repo.commit({"notes/n.md": "# N\n"})
    for again in (desk.take(request_id="r-1"), desk.take(request_id="r-1", ref="main")):
        assert again.snapshot == one.snapshot
        assert (again.stored, again.origin) == (one.stored, one.origin)
    assert count(desk) == (1, 1)


def test_a_request_id_is_refused_for_any_other_question(desk: Desk) -> None:
    desk.take(request_id="r-1")
    others = (
        lambda: desk.take("another", request_id="r-1"),
        lambda: desk.take(request_id="r-1", kinds=("Runbook",)),
        lambda: desk.take(request_id="r-1", ref=desk.first),
        lambda: desk.take(request_id="r-1", ref=RefRequest(requested_at="2026-01-01T00:00:30Z")),
    )
    for ask in others:
        with pytest.raises(UsageError) as caught:
            ask()
        assert caught.value.code == "IDEMPOTENCY_KEY_REUSED"
    assert count(desk) == (1, 1)


def test_an_id_of_another_organisation_is_nobody_s_business(desk: Desk) -> None:
    one = desk.take(request_id="r-1")
    desk.settings = msgspec.structs.replace(desk.settings, organization="other")
    other = desk.take("haystack", request_id="r-1")
    assert other.snapshot.metadata.name == one.snapshot.metadata.name
    assert other.snapshot.spec.organization_ref == "other"
    assert count(desk) == (2, 2)


def test_processes_that_ask_at_once_get_one_snapshot(desk: Desk) -> None:
    open_database(desk.settings)
    desk.take("haystack")
    answers = in_children(4, lambda: msgspec.json.encode(desk.take(request_id="r-1").snapshot))
    assert len(set(answers)) == 1
    assert isinstance(answers[0], bytes)
    assert count(desk) == (2, 2)
    assert verify_all(desk.database, "local").faults == ()


def test_processes_that_ask_different_questions_under_one_id_get_one_answer_between_them(desk: Desk) -> None:
    open_database(desk.settings)
    desk.take("haystack")

    def ask() -> str:
        try:
            return desk.take(f"needle {os.getpid()}", request_id="r-1").snapshot.metadata.name
        except UsageError as error:
            return error.code

    answers = in_children(3, ask)
    assert sorted(answers)[:2] == ["IDEMPOTENCY_KEY_REUSED"] * 2
    assert count(desk) == (2, 2)
