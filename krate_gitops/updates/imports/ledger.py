"""What the record store keeps of imports: each step with its audit records, or neither."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from krate_gitops.errors import KrateError, UnavailableError
from krate_gitops.records.audit import append
from krate_gitops.records.audit_head import locked_head
from krate_gitops.records.audit_record import Entry
from krate_gitops.records.documents import (
    IMPORTS,
    Identity,
    Step,
    Stored,
    find_document,
    insert_document,
    insert_step,
    list_documents,
)
from krate_gitops.records.import_events import ImportUse
from krate_gitops.records.snapshots import find_object, insert_objects
from krate_gitops.updates.desk import Desk
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


class ImportMovedError(KrateError):
    """Somebody else took a step from the same state."""

    def __init__(self, name: str) -> None:
        super().__init__(
            "MEMORY_UPDATE_STALE_APPROVAL",
            f"{name} was changed by somebody else meanwhile",
            hint="look at it again with `import show`",
            location=name,
        )


class ImportLedger:
    """The imports of one organisation. Every method raises ``UnavailableError(SERVICE_UNAVAILABLE)``."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._database = desk.database
        self._organization = desk.organization

    def find(self, name: str) -> HeldImport:
        """The import of a name. Raises ``UnavailableError(NOT_FOUND)``."""
        with self._database.reading() as connection:
            stored = find_document(connection, IMPORTS, self._organization, name)
        if stored is None or stored.identity.memory_repository != self._desk.repository_name:
            raise UnavailableError(
                "NOT_FOUND", "there is no such import here", hint="`krate-gitops import list REPO` lists them"
            )
        return _held(stored)

    def listed(
        self, *, phases: Collection[str] | None = None, run: str | None = None, limit: int = 200
    ) -> list[HeldImport]:
        """Imports into the repository, newest first."""
        with self._database.reading() as connection:
            return self._listed(connection, phases, run, limit)

    def _listed(
        self, connection: Connection, phases: Collection[str] | None, run: str | None, limit: int
    ) -> list[HeldImport]:
        found = list_documents(
            connection,
            IMPORTS,
            self._organization,
            memory_repository=self._desk.repository_name,
            phases=phases,
            source_run=run,
            limit=limit,
        )
        return [_held(stored) for stored in found]

    def begin(
        self, run: str, make: Callable[[Sequence[HeldImport]], AgentRunMemoryImport | HeldImport]
    ) -> tuple[HeldImport, bool]:
        """Writes a new import, or gives back one that is there; and whether it is new.

        ``make`` gets the imports of the run, newest first, and nobody else writes meanwhile.
        """
        with self._database.writing() as connection:
            locked_head(connection, self._organization)
            made = make(self._listed(connection, None, run, 1_000))
            if isinstance(made, HeldImport):
                return made, False
            identity = Identity(
                organization=self._organization,
                name=made.name,
                memory_repository=self._desk.repository_name,
                source_run=run,
                idempotency_key="",
                created_at=made.metadata.creation_timestamp,
            )
            stored = insert_document(connection, IMPORTS, identity, _step(made))
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

        Raises ``ImportMovedError``, and as ``check_step`` does.
        """
        check_step(document.name, held.phase, document.phase)
        document = with_status(document, updated_at=self._desk.instant)
        try:
            with self._database.writing() as connection:
                locked_head(connection, self._organization)
                kept = {(self._organization, digest): content for digest, content in (contents or {}).items()}
                insert_objects(connection, kept)
                stored = insert_step(connection, IMPORTS, held.stored, _step(document))
                append(connection, entries, now=self._desk.now)
        except IntegrityError:
            raise ImportMovedError(document.name) from None
        return HeldImport(stored, document)

    def note(self, entries: Sequence[Entry]) -> None:
        """Writes audit records alone."""
        with self._database.writing() as connection:
            append(connection, entries, now=self._desk.now)

    def contents(self, document: AgentRunMemoryImport) -> dict[str, bytes]:
        """The generated files of an import by path, as they were staged."""
        with self._database.reading() as connection:
            return {
                one.path: find_object(connection, self._organization, one.digest)
                for one in document.status.generated_files
            }

    def use(self, document: AgentRunMemoryImport) -> ImportUse:
        """What audit records about an import share."""
        source, status = document.spec.source, document.status
        return ImportUse(
            organization=self._organization,
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
