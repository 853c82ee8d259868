"""Searching the audit log on both databases."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from krate_gitops.errors import UsageError
from krate_gitops.records.audit import append
from krate_gitops.records.audit_export import export_lines
from krate_gitops.records.audit_filter import AuditFilter
from krate_gitops.records.audit_head import NO_HASH
from krate_gitops.records.audit_query import count, query, tail
from krate_gitops.records.audit_record import Actor, AuditRecord, Target
from krate_gitops.records.database import Database, open_database
from krate_gitops.records.memory_events import cross_org_denied
from krate_gitops.settings import Settings
from tests.unit.records.sample import APPROVAL, COMMIT, CORRELATION, NOW, entry
from tests.unit.records.test_events import EXECUTED, RESOLVED

STACK = entry(class_="stack-change", type="AgentStackSaved", target=Target(kind="AgentStack", name="ci-diagnoser"))
DISPATCH = entry(class_="dispatch", type="AgentDispatchCreated", details={"stack": "ci-diagnoser"})
DENIED = cross_org_denied(
    organization="acme",
    actor=Actor(kind="ServiceAccount", name="runner", groups=("bots", "acme-maintainers")),
    correlation_id="krate-7ZZZZZZZZZZZZZZZZZZZZZZZZZ",
    reference_kind="AgentRun",
)
WRITTEN = [APPROVAL, RESOLVED, EXECUTED, STACK, DISPATCH, DENIED]
"""One record a minute, numbered from 1; ``globex`` has them in the opposite order."""


def written(settings: Settings) -> Database:
    database = open_database(settings)
    with database.writing() as connection:
        for at, (one, other) in enumerate(zip(WRITTEN, reversed(WRITTEN), strict=True)):
            now = NOW + timedelta(minutes=at)
            append(connection, [one], now=now)
            append(connection, [msgspec.structs.replace(other, organization_ref="globex")], now=now)
    return database


def numbers(records: tuple[AuditRecord, ...]) -> list[int]:
    return [record.sequence for record in records]


def minute(number: int) -> datetime:
    return NOW.replace(microsecond=0) + timedelta(minutes=number)


CASES: list[tuple[dict[str, Any], list[int]]] = [
    ({}, [6, 5, 4, 3, 2, 1]),
    ({"repository": "payments"}, [5, 4, 1]),
    ({"repository": "company-brain"}, [5, 4, 3, 2, 1]),
    ({"user": "rivera"}, [5, 4, 3, 2, 1]),
    ({"user": "runner"}, [6]),
    ({"group": "acme-maintainers"}, [6, 5, 4, 1]),
    ({"group": "bots"}, [6]),
    ({"stack": "ci-diagnoser"}, [5, 4]),
    ({"trigger_rule": "ci"}, [5, 4, 1]),
    ({"dispatch_run": "adr-7c1e"}, [5, 4, 1]),
    ({"attempt": "ada-7c1e-1"}, [5, 4, 1]),
    ({"target_kind": "AgentStack"}, [4]),
    ({"target_name": "payments/118"}, [5, 1]),
    ({"target_kind": "AgentStack", "target_name": "payments/118"}, []),
    ({"class_": "memory"}, [3, 2]),
    ({"type": "MemoryQueryExecuted"}, [3]),
    ({"allowed": False}, [6]),
    ({"allowed": True}, [5, 4, 3, 2, 1]),
    ({"correlation_id": CORRELATION}, [5, 4, 3, 2, 1]),
    ({"commit": COMMIT}, [5, 4, 3, 2, 1]),
    ({"commit": COMMIT[:12]}, []),
    ({"since": minute(2)}, [6, 5, 4, 3]),
    ({"until": minute(2)}, [2, 1]),
    ({"since": minute(2), "until": minute(4), "class_": "stack-change"}, [4]),
    ({"until": NOW + timedelta(minutes=1)}, [1]),
    ({"since": minute(0).replace(microsecond=120_000), "until": minute(0).replace(microsecond=121_000)}, [1]),
    ({"user": "rivera' OR '1'='1"}, []),
]


def test_every_filter_finds_what_it_names_and_all_must_hold(database_settings: Settings) -> None:
    with written(database_settings).reading() as connection:
        for filters, expected in CASES:
            page = query(connection, AuditFilter(organization="acme", **filters))
            assert (filters, numbers(page.items), page.next_cursor) == (filters, expected, None)
            assert {record.organization_ref for record in page.items} <= {"acme"}
    assert {name for filters, _ in CASES for name in filters} | {"organization"} == set(AuditFilter.__struct_fields__)


def test_an_organisation_sees_its_own_records_only(database_settings: Settings) -> None:
    with written(database_settings).reading() as connection:
        assert query(connection, AuditFilter(organization="nobody")).items == ()
        assert count(connection, AuditFilter(organization="nobody")).total == 0
        records = query(connection, AuditFilter(organization="globex")).items
    assert {record.organization_ref for record in records} == {"globex"}


def test_the_tail_goes_on_where_it_was_left(database_settings: Settings) -> None:
    database = written(database_settings)
    wanted = AuditFilter(organization="acme")
    with database.reading() as connection:
        assert numbers(tail(connection, wanted, after=4).items) == [5, 6]
        first = tail(connection, wanted, after=0, limit=4)
        second = query(connection, wanted, limit=4, cursor=first.next_cursor)
    assert (numbers(first.items), numbers(second.items), second.next_cursor) == ([1, 2, 3, 4], [5, 6], None)


@pytest.mark.parametrize("limit", [0, 501, -1])
def test_a_page_has_from_1_to_500_records(limit: int, database_settings: Settings) -> None:
    with open_database(database_settings).reading() as connection, pytest.raises(UsageError, match="from 1 to 500"):
        query(connection, AuditFilter(organization="acme"), limit=limit)


def test_without_a_limit_a_page_has_50_records(database_settings: Settings) -> None:
    database = open_database(database_settings)
    with database.writing() as connection:
        append(connection, [APPROVAL] * 51, now=NOW)
        assert len(query(connection, AuditFilter(organization="acme")).items) == 50


def test_a_cursor_is_of_one_query(database_settings: Settings) -> None:
    wanted = AuditFilter(organization="acme", class_="memory")
    with written(database_settings).reading() as connection:
        cursor = query(connection, wanted, limit=1).next_cursor
        assert cursor is not None
        for other in (AuditFilter(organization="globex", class_="memory"), AuditFilter(organization="acme")):
            with pytest.raises(UsageError, match="does not belong to this query"):
                query(connection, other, cursor=cursor)
        for text in ("", "x", "é", cursor[:-4], "e30"):
            with pytest.raises(UsageError, match="does not belong"):
                query(connection, wanted, cursor=text)


def test_counts_are_by_class_type_and_hour(database_settings: Settings) -> None:
    database = written(database_settings)
    with database.writing() as connection:
        append(connection, [APPROVAL], now=NOW + timedelta(hours=2))
        found = count(connection, AuditFilter(organization="acme"))
        memory = count(connection, AuditFilter(organization="acme", class_="memory"))
    assert found.total == 7
    assert found.by_class == {
        "approval-decision": 2,
        "dispatch": 1,
        "memory": 2,
        "policy-denial": 1,
        "stack-change": 1,
    }
    assert found.by_type["AgentApprovalDecision"] == 2
    assert found.by_hour == {"2026-03-02T09": 6, "2026-03-02T11": 1}
    assert memory.by_type == {"MemoryQueryExecuted": 1, "MemoryRefResolved": 1}


def test_an_export_is_closed_by_its_hash_and_the_head(
    database_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("krate_gitops.records.audit_export.LARGEST_PAGE", 2)
    with written(database_settings).reading() as connection:
        lines = list(export_lines(connection, AuditFilter(organization="acme")))
        last = query(connection, AuditFilter(organization="acme"), limit=1).items[0]
    records = [msgspec.json.decode(line, type=AuditRecord) for line in lines[:-1]]
    assert numbers(tuple(records)) == [1, 2, 3, 4, 5, 6]
    assert records[-1] == last
    assert json.loads(lines[-1])["closing"] == {
        "organizationRef": "acme",
        "records": 6,
        "hash": "sha256:" + hashlib.sha256("".join(lines[:-1]).encode()).hexdigest(),
        "lastSequence": 6,
        "lastHash": last.hash,
    }
    [closing] = export_lines(None, AuditFilter(organization="acme"))
    assert json.loads(closing)["closing"]["lastHash"] == NO_HASH


STEPS = st.lists(st.tuples(st.integers(1, 4), st.lists(st.booleans(), max_size=4)), min_size=1, max_size=8)
"""A page of so many records, then appends of records that match the filter or do not."""


@given(before=st.lists(st.booleans(), min_size=1, max_size=12), steps=STEPS, by_class=st.booleans())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_pages_are_stable_while_records_are_appended(
    before: list[bool], steps: list[tuple[int, list[bool]]], by_class: bool, database_settings: Settings
) -> None:
    """What is read page by page is what was there when the first page was read: nothing twice, nothing left out."""
    database = open_database(database_settings)
    with database.writing() as connection:
        organization = f"org-{count(connection, AuditFilter(organization='names')).total}"
        append(connection, [entry(organization_ref="names")], now=NOW)
        _append(connection, organization, before)
    wanted = AuditFilter(organization=organization, class_="memory" if by_class else None)
    with database.reading() as connection:
        expected = numbers(query(connection, wanted, limit=500).items)
    read: list[int] = []
    cursor = None
    for limit, appended in [*steps, (500, [])]:
        with database.reading() as connection:
            page = query(connection, wanted, limit=limit, cursor=cursor)
        read.extend(numbers(page.items))
        cursor = page.next_cursor
        if cursor is None:
            break
        with database.writing() as connection:
            _append(connection, organization, appended)
    assert read == expected


def _append(connection: Connection, organization: str, of_memory: list[bool]) -> None:
    entries = [EXECUTED if memory else APPROVAL for memory in of_memory]
    append(connection, [msgspec.structs.replace(one, organization_ref=organization) for one in entries], now=NOW)
