"""Audit records and the rows that hold them.

Every column but ``body`` and ``hash`` is computed from the body, so that verification can compute it again: who changes
only what is searched for, to hide a record from a query, is found out too.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from krate_gitops.digest import canonical_json, sha256_digest
from krate_gitops.records.audit_record import AuditRecord

_STACK_KIND = "AgentStack"


def sealed(unhashed: dict[str, Any]) -> tuple[AuditRecord, str]:
    """The record of plain JSON that lacks only its hash, and the body to store."""
    body = canonical_json(unhashed)
    return record_of(body, sha256_digest(body)), body.decode()


def audit_id(sequence: int) -> str:
    """``aud-0000000000004211``: an id that sorts as the numbers do."""
    return f"aud-{sequence:016d}"


def timestamp(moment: datetime) -> str:
    """``2026-03-02T09:15:04.120Z``; texts of this form sort as the times do."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def record_of(body: str | bytes, digest: str) -> AuditRecord:
    """The record of a stored body. Raises ``msgspec.DecodeError`` or ``ValidationError`` for what is none."""
    unhashed = msgspec.json.decode(body)
    return msgspec.convert({**unhashed, "hash": digest}, AuditRecord)


def searchable(record: AuditRecord) -> dict[str, Any]:
    """The columns that repeat what is searched for."""
    stack = record.target.name if record.target.kind == _STACK_KIND else record.details.get("stack")
    return {
        "organization": record.organization_ref,
        "sequence": record.sequence,
        "time": record.time,
        "class": record.class_,
        "type": record.type,
        "allowed": record.decision.allowed,
        "actor": record.actor.name,
        "target_kind": record.target.kind,
        "target_name": record.target.name,
        "correlation_id": record.metadata.correlation_id,
        "repository": record.source.repository,
        "memory_repository": record.memory.repository,
        "commit": record.source.resolved_commit,
        "memory_commit": record.memory.resolved_commit,
        "stack": stack if isinstance(stack, str) else None,
        "trigger_rule": record.source.trigger_rule,
        "dispatch_run": record.source.dispatch_run,
        "attempt": record.source.attempt,
    }


def group_rows(record: AuditRecord) -> list[dict[str, Any]]:
    """A row for each group of the actor."""
    place = {"organization": record.organization_ref, "sequence": record.sequence}
    return [{**place, "group": name} for name in sorted(set(record.actor.groups))]
