"""What the record store keeps of a write: the intent before the push, the outcome after it, each with its audit record.

A process can die between the two. Then the intent stays without an outcome, and whoever comes next with the same
change finds in Git what became of it.
"""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy.exc import IntegrityError

from krate_gitops.git.command import redact_credentials
from krate_gitops.git.instants import format_instant
from krate_gitops.reconcile.writer.request import WriteRequest
from krate_gitops.records.audit import append
from krate_gitops.records.audit_record import Actor, Entry
from krate_gitops.records.config_changes import (
    ConfigChange,
    State,
    Status,
    StoredChange,
    find_change,
    insert_change,
    insert_state,
    list_changes,
)
from krate_gitops.records.config_events import (
    change_begun,
    change_merged,
    change_proposed,
    change_rejected,
    write_denied,
)
from krate_gitops.records.database import Database


class Ledger:
    """The records of one organization's writes. Every method raises ``UnavailableError(SERVICE_UNAVAILABLE)``."""

    def __init__(self, database: Database, organization: str, *, now: datetime) -> None:
        self._database = database
        self._organization = organization
        self._now = now

    def known(self, key: str) -> StoredChange | None:
        """The change that was begun with an idempotency key."""
        with self._database.reading() as connection:
            return find_change(connection, self._organization, key)

    def alike(self, source_uid: str, change_digest: str) -> list[StoredChange]:
        """Changes of a source with the same content, newest first."""
        with self._database.reading() as connection:
            return list_changes(connection, self._organization, source_uid=source_uid, change_digest=change_digest)

    def begin(self, change: ConfigChange, actor: Actor) -> StoredChange:
        """Writes the intent; of two that begin the same, both get the first one's."""
        try:
            with self._database.writing() as connection:
                number = insert_change(connection, change)
                append(connection, [change_begun(change, actor)], now=self._now)
                return StoredChange(number, change, None)
        except IntegrityError:
            found = self.known(change.idempotency_key)
            if found is None:
                raise
            return found

    def begin_again(self, stored: StoredChange, actor: Actor, *, commit: str) -> StoredChange:
        """Writes the intent once more: of a change that wasn't taken, or that needs another commit."""
        return self._settle(stored, change_begun(_as(stored, commit), actor), Status.PENDING, commit=commit)

    def proposed(self, stored: StoredChange, actor: Actor, *, commit: str, pull_request: str) -> StoredChange:
        """The branch was pushed."""
        entry = change_proposed(_as(stored, commit), actor, pull_request)
        return self._settle(stored, entry, Status.PROPOSED, commit=commit, pull_request=pull_request)

    def merged(self, stored: StoredChange, actor: Actor, *, commit: str, reason: str | None = None) -> StoredChange:
        """The target branch has it."""
        known = stored.state.pull_request if stored.state else None
        entry = change_merged(_as(stored, commit), actor, known)
        return self._settle(stored, entry, Status.MERGED, commit=commit, pull_request=known, reason=reason)

    def rejected(self, stored: StoredChange, actor: Actor, *codes: str, reason: str) -> StoredChange:
        """Nobody takes it: the other side's rules, or whoever closed the proposal."""
        entry = change_rejected(_as(stored, stored.commit), actor, *codes, reason=reason)
        status = Status.FAILED if codes else Status.REJECTED
        return self._settle(stored, entry, status, commit=stored.commit, reason=reason)

    def moved_on(self, stored: StoredChange, status: Status, *, reason: str, commit: str | None = None) -> StoredChange:
        """A status that is no decision of anybody's: superseded, or applied."""
        known = stored.state.pull_request if stored.state else None
        return self._settle(stored, None, status, commit=commit or stored.commit, pull_request=known, reason=reason)

    def denied(self, request: WriteRequest, change_digest: str, *codes: str, reason: str) -> None:
        """Records that a write was refused by policy."""
        entry = write_denied(
            organization=self._organization,
            source=request.target.name,
            repository=redact_credentials(request.target.location),
            actor=request.actor,
            correlation_id=request.correlation_id,
            change_digest=change_digest,
            codes=codes,
            reason=reason,
        )
        with self._database.writing() as connection:
            append(connection, [entry], now=self._now)

    def _settle(
        self,
        stored: StoredChange,
        entry: Entry | None,
        status: Status,
        *,
        commit: str | None = None,
        pull_request: str | None = None,
        reason: str | None = None,
    ) -> StoredChange:
        state = State(
            status=status,
            at=format_instant(int(self._now.timestamp())),
            commit=commit,
            pull_request=pull_request,
            reason=reason,
        )
        with self._database.writing() as connection:
            current = find_change(connection, self._organization, stored.change.idempotency_key, locks=True)
            if current is not None and current.state is not None and current.status is status is not Status.PENDING:
                return current  # somebody else found out first
            insert_state(connection, self._organization, stored.id, state)
            if entry is not None:
                append(connection, [entry], now=self._now)
        return StoredChange(stored.id, stored.change, state)


def _as(stored: StoredChange, commit: str) -> ConfigChange:
    """The change with the commit that it is now, as the log shall have it."""
    return msgspec.structs.replace(stored.change, commit=commit)
