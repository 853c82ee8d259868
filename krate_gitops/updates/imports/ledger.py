"""What the record store keeps of imports: each step with its audit records, or neither."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

import msgspec

from krate_gitops.records.audit_record import Entry
from krate_gitops.records.documents import IMPORTS, Step, Stored
from krate_gitops.records.import_events import ImportUse
from krate_gitops.updates.desk import Desk
from krate_gitops.updates.docket import Docket
from krate_gitops.updates.imports.model import (
    TERMINAL,
    AgentRunMemoryImport,
    ImportPhase,
    ImportStatus,
    decode_import,
)
from krate_gitops.updates.imports.phases import check_step

OPEN = frozenset(phase.value for phase in ImportPhase) - {phase.value for phase in TERMINAL}


class HeldImport(NamedTuple):
    """An import as it was read, and the stored state it was read from."""

    stored: Stored
    document: AgentRunMemoryImport

    @property
    def name(self) -> str:
        """Name of the import."""
        return self.document.name

    @property
    def phase(self) -> ImportPhase:
        """Where it is."""
        return self.document.status.phase

    @property
    def is_open(self) -> bool:
        """Whether it hasn't ended."""
        return self.phase not in TERMINAL


class ImportLedger:
    """The imports of one organisation. Every method raises ``UnavailableError(SERVICE_UNAVAILABLE)``."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._docket = Docket(desk, IMPORTS, "import")

    def find(self, name: str) -> HeldImport:
        """The import of a name. Raises ``UnavailableError(NOT_FOUND)``."""
        return _held(self._docket.find(name))

    def listed(
        self, *, phases: Collection[str] | None = None, run: str | None = None, limit: int = 200
    ) -> list[HeldImport]:
        """Imports into the repository, newest first."""
        with self._desk.database.reading() as connection:
            found = self._docket.listed(connection, phases=phases, source_run=run, limit=limit)
        return [_held(stored) for stored in found]

    def begin(
        self, run: str, make: Callable[[Sequence[HeldImport]], AgentRunMemoryImport | HeldImport]
    ) -> tuple[HeldImport, bool]:
        """Writes a new import, or gives back one that is there; and whether it is new.

        ``make`` gets the imports of the run, newest first, and nobody else writes meanwhile.
        """
        docket = self._docket
        with self._desk.database.writing() as connection:
            docket.lock(connection)
            made = make([_held(one) for one in docket.listed(connection, source_run=run, limit=1_000)])
            if isinstance(made, HeldImport):
                return made, False
            created = made.metadata.creation_timestamp
            stored = docket.begin(connection, made.name, _step(made), created_at=created, source_run=run)
        return HeldImport(stored, made), True

    def step(
        self,
        held: HeldImport,
        document: AgentRunMemoryImport,
        entries: Sequence[Entry] = (),
        *,
        contents: Mapping[str, bytes] | None = None,
    ) -> HeldImport:
        """Writes what becomes of an import; ``contents`` are kept by their digest.

        Raises ``MovedOnError``, and as ``check_step`` does.
        """
        check_step(document.name, held.phase, document.phase)
        document = with_status(document, updated_at=self._desk.instant)
        return HeldImport(self._docket.step(held.stored, _step(document), entries, contents=contents), document)

    def note(self, entries: Sequence[Entry]) -> None:
        """Writes audit records alone."""
        self._docket.note(entries)

    def contents(self, document: AgentRunMemoryImport) -> dict[str, bytes]:
        """The generated files of an import by path, as they were staged."""
        files = document.status.generated_files
        kept = self._docket.contents(one.digest for one in files)
        return {one.path: kept[one.digest] for one in files}

    def use(self, document: AgentRunMemoryImport) -> ImportUse:
        """What audit records about an import share."""
        source, status = document.spec.source, document.status
        return ImportUse(
            organization=self._desk.organization,
            repository=self._desk.repository_name,
            name=document.name,
            actor=self._desk.caller.actor(),
            correlation_id=self._desk.correlation_id,
            run=source.run_id,
            code_repository=source.repository_ref,
            session=source.session_id,
            dispatch_run=source.dispatch_run,
            target_path=document.spec.target_path,
            source_digest=status.source_digest,
            journal_digest=status.journal_digest,
            idempotency_key=status.idempotency_key,
        )


def with_status(document: AgentRunMemoryImport, **changes: object) -> AgentRunMemoryImport:
    """The import with other fields of its status."""
    status: ImportStatus = msgspec.structs.replace(document.status, **changes)
    return msgspec.structs.replace(document, status=status)


def _step(document: AgentRunMemoryImport) -> Step:
    at = document.status.updated_at or document.metadata.creation_timestamp
    return Step(document.phase.value, at, msgspec.json.encode(document).decode())


def _held(stored: Stored) -> HeldImport:
    return HeldImport(stored, decode_import(stored.body))
