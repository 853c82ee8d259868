"""Who was told this? From indexes, beside a scan of the same table, on both databases."""

from __future__ import annotations

import random
import shutil
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, text

from krate_gitops.records.consumers import SnapshotFilter, list_snapshots
from krate_gitops.records.database import Database, close_databases, open_database
from krate_gitops.settings import Settings
from tests.bench.measure import ratios, timed
from tests.bench.plan import Plan
from tests.bench.report import Check, Section, Table, Unit
from tests.records import NoServer, shared_server

MOST = 1 / 50
ITEMS = 20
_ASKED = 15

_SNAPSHOTS = """
INSERT INTO snapshots (organization, name, memory_repository, resolved_commit, created_at, selection_digest, spec,
                       digest, origin)
SELECT 'local', 'ams-' || n, 'brain', 'commit-' || (n / 200), '2026-01-01T00:00:00Z', 'sha256:0', {spec}, 'sha256:0',
       '{{}}'
FROM {numbers}
"""
# A snapshot selects items of many kinds of popularity: the square makes some records a hundred times as common.
_ITEMS = """
INSERT INTO consumed (snapshot_id, number, organization, record_id, path)
SELECT s.id, i.rank, 'local', 'record:' || {popular}, 'graph/' || {popular} || '.yaml'
FROM snapshots s CROSS JOIN {ranks}
"""
_SCANS = {
    "record": "SELECT DISTINCT snapshot_id FROM consumed WHERE organization || '' = 'local' "
    "AND record_id || '' = :value ORDER BY snapshot_id DESC",
    "path": "SELECT DISTINCT snapshot_id FROM consumed WHERE organization || '' = 'local' "
    "AND path || '' = :value ORDER BY snapshot_id DESC",
    "commit": "SELECT id FROM snapshots WHERE organization || '' = 'local' "
    "AND resolved_commit || '' = :value ORDER BY id DESC",
}
"""The same questions with every index kept out of use."""


_SPEC_BYTES = 1_900
"""About the size of a snapshot's spec."""
_POPULAR = "((s.id * 7919 + i.rank * 104729) % 141 * ((s.id * 31 + i.rank * 17) % 141))"


class Dialect(NamedTuple):
    """How one database counts and repeats."""

    numbers: str
    ranks: str
    spec: str


_DIALECTS = {
    "SQLite": Dialect(
        "(WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {count}) SELECT n FROM c) t",
        "(WITH RECURSIVE c(rank) AS (SELECT 1 UNION ALL SELECT rank + 1 FROM c WHERE rank < {items}) "
        "SELECT rank FROM c) i",
        f"hex(zeroblob({_SPEC_BYTES // 2}))",
    ),
    "PostgreSQL": Dialect(
        "generate_series(1, {count}) t(n)",
        "generate_series(1, {items}) i(rank)",
        f"repeat('0', {_SPEC_BYTES})",
    ),
}


def measure(plan: Plan) -> Section:
    """Must-show: the reverse question is answered from an index."""
    count = plan.sizes.snapshots
    checks: list[Check] = []
    rows: list[tuple[str, ...]] = []
    with ExitStack() as stack:
        for name, settings in _stores(plan, stack):
            if settings is None:
                rows.append((name, "not measured: no server", "", ""))
                continue
            database = open_database(settings)
            _fill(database, _DIALECTS[name], count)
            plan.say(f"{name}: {count:,} snapshots with {ITEMS} items each")
            for question, scan in _SCANS.items():
                check, row = _ask(name, database, question, scan)
                checks.append(check)
                rows.append(row)
            close_databases()
    return Section(
        title="Reverse provenance",
        requirement=(
            "Which snapshots consumed a record, a path or a commit, over 100,000 snapshots with 20 items each, is "
            "answered in at most 1/50 of a full scan of the same table, on both databases."
        ),
        method=(
            f"{count:,} snapshots, {count * ITEMS:,} items, some records a hundred times as popular as others. "
            f"{_ASKED} values a question; each is asked for its newest 50 snapshots, as `snapshot list` does, and "
            "beside it the table is scanned with every index kept out of use. Both give the same snapshots first."
        ),
        repeat=".venv/bin/python -m tests.bench --only provenance",
        checks=tuple(checks),
        tables=(
            Table("Answers.", ("Database", "Question", "Same answer", "Snapshots found by the scan"), tuple(rows)),
        ),
    )


def _stores(plan: Plan, stack: ExitStack) -> list[tuple[str, Settings | None]]:
    home = plan.scratch / "provenance"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    stack.callback(shutil.rmtree, home, ignore_errors=True)
    return [("SQLite", Settings(home=home)), ("PostgreSQL", _postgresql(home, stack))]


def _postgresql(home: Path, stack: ExitStack) -> Settings | None:
    try:
        server = stack.enter_context(shared_server(home))
    except NoServer:
        return None
    return Settings(home=home, records=stack.enter_context(server.database()))


def _fill(database: Database, dialect: Dialect, count: int) -> None:
    with database.writing() as connection:
        numbers, ranks = dialect.numbers.format(count=count), dialect.ranks.format(items=ITEMS)
        connection.execute(text(_SNAPSHOTS.format(numbers=numbers, spec=dialect.spec)))
        connection.execute(text(_ITEMS.format(popular=_POPULAR, ranks=ranks)))
    with database.engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE")
        connection.commit()


def _ask(name: str, database: Database, question: str, scan: str) -> tuple[Check, tuple[str, ...]]:
    rng = random.Random(f"{name}:{question}")
    mine, peers, same, found = [], [], 0, 0
    for _ in range(_ASKED):
        with database.reading() as connection:
            value = _value(connection, question, rng)
            wanted = SnapshotFilter(**{question: value})
            seconds, page = timed(partial(list_snapshots, connection, "local", wanted))
            peer, scanned = timed(partial(_scan, connection, scan, value))
        mine.append(seconds)
        peers.append(peer)
        same += [stored.id for stored in page.items] == scanned[:50]
        found += len(scanned)
    check = Check(f"{name}, by {question}", Unit.FRACTION, ratios(mine, peers), MOST)
    return check, (name, question, f"{same} of {_ASKED}", f"{found:,}")


def _scan(connection: Connection, scan: str, value: str) -> list[int]:
    return list(connection.execute(text(scan), {"value": value}).scalars())


def _value(connection: Connection, question: str, rng: random.Random) -> str:
    last = connection.execute(text("SELECT max(id) FROM snapshots")).scalar_one()
    if question == "commit":
        statement = "SELECT resolved_commit FROM snapshots WHERE id = :id"
        return str(connection.execute(text(statement), {"id": rng.randint(1, last)}).scalar_one())
    column = {"record": "record_id", "path": "path"}[question]
    statement = f"SELECT {column} FROM consumed WHERE snapshot_id = :id AND number = :number"
    where = {"id": rng.randint(1, last), "number": rng.randint(1, ITEMS)}
    return str(connection.execute(text(statement), where).scalar_one())
