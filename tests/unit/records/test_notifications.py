"""Notifications are written once each, and listed by recipient, newest first."""

from __future__ import annotations

import pytest

from krate_gitops.errors import UnavailableError
from krate_gitops.records.database import Database, open_database
from krate_gitops.records.notifications import Notification, insert_notifications, list_notifications
from krate_gitops.records.tables import notifications
from krate_gitops.settings import Settings


@pytest.fixture
def database(database_settings: Settings) -> Database:
    return open_database(database_settings)


def note(number: int, recipient: str = "user:ann") -> Notification:
    return Notification(
        recipient=recipient,
        subject="something",
        dedupe_key=f"key-{recipient}-{number}",
        text=f"number {number}",
        created_at="2026-06-01T00:00:00Z",
        facts={"number": number},
    )


def texts(database: Database, organization: str = "local", **how: object) -> list[str]:
    with database.reading() as connection:
        return [one.text for one in list_notifications(connection, organization, **how).items]  # type: ignore[arg-type]


def test_the_newest_comes_first_and_only_those_of_the_recipient(database: Database) -> None:
    with database.writing() as connection:
        assert insert_notifications(connection, "local", [note(1), note(2), note(3, "team:payments")]) == 3
    assert texts(database) == ["number 3", "number 2", "number 1"]
    assert texts(database, recipient="user:ann") == ["number 2", "number 1"]
    assert texts(database, recipient="user:bob") == []
    with database.reading() as connection:
        assert list_notifications(connection, "local", recipient="team:payments").items == [note(3, "team:payments")]


def test_what_was_told_is_not_told_again(database: Database) -> None:
    with database.writing() as connection:
        assert insert_notifications(connection, "local", [note(1), note(1)]) == 1
    with database.writing() as connection:
        assert insert_notifications(connection, "local", [note(1), note(2)]) == 1
    assert texts(database) == ["number 2", "number 1"]


def test_an_organisation_sees_its_own_alone(database: Database) -> None:
    with database.writing() as connection:
        assert insert_notifications(connection, "local", [note(1)]) == 1
        assert insert_notifications(connection, "other", [note(1), note(2)]) == 2
    assert texts(database) == ["number 1"]
    assert texts(database, "other") == ["number 2", "number 1"]


def test_pages_go_on_where_the_last_one_ended(database: Database) -> None:
    with database.writing() as connection:
        insert_notifications(connection, "local", [note(number) for number in range(5)])
    seen, before = [], None
    while True:
        with database.reading() as connection:
            page = list_notifications(connection, "local", limit=2, before=before)
        seen += [one.text for one in page.items]
        before = page.next_before
        if before is None:
            break
    assert seen == [f"number {number}" for number in (4, 3, 2, 1, 0)]


def test_none_are_written_when_there_are_none(database: Database) -> None:
    with database.writing() as connection:
        assert insert_notifications(connection, "local", []) == 0


def test_what_was_told_cannot_be_taken_back(database: Database) -> None:
    with database.writing() as connection:
        insert_notifications(connection, "local", [note(1)])
    with pytest.raises(UnavailableError, match="never changed"), database.writing() as connection:
        connection.execute(notifications.delete())
    assert texts(database) == ["number 1"]
