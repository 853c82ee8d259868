"""Many who append, and some who are killed: one chain without a gap."""

from __future__ import annotations

import os
import signal
import time
from itertools import count

import pytest
from sqlalchemy import select

from krate_gitops.records.audit import append
from krate_gitops.records.audit_verify import verify
from krate_gitops.records.database import open_database
from krate_gitops.records.tables import audit_heads
from krate_gitops.settings import Settings
from tests.integration.records.processes import child, in_children
from tests.unit.records.sample import APPROVAL, NOW, entry

FOREIGN = entry(organization_ref="globex")


def test_appends_of_several_processes_make_one_chain(database_settings: Settings) -> None:
    open_database(database_settings)

    def work() -> list[int]:
        mine = []
        for _ in range(10):
            with open_database(database_settings).writing() as connection:
                mine.extend(record.sequence for record in append(connection, [APPROVAL] * 3, now=NOW))
        return mine

    given = in_children(4, work)
    assert sorted(number for mine in given for number in mine) == list(range(1, 121))
    with open_database(database_settings).reading() as connection:
        found = verify(connection, "acme")
    assert (found.ok, found.records) == (True, 120)


def test_first_records_of_an_organisation_by_several_processes_at_once(database_settings: Settings) -> None:
    open_database(database_settings)

    def work() -> int:
        with open_database(database_settings).writing() as connection:
            return append(connection, [APPROVAL], now=NOW)[0].sequence

    assert sorted(in_children(5, work)) == [1, 2, 3, 4, 5]


def test_a_transaction_that_is_taken_back_leaves_no_gap(database_settings: Settings) -> None:
    open_database(database_settings)

    def work() -> None:
        database = open_database(database_settings)
        for number in range(12):
            try:
                with database.writing() as connection:
                    append(connection, [APPROVAL], now=NOW)
                    if number % 3 == 0:
                        raise KeyError
            except KeyError:
                pass

    in_children(3, work)
    with open_database(database_settings).reading() as connection:
        found = verify(connection, "acme")
    assert (found.ok, found.records) == (True, 24)


@pytest.mark.parametrize("delay", [0.0, 0.04, 0.11])
def test_an_appender_that_is_killed_leaves_a_sound_log(delay: float, database_settings: Settings) -> None:
    database = open_database(database_settings)
    with database.writing() as connection:
        append(connection, [APPROVAL], now=NOW)

    def work() -> None:
        for number in count():
            with open_database(database_settings).writing() as connection:
                append(connection, [APPROVAL, FOREIGN][number % 2 :][:1] * 20, now=NOW)

    process = child(work)
    while _records(database_settings) < 40:
        time.sleep(0.002)
    time.sleep(delay)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join(30)
    for organization in ("acme", "globex"):
        with database.reading() as connection:
            found = verify(connection, organization)
        assert found.ok
        assert found.records % 20 == (organization == "acme")
        with database.writing() as connection:
            [record] = append(connection, [entry(organization_ref=organization)], now=NOW)
        assert record.sequence == found.records + 1


def _records(settings: Settings) -> int:
    with open_database(settings).reading() as connection:
        return sum(connection.scalars(select(audit_heads.c.sequence)))
