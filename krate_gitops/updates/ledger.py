"""What the record store keeps of updates: each step with its audit record, or neither."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from krate_gitops.errors import KrateError, UnavailableError
from krate_gitops.records.audit import append
from krate_gitops.records.audit_head import locked_head
from krate_gitops.records.audit_record import Actor, Entry
from krate_gitops.records.documents import (
    UPDATES,
    Identity,
    Step,
    Stored,
    find_document,
    insert_document,
    insert_step,
    list_documents,
)
from krate_gitops.records.notifications import Notification, insert_notifications
from krate_gitops.records.snapshots import find_object, insert_objects
from krate_gitops.records.update_events import UpdateUse
from krate_gitops.updates.desk import Desk
from krate_gitops.updates.model import TERMINAL, AgentMemoryUpdate, Phase, UpdateStatus, decode_update
from krate_gitops.updates.phases import check_step
from krate_gitops.updates.report import UpdateReport, decode_report

ARTIFACT = "artifact:"
OPEN = frozenset(phase.value for phase in Phase) - {phase.value for phase in TERMINAL}


class Held(NamedTuple):
    """An update as it was read, and the stored state it was read from."""

    stored: Stored
    update: AgentMemoryUpdate

    @property
    def name(self) -> str:
        """Name of the update."""
        return self.update.name


class MovedOnError(KrateError):
    """Somebody else took a step from the same state."""

    def __init__(self, name: str) -> None:
        super().__init__(
            "MEMORY_UPDATE_STALE_APPROVAL",
            f"{name} was changed by somebody else meanwhile",
            hint="look at it again with `update show`",
            location=name,
        )


class Ledger:
    """The updates of one organisation. Every method raises ``UnavailableError(SERVICE_UNAVAILABLE)``."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._database = desk.database
        self._organization = desk.organization

    def find(self, name: str) -> Held:
        """The update of a name. Raises ``UnavailableError(NOT_FOUND)``."""
        with self._database.reading() as connection:
            stored = find_document(connection, UPDATES, self._organization, name)
        if stored is None or stored.identity.memory_repository != self._desk.repository_name:
            raise UnavailableError(
                "NOT_FOUND", "there is no such update here", hint="`krate-gitops update list REPO` lists them"
            )
        return _held(stored)

    def listed(
        self,
        *,
        phases: Collection[str] | None = None,
        source_run: str | None = None,
        key: str | None = None,
        limit: int = 200,
    ) -> list[Held]:
        """Updates of the repository, newest first."""
        with self._database.reading() as connection:
            return self._listed(connection, phases=phases, source_run=source_run, key=key, limit=limit)

    def _listed(
        self,
        connection: Connection,
        *,
        phases: Collection[str] | None = None,
        source_run: str | None = None,
        key: str | None = None,
        limit: int = 200,
    ) -> list[Held]:
        found = list_documents(
            connection,
            UPDATES,
            self._organization,
            memory_repository=self._desk.repository_name,
            phases=phases,
            source_run=source_run,
            idempotency_key=key,
            limit=limit,
        )
        return [_held(stored) for stored in found]

    def begin(
        self,
        key: str,
        source_run: str | None,
        make: Callable[[Sequence[Held], Sequence[Held]], AgentMemoryUpdate | Held],
        contents: Mapping[str, bytes],
        entries: Callable[[AgentMemoryUpdate], Sequence[Entry]],
    ) -> tuple[Held, bool]:
        """Writes a new update, or gives back one that is there; and whether it is new.

        ``make`` gets the updates with the same key and those of the same run, newest first, and nobody else writes
        meanwhile.
        """
        with self._database.writing() as connection:
            locked_head(connection, self._organization)
            alike = self._listed(connection, key=key)
            of_run = self._listed(connection, source_run=source_run) if source_run else []
            made = make(alike, of_run)
            if isinstance(made, Held):
                return made, False
            identity = Identity(
                organization=self._organization,
                name=made.name,
                memory_repository=self._desk.repository_name,
                source_run=source_run,
                idempotency_key=key,
                created_at=made.metadata.creation_timestamp,
            )
            self._keep(connection, contents)
            stored = insert_document(connection, UPDATES, identity, _step(made))
            append(connection, entries(made), now=self._desk.now)
        return Held(stored, made), True

    def step(
        self,
        held: Held,
        update: AgentMemoryUpdate,
        entries: Sequence[Entry] = (),
        *,
        contents: Mapping[str, bytes] | None = None,
        report: UpdateReport | None = None,
        notices: Sequence[Notification] = (),
    ) -> Held:
        """Writes what becomes of an update. Raises ``MovedOnError``, and as ``check_step`` does."""
        check_step(update.name, held.update.phase, update.phase)
        status = msgspec.structs.replace(update.status, updated_at=self._desk.instant)
        update = msgspec.structs.replace(update, status=status)
        kept = dict(contents or {})
        if report is not None:
            kept[report.digest] = report.encoded()
        try:
            with self._database.writing() as connection:
                locked_head(connection, self._organization)
                self._keep(connection, kept)
                stored = insert_step(connection, UPDATES, held.stored, _step(update))
                append(connection, entries, now=self._desk.now)
                insert_notifications(connection, self._organization, notices)
        except IntegrityError:
            raise MovedOnError(update.name) from None
        return Held(stored, update)

    def note(self, entries: Sequence[Entry]) -> None:
        """Writes audit records alone."""
        with self._database.writing() as connection:
            append(connection, entries, now=self._desk.now)

    def contents(self, update: AgentMemoryUpdate) -> dict[str, bytes]:
        """Proposed contents by digest; of one with a secret, what was left of it."""
        digests = {item.content_digest for item in update.spec.changes if item.content_digest is not None}
        with self._database.reading() as connection:
            return {digest: find_object(connection, self._organization, digest) for digest in sorted(digests)}

    def report(self, update: AgentMemoryUpdate) -> UpdateReport | None:
        """The newest report of an update."""
        digest = update.status.validation_report_digest
        if digest is None:
            return None
        with self._database.reading() as connection:
            return decode_report(find_object(connection, self._organization, digest))

    def use(self, update: AgentMemoryUpdate, actor: Actor | None = None) -> UpdateUse:
        """What audit records about an update share."""
        return UpdateUse(
            organization=self._organization,
            repository=self._desk.repository_name,
            update=update.name,
            actor=actor or self._desk.caller.actor(),
            correlation_id=self._desk.correlation_id,
            diff_digest=update.status.diff_digest,
            source_run=update.spec.source_run,
            paths=[item.target for item in update.spec.changes],
        )

    def _keep(self, connection: Connection, contents: Mapping[str, bytes]) -> None:
        insert_objects(connection, {(self._organization, digest): content for digest, content in contents.items()})


def with_status(update: AgentMemoryUpdate, **changes: object) -> AgentMemoryUpdate:
    """The update with other fields of its status."""
    status: UpdateStatus = msgspec.structs.replace(update.status, **changes)
    return msgspec.structs.replace(update, status=status)


def _step(update: AgentMemoryUpdate) -> Step:
    at = update.status.updated_at or update.metadata.creation_timestamp
    return Step(update.phase.value, at, msgspec.json.encode(update).decode())


def _held(stored: Stored) -> Held:
    return Held(stored, decode_update(stored.body))
