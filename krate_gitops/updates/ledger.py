"""What the record store keeps of updates: each step with its audit record, or neither."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

import msgspec

from krate_gitops.records.audit_record import Actor, Entry
from krate_gitops.records.documents import UPDATES, Step, Stored
from krate_gitops.records.notifications import Notification
from krate_gitops.records.update_events import UpdateUse
from krate_gitops.updates.desk import Desk
from krate_gitops.updates.docket import Docket
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


class Ledger:
    """The updates of one organisation. Every method raises ``UnavailableError(SERVICE_UNAVAILABLE)``."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._docket = Docket(desk, UPDATES, "update")

    def find(self, name: str) -> Held:
        """The update of a name. Raises ``UnavailableError(NOT_FOUND)``."""
        return _held(self._docket.find(name))

    def listed(
        self,
        *,
        phases: Collection[str] | None = None,
        source_run: str | None = None,
        limit: int = 200,
    ) -> list[Held]:
        """Updates of the repository, newest first."""
        with self._desk.database.reading() as connection:
            found = self._docket.listed(connection, phases=phases, source_run=source_run, limit=limit)
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
        docket = self._docket
        with self._desk.database.writing() as connection:
            docket.lock(connection)
            alike = [_held(one) for one in docket.listed(connection, key=key)]
            of_run = [_held(one) for one in docket.listed(connection, source_run=source_run)] if source_run else []
            made = make(alike, of_run)
            if isinstance(made, Held):
                return made, False
            stored = docket.begin(
                connection,
                made.name,
                _step(made),
                created_at=made.metadata.creation_timestamp,
                source_run=source_run,
                key=key,
                contents=contents,
                entries=entries(made),
            )
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
        update = with_status(update, updated_at=self._desk.instant)
        kept = dict(contents or {})
        if report is not None:
            kept[report.digest] = report.encoded()
        stored = self._docket.step(held.stored, _step(update), entries, contents=kept, notices=notices)
        return Held(stored, update)

    def note(self, entries: Sequence[Entry]) -> None:
        """Writes audit records alone."""
        self._docket.note(entries)

    def contents(self, update: AgentMemoryUpdate) -> dict[str, bytes]:
        """Proposed contents by digest; of one with a secret, what was left of it."""
        digests = {item.content_digest for item in update.spec.changes if item.content_digest is not None}
        return self._docket.contents(digests)

    def report(self, update: AgentMemoryUpdate) -> UpdateReport | None:
        """The newest report of an update."""
        digest = update.status.validation_report_digest
        return None if digest is None else decode_report(self._docket.contents([digest])[digest])

    def use(self, update: AgentMemoryUpdate, actor: Actor | None = None) -> UpdateUse:
        """What audit records about an update share."""
        return UpdateUse(
            organization=self._desk.organization,
            repository=self._desk.repository_name,
            update=update.name,
            actor=actor or self._desk.caller.actor(),
            correlation_id=self._desk.correlation_id,
            diff_digest=update.status.diff_digest,
            source_run=update.spec.source_run,
            paths=[item.target for item in update.spec.changes],
        )


def with_status(update: AgentMemoryUpdate, **changes: object) -> AgentMemoryUpdate:
    """The update with other fields of its status."""
    status: UpdateStatus = msgspec.structs.replace(update.status, **changes)
    return msgspec.structs.replace(update, status=status)


def _step(update: AgentMemoryUpdate) -> Step:
    at = update.status.updated_at or update.metadata.creation_timestamp
    return Step(update.phase.value, at, msgspec.json.encode(update).decode())


def _held(stored: Stored) -> Held:
    return Held(stored, decode_update(stored.body))
