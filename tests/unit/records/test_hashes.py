"""Hashes that were given out keep their value: a log of today must verify with every later release."""

from __future__ import annotations

import hashlib
import json

import msgspec

from krate_gitops.digest import json_digest
from krate_gitops.records.audit_head import NO_HASH
from krate_gitops.records.audit_rows import record_of, sealed
from tests.unit.records.sample import APPROVAL, record_of_entry
from tests.unit.records.test_events import DENIED, EXECUTED

VECTORS = {
    "approval": (APPROVAL, "sha256:e614522712004ec1ad1e4077ceaf51bcfbd2f57780a4d241c5b1d7d71fac78b4"),
    "query": (EXECUTED, "sha256:34af7d3e5899959cf7839f6d53c27ade51fe66c3c64de4ce3c2a16aeb963a5ea"),
    "denial": (DENIED, "sha256:4455e10dee430cc325b4a512bae874f73c94ecbd9ad93ed811234006c838b63e"),
}


def test_hashes_are_what_they_always_were() -> None:
    assert {name: record_of_entry(entry).hash for name, (entry, _) in VECTORS.items()} == {
        name: expected for name, (_, expected) in VECTORS.items()
    }


def test_a_hash_is_the_digest_of_the_record_without_it() -> None:
    """Computed here by hand: sorted keys, no white space, no null."""
    record = record_of_entry(APPROVAL)
    wire = msgspec.to_builtins(record)
    del wire["hash"]
    assert record.hash == json_digest(wire)
    kept = _without_nulls(wire)
    canonical = json.dumps(kept, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert record.hash == "sha256:" + hashlib.sha256(canonical).hexdigest()


def test_the_first_record_follows_an_empty_object() -> None:
    assert "sha256:" + hashlib.sha256(b"{}").hexdigest() == NO_HASH
    assert record_of_entry(APPROVAL).previous_hash == NO_HASH


def test_a_record_is_read_back_from_its_body_as_it_was() -> None:
    record = record_of_entry(APPROVAL)
    wire = msgspec.to_builtins(record)
    del wire["hash"]
    again, body = sealed(wire)
    assert again == record == record_of(body, record.hash)


def test_on_the_wire_a_record_has_the_fields_of_the_specification() -> None:
    wire = msgspec.to_builtins(record_of_entry(APPROVAL))
    assert " ".join(wire) == (
        "class type stage organizationRef namespace actor operation source target decision digests memory crossOrg "
        "metadata details id sequence time previousHash hash"
    )
    assert {name: " ".join(value) for name, value in wire.items() if isinstance(value, dict) and value} == {
        "actor": "kind name kubernetesUser groups serviceAccount",
        "source": "controller repository deployment triggerRule dispatchRun attempt gitopsSource resolvedCommit",
        "target": "kind name uid generation",
        "decision": "allowed reason codes warnings nativeReview escalationReview",
        "digests": "contextBundle permissionSnapshot artifact diff plan journal",
        "memory": "repository resolvedCommit snapshot",
        "crossOrg": "sharingPolicyId",
        "metadata": "correlationId sourceEventUid triggerExecutionUid agentMuxRunId agentMuxSessionId idempotencyKey",
    }
    assert (wire["time"], wire["details"]) == ("2026-03-02T09:15:04.120Z", {})


def _without_nulls(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, (list, tuple)) else value
