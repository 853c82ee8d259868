"""Who was told this? On both databases, page by page, and from indexes."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, text

from krate_gitops.errors import UsageError
from krate_gitops.memory.recall import Kept, list_documents
from krate_gitops.records.consumers import SnapshotFilter, list_snapshots
from krate_gitops.settings import Settings
from tests.snapshots import Desk


@pytest.fixture
def desk(tmp_path: Path, database_settings: Settings) -> Desk:
    return Desk(tmp_path, database_settings)


def names(desk: Desk, **wanted: object) -> list[str]:
    page = list_documents(desk.database, "local", SnapshotFilter(**wanted), limit=200, cursor=None)  # type: ignore[arg-type]
    return [one.metadata.name for one in page.items]


def test_snapshots_are_found_by_all_that_they_consumed(desk: Desk) -> None:
    def name(kept: Kept) -> str:
        return kept.snapshot.metadata.name

    records = name(desk.take(request_id="a", mode="graph-only", run="adr-1"))
    lines = name(desk.take(request_id="b", mode="grep-only", ref=desk.first, run="adr-2"))
    runbook = name(desk.take(request_id="c", mode="graph-only", kinds=("Runbook",)))
    nothing = name(desk.take("haystack", request_id="d"))
    assert names(desk) == [nothing, runbook, lines, records]
    assert names(desk, record="runbook:a") == [runbook, lines, records]
    assert names(desk, record="service:s", path="graph/s.yaml") == [lines, records]
    assert names(desk, record="service:s", path="runbooks/a.md") == []
    assert names(desk, path="notes/n.md") == [lines]
    assert names(desk, commit=desk.first) == [lines]
    assert names(desk, commit=desk.second, record="runbook:a") == [runbook, records]
    assert names(desk, run="adr-2") == [lines]
    assert names(desk, run="adr-1", path="graph/s.yaml") == [records]
    assert names(desk, record="service:none") == names(desk, commit="0" * 40) == names(desk, run="none") == []
    assert names(desk, since="2020-01-01T00:00:00Z", memory_repository="brain") == names(desk)
    assert names(desk, since="2999-01-01T00:00:00Z") == []
    desk.mark(desk.second, record_ids=("service:s",))
    assert names(desk, known_bad=True) == [records]
    assert names(desk, known_bad=False, record="runbook:a") == [runbook, lines]


def test_another_organisation_sees_none_of_it(desk: Desk) -> None:
    desk.take()
    for wanted in (SnapshotFilter(), SnapshotFilter(record="runbook:a"), SnapshotFilter(commit=desk.second)):
        assert list_documents(desk.database, "other", wanted, limit=9, cursor=None).items == []


def fill(desk: Desk, count: int, *, start: int = 0) -> None:
    """Many snapshots of one record each, as rows alone."""
    postgres = desk.database.engine.dialect.name == "postgresql"
    numbers = (
        f"(SELECT generate_series({start}, {start + count - 1}) AS n)"
        if postgres
        else f"(WITH RECURSIVE c(n) AS (SELECT {start} UNION ALL SELECT n + 1 FROM c WHERE n < {start + count - 1})"
        " SELECT n FROM c)"
    )
    with desk.database.writing() as connection:
        connection.execute(
            text(
                "INSERT INTO snapshots (organization, name, memory_repository, resolved_commit, created_at,"
                " dispatch_run, selection_digest, spec, digest, origin) SELECT 'local', 'filled-' || n, 'brain',"
                f" 'commit-' || (n / 50), '2026-01-01T00:00:00Z', 'run-' || (n / 50), 'sha256:0', '{{}}', 'x', '{{}}'"
                f" FROM {numbers} t"
            )
        )
        connection.execute(
            text(
                "INSERT INTO consumed (snapshot_id, number, organization, record_id, path)"
                " SELECT id, 1, 'local', 'record:' || (id % 100), 'graph/' || (id % 100)"
                f" FROM snapshots WHERE name LIKE 'filled-%' AND id > (SELECT MAX(id) - {count} FROM snapshots)"
            )
        )


def test_pages_stay_as_they_are_while_others_write(desk: Desk) -> None:
    fill(desk, 300)
    stop = threading.Event()

    def write() -> None:
        at = 10_000
        while not stop.is_set():
            fill(desk, 7, start=at)
            at += 7

    expected = _pages(desk, SnapshotFilter(record="record:3"), limit=200)
    everything = _pages(desk, SnapshotFilter(), limit=200)
    writer = threading.Thread(target=write)
    writer.start()
    try:
        with desk.database.reading() as connection:
            first = list_snapshots(connection, "local", SnapshotFilter(), limit=1).items[0].id
        for limit in (1, 2, 50):
            found = _pages(desk, SnapshotFilter(record="record:3"), limit=limit)
            assert found == sorted(set(found), reverse=True)
            assert [number for number in found if number <= expected[0]] == expected
        found = _pages(desk, SnapshotFilter(), limit=37, before=first + 1)
        assert found == sorted(set(found), reverse=True)
        assert [number for number in found if number <= everything[0]] == everything
    finally:
        stop.set()
        writer.join()


def _pages(desk: Desk, wanted: SnapshotFilter, *, limit: int, before: int | None = None) -> list[int]:
    found: list[int] = []
    while True:
        with desk.database.reading() as connection:
            page = list_snapshots(connection, "local", wanted, limit=limit, before=before)
        found += [one.id for one in page.items]
        before = page.next_before
        if before is None:
            return found


def test_a_cursor_that_is_none_is_refused(desk: Desk) -> None:
    for cursor in ("", "x", "-1", "1.5", "9" * 19, "²"):
        with pytest.raises(UsageError):
            list_documents(desk.database, "local", SnapshotFilter(), limit=5, cursor=cursor)


FILTERS = [
    SnapshotFilter(record="record:3"),
    SnapshotFilter(path="graph/3"),
    SnapshotFilter(record="record:3", path="graph/3"),
    SnapshotFilter(record="record:3", commit="commit-3"),
    SnapshotFilter(path="graph/3", run="run-3"),
    SnapshotFilter(record="record:3", since="2026-01-01T00:00:00Z"),
    SnapshotFilter(commit="commit-3"),
    SnapshotFilter(run="run-3"),
    SnapshotFilter(memory_repository="brain", commit="commit-3"),
    SnapshotFilter(record="record:3", known_bad=False),
]


def test_no_question_reads_all_that_was_consumed_or_all_snapshots(desk: Desk) -> None:
    fill(desk, 20_000)
    is_postgres = desk.database.engine.dialect.name == "postgresql"
    with desk.database.writing() as connection:
        connection.execute(text("ANALYZE"))
    for wanted in FILTERS:
        with desk.database.reading() as connection:
            plan = _plan(connection, wanted, is_postgres=is_postgres)
        scans = "Seq Scan on {}" if is_postgres else "SCAN {}"
        assert scans.format("consumed") not in plan, (wanted, plan)
        if wanted.since is None:
            assert f"{scans.format('snapshots')}\n" not in f"{plan}\n", (wanted, plan)


def _plan(connection: Connection, wanted: SnapshotFilter, *, is_postgres: bool) -> str:
    """How the database answers the statement of a page."""
    asked: list[tuple[str, object]] = []

    def remember(_: object, __: object, statement: str, parameters: object, *___: object) -> None:
        asked.append((statement, parameters))

    event.listen(connection, "before_cursor_execute", remember)
    list_snapshots(connection, "local", wanted, limit=50, before=15_000)
    event.remove(connection, "before_cursor_execute", remember)
    statement, parameters = asked[0]
    explain = "EXPLAIN " if is_postgres else "EXPLAIN QUERY PLAN "
    rows = connection.exec_driver_sql(explain + statement, parameters).all()  # type: ignore[arg-type]
    return "\n".join(str(row[-1]) for row in rows)
