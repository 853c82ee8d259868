"""Entries for tests of the audit log."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from krate_gitops.records.audit_clean import cleaned
from krate_gitops.records.audit_head import NO_HASH
from krate_gitops.records.audit_record import (
    Actor,
    AuditRecord,
    Decision,
    Digests,
    Entry,
    Memory,
    Metadata,
    Source,
    Target,
)
from krate_gitops.records.audit_rows import audit_id, sealed, timestamp
from krate_gitops.records.memory_events import MemoryUse

NOW = datetime(2026, 3, 2, 9, 15, 4, 120_700, tzinfo=UTC)
CORRELATION = "krate-01JNA8Y5JR0123456789ABCDEF"
COMMIT = "b3678bdada7e45a1a340b5a81bc85941a3deb2da"
DIGEST = "sha256:" + "ab" * 32

APPROVAL = Entry(
    class_="approval-decision",
    type="AgentApprovalDecision",
    organization_ref="acme",
    namespace="krate-org-acme",
    actor=Actor(kind="User", name="rivera", kubernetes_user="rivera@acme.example", groups=("acme-maintainers",)),
    operation="approve",
    source=Source(
        controller="approval", repository="payments", dispatch_run="adr-7c1e", attempt="ada-7c1e-1", trigger_rule="ci"
    ),
    target=Target(kind="PullRequest", name="payments/118", uid="5d0c", generation=3),
    decision=Decision(allowed=True, reason="ApprovedByMaintainer", native_review="allowed"),
    digests=Digests(context_bundle=DIGEST),
    memory=Memory(repository="company-brain", resolved_commit=COMMIT),
    metadata=Metadata(correlation_id=CORRELATION, agent_mux_run_id="run_91"),
)
"""A record with most fields, after the example of the specification."""

USE = MemoryUse(
    organization="acme",
    repository="company-brain",
    actor=Actor(kind="User", name="rivera"),
    correlation_id=CORRELATION,
)


def entry(**changes: Any) -> Entry:
    """``APPROVAL`` with some fields changed."""
    return msgspec.structs.replace(APPROVAL, **changes)


def record_of_entry(entry: Entry) -> AuditRecord:
    """The first record of a log, from an entry."""
    place = {"id": audit_id(1), "sequence": 1, "time": timestamp(NOW), "previousHash": NO_HASH}
    return sealed({**cleaned(entry), **place})[0]
