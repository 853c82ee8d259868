"""Events of memory, and the entries they come from."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from krate_gitops.records import memory_events as make
from krate_gitops.records.audit_record import Actor, AuditRecord, Entry, Stage
from krate_gitops.records.events import event_of
from tests.unit.records.sample import APPROVAL, COMMIT, CORRELATION, DIGEST, USE, record_of_entry

RESOLVED = make.ref_resolved(USE, requested_ref="main", mode="current", commit=COMMIT)
EXECUTED = make.query_executed(
    USE,
    commit=COMMIT,
    query_modes=("graph", "grep"),
    counts={"records": 3, "excerpts": 0},
    truncated=False,
    query_manifest_digest=DIGEST,
    denied_scopes=("people/**",),
    snapshot="ams-0123456789ab",
)
CREATED = make.snapshot_created(
    USE,
    snapshot="ams-0123456789ab",
    commit=COMMIT,
    ontology_digest=DIGEST,
    index_digest=DIGEST,
    query_manifest_digest=DIGEST,
)
INVALID = make.ontology_invalid(USE, commit=COMMIT, parse_errors=1, errors=2, blocking=True)
TAGGED = make.snapshot_tagged(USE, tag="memory/2026-03-02", snapshot="ams-0123456789ab", commit=COMMIT)
MARKED = make.known_bad_changed(
    USE, known_bad_range="r1", is_bad=True, reason="BadImport", commit=COMMIT, counts={"snapshots": 2}
)
CALLED = make.tool_called(
    USE, tool="memory.record.read", argument_digest=DIGEST, result_digest=DIGEST, commit=COMMIT, counts={}, outcome="ok"
)
DENIED = make.cross_org_denied(
    organization="acme", actor=USE.actor, correlation_id=CORRELATION, reference_kind="AgentMemorySnapshot"
)


@pytest.mark.parametrize(
    ("entry", "type", "data"),
    [
        (
            RESOLVED,
            "agent.memory.ref.resolved",
            {
                "requestedRef": "main",
                "resolvedCommit": COMMIT,
                "mode": "current",
                "requester": {"kind": "User", "name": "rivera"},
            },
        ),
        (
            EXECUTED,
            "agent.memory.query.executed",
            {
                "snapshot": "ams-0123456789ab",
                "queryModes": ["graph", "grep"],
                "resultCounts": {"records": 3, "excerpts": 0},
                "truncated": False,
                "deniedScopes": ["people/**"],
                "preview": False,
            },
        ),
        (
            CREATED,
            "agent.memory.snapshot.created",
            {
                "snapshot": "ams-0123456789ab",
                "commit": COMMIT,
                "ontologyDigest": DIGEST,
                "indexDigest": DIGEST,
                "queryManifestDigest": DIGEST,
            },
        ),
        (
            INVALID,
            "agent.memory.ontology.invalid",
            {"repository": "company-brain", "commit": COMMIT, "parseErrors": 1, "errors": 2, "blocking": True},
        ),
    ],
)
def test_an_event_has_the_data_its_type_requires(entry: Entry, type: str, data: dict[str, Any]) -> None:
    event = event_of(record_of_entry(entry))
    assert event is not None
    assert (event.type, dict(event.data)) == (type, data)


def test_an_event_is_its_record_seen_from_outside() -> None:
    record = record_of_entry(CREATED)
    assert msgspec.to_builtins(event_of(record)) == {
        "id": "evt-0000000000000001",
        "type": "agent.memory.snapshot.created",
        "time": record.time,
        "producer": "memory",
        "organizationRef": "acme",
        "namespace": "krate-org-acme",
        "subject": {"kind": "AgentMemorySnapshot", "name": "ams-0123456789ab"},
        "severity": "info",
        "data": dict(event_of(record).data),  # type: ignore[union-attr]
        "correlationId": CORRELATION,
        "memoryRepository": "company-brain",
        "memoryCommit": COMMIT,
        "memorySnapshot": "ams-0123456789ab",
    }


@pytest.mark.parametrize("entry", [APPROVAL, DENIED, TAGGED, MARKED, CALLED])
def test_records_of_other_types_are_no_events(entry: Entry) -> None:
    assert event_of(record_of_entry(entry)) is None


def test_a_denial_and_an_intent_have_not_happened() -> None:
    no = make.ref_resolved(
        USE, requested_ref="x", mode="explicit-ref", commit=None, decision=make.denied("NotApproved", "SOME_CODE")
    )
    assert event_of(record_of_entry(no)) is None
    assert event_of(record_of_entry(msgspec.structs.replace(CREATED, stage=Stage.INTENT))) is None


@pytest.mark.parametrize("entry", [RESOLVED, EXECUTED, CREATED, INVALID, TAGGED, MARKED, CALLED, DENIED])
def test_every_detail_of_an_entry_is_one_its_class_allows(entry: Entry) -> None:
    record: AuditRecord = record_of_entry(entry)
    assert record.details == {key: value for key, value in entry.details.items() if value is not None}


def test_a_cross_org_denial_tells_the_kind_and_nothing_else() -> None:
    record = record_of_entry(DENIED)
    assert (record.target.kind, record.target.name) == ("AgentMemorySnapshot", "withheld")
    assert record.details == {"deniedReferenceKind": "AgentMemorySnapshot"}
    assert (record.memory.repository, record.memory.resolved_commit, record.memory.snapshot) == (None, None, None)
    assert record.decision.codes == ("CROSS_ORG_REF_DENIED",)


def test_the_platform_has_a_namespace_of_its_own() -> None:
    platform = make.cross_org_denied(
        organization="platform",
        actor=Actor(kind="ServiceAccount", name="krate"),
        correlation_id=CORRELATION,
        reference_kind="AgentRun",
    )
    assert platform.namespace == "krate-system"
