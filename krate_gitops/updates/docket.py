"""What the ledgers of updates and of imports have in common: documents of one kind, and the steps they take.

A step is on record with its audit records, its contents and its notices, or none of them is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from krate_gitops.errors import KrateError, UnavailableError
from krate_gitops.records.audit import append
from krate_gitops.records.audit_head import locked_head
from krate_gitops.records.audit_record import Entry
from krate_gitops.records.documents import (
    Identity,
    Shelf,
    Step,
    Stored,
    find_document,
    insert_document,
    insert_step,
    list_documents,
)
from krate_gitops.records.notifications import Notification, insert_notifications
from krate_gitops.records.snapshots import find_object, insert_objects
from krate_gitops.updates.desk import Desk


class MovedOnError(KrateError):
    """Somebody else took a step from the same state."""

    def __init__(self, name: str, word: str) -> None:
        super().__init__(
            "MEMORY_UPDATE_STALE_APPROVAL",
            f"{name} was changed by somebody else meanwhile",
            hint=f"look at it again with `{word} show`",
            location=name,
        )


class Docket:
    """The documents of one kind that belong to a desk's repository. ``word`` is what commands call one.

    Every method raises ``UnavailableError(SERVICE_UNAVAILABLE)``.
    """

    def __init__(self, desk: Desk, shelf: Shelf, word: str) -> None:
        self._desk = desk
        self._shelf = shelf
        self._word = word
        self._organization = desk.organization

    def find(self, name: str) -> Stored:
        """The document of a name, as it is now. Raises ``UnavailableError(NOT_FOUND)``."""
        with self._desk.database.reading() as connection:
            stored = find_document(connection, self._shelf, self._organization, name)
        if stored is None or stored.identity.memory_repository != self._desk.repository_name:
            raise UnavailableError(
                "NOT_FOUND",
                f"there is no such {self._word} here",
                hint=f"`krate-gitops {self._word} list REPO` lists them",
            )
        return stored

    def listed(
        self,
        connection: Connection,
        *,
        phases: Collection[str] | None = None,
        source_run: str | None = None,
        key: str | None = None,
        limit: int = 200,
    ) -> list[Stored]:
        """Documents as they are now, newest first."""
        return list_documents(
            connection,
            self._shelf,
            self._organization,
            memory_repository=self._desk.repository_name,
            phases=phases,
            source_run=source_run,
            idempotency_key=key,
            limit=limit,
        )

    def lock(self, connection: Connection) -> None:
        """Makes everybody else who writes for the organisation wait until the transaction ends."""
        locked_head(connection, self._organization)

    def begin(
        self,
        connection: Connection,
        name: str,
        first: Step,
        *,
        created_at: str,
        source_run: str | None,
        key: str = "",
        contents: Mapping[str, bytes] | None = None,
        entries: Sequence[Entry] = (),
    ) -> Stored:
        """Writes a new document with its first state; ``contents`` are kept by their digest."""
        identity = Identity(
            organization=self._organization,
            name=name,
            memory_repository=self._desk.repository_name,
            source_run=source_run,
            idempotency_key=key,
            created_at=created_at,
        )
        self._keep(connection, contents or {})
        stored = insert_document(connection, self._shelf, identity, first)
        append(connection, entries, now=self._desk.now)
        return stored

    def step(
        self,
        stored: Stored,
        step: Step,
        entries: Sequence[Entry] = (),
        *,
        contents: Mapping[str, bytes] | None = None,
        notices: Sequence[Notification] = (),
    ) -> Stored:
        """Writes what follows a state. Raises ``MovedOnError`` when something else followed it already."""
        try:
            with self._desk.database.writing() as connection:
                self.lock(connection)
                self._keep(connection, contents or {})
                following = insert_step(connection, self._shelf, stored, step)
                append(connection, entries, now=self._desk.now)
                insert_notifications(connection, self._organization, notices)
        except IntegrityError:
            raise MovedOnError(stored.identity.name, self._word) from None
        return following

    def note(self, entries: Sequence[Entry]) -> None:
        """Writes audit records alone."""
        with self._desk.database.writing() as connection:
            append(connection, entries, now=self._desk.now)

    def contents(self, digests: Iterable[str]) -> dict[str, bytes]:
        """Kept contents by digest."""
        with self._desk.database.reading() as connection:
            return {digest: find_object(connection, self._organization, digest) for digest in sorted(set(digests))}

    def _keep(self, connection: Connection, contents: Mapping[str, bytes]) -> None:
        insert_objects(connection, {(self._organization, digest): content for digest, content in contents.items()})
