"""Calls in the audit log of the record store."""

from __future__ import annotations

from datetime import UTC, datetime

from krate_gitops.records.audit import append
from krate_gitops.records.audit_record import Actor, Decision, Entry
from krate_gitops.records.correlation import new_correlation_id
from krate_gitops.records.database import Database
from krate_gitops.records.memory_events import MemoryUse, cross_org_denied, denied, ref_resolved, tool_called
from krate_gitops.server.mcp.audit import ToolCall
from krate_gitops.server.mcp.pin import Pin

_CONTROLLER = "mcp"
_ALLOWED = Decision(allowed=True, reason="Allowed")


class Recorder:
    """An ``Audit``. Every record is durable when the call returns; raises ``UnavailableError`` when it can't be."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def pinned(self, pin: Pin) -> None:
        """Keeps what a server was pinned to, before anything of it is read."""
        now = datetime.now(UTC)
        use = _use(pin.organization, pin.repository, "operator", new_correlation_id(now=now))
        resolution = pin.resolution
        entry = ref_resolved(
            use,
            requested_ref=resolution.requested_ref,
            mode=resolution.mode,
            commit=pin.commit,
            require_approved_commit=resolution.approved,
            acknowledge_known_bad=pin.acknowledges_known_bad,
        )
        self._append([entry], now)

    def __call__(self, call: ToolCall) -> None:
        now = datetime.now(UTC)
        use = _use(call.organization, call.repository, call.caller, new_correlation_id(now=now))
        entries = [
            tool_called(
                use,
                tool=call.tool,
                argument_digest=call.argument_digest,
                result_digest=call.result_digest,
                commit=call.commit,
                counts={**call.counts, "bytes": call.bytes},
                outcome=call.outcome,
                denied_scopes=call.denied_scopes,
                snapshot=call.snapshot,
                decision=_ALLOWED if call.is_allowed else denied("ToolCallDenied", call.outcome),
            )
        ]
        if call.denied_reference:
            entries.append(
                cross_org_denied(
                    organization=call.organization,
                    actor=use.actor,
                    correlation_id=use.correlation_id,
                    reference_kind=call.denied_reference,
                    controller=_CONTROLLER,
                )
            )
        self._append(entries, now)

    def _append(self, entries: list[Entry], now: datetime) -> None:
        with self._database.writing() as connection:
            append(connection, entries, now=now)


def _use(organization: str, repository: str, caller: str, correlation_id: str) -> MemoryUse:
    return MemoryUse(
        organization=organization,
        repository=repository,
        actor=Actor(kind="Agent", name=caller),
        correlation_id=correlation_id,
        controller=_CONTROLLER,
    )
