"""What may get into a record, and what is taken out."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest

from krate_gitops.errors import KrateError
from krate_gitops.records.audit_clean import cleaned
from krate_gitops.records.audit_record import Actor, Decision, Entry, Metadata, Source, Target
from krate_gitops.records.audit_schema import CLASSES
from tests.planted import planted as planted_corpus
from tests.unit.records.sample import APPROVAL, CORRELATION, DIGEST, entry
from tests.unit.scan.planted import KIND_OF, VARIANTS, planted

SPECIFIED = {
    "grant-change": "AgentSecretGrantApplied AgentConfigGrantApplied AgentGrantRevoked",
    "identity-change": "AgentServiceAccountCreated AgentServiceAccountChanged AgentRoleBindingApplied",
    "stack-change": "AgentStackSaved AgentStackReadinessChanged",
    "trigger-lifecycle": "AgentTriggerRuleChanged AgentTriggerDecided",
    "dispatch": "AgentDispatchCreated AgentDispatchCancelled AgentDispatchPermissionSnapshotCreated AgentMuxLaunch",
    "context-refresh": "AgentContextRefreshed",
    "approval-decision": "AgentApprovalRequested AgentApprovalDecision",
    "write-back": "AgentWriteBackRequested AgentWriteBackApplied AgentWriteBackFailed",
    "rotation-impact": "AgentSecretRotated AgentConfigChanged",
    "rbac-drift": "NativeRbacDriftDetected NativeRbacDriftAcknowledged NativeRbacDriftReverted",
    "policy-denial": "AgentPermissionReviewDenied PolicyBypass AdmissionDenied CrossOrgReferenceDenied "
    "CrossOrgReferenceAdmitted",
    "config-change": "ConfigCommitProposed ConfigCommitMerged ConfigApplied ConfigPruned ConfigRewindAccepted "
    "SourceSuspended",
    "memory": "MemoryRefResolved MemoryQueryExecuted MemorySnapshotCreated MemoryUpdateProposed "
    "MemoryUpdateValidated MemoryUpdateReviewed MemoryUpdateMerged MemoryUpdateRejected",
    "memory-import": "MemoryImportCollected MemoryImportRedacted MemoryImportValidated MemoryImportReviewed "
    "MemoryImportMerged",
    "tenancy": "OrganizationChanged NamespaceBound SharingPolicyChanged",
}
ADDED = {
    "MemoryOntologyInvalid",
    "MemorySnapshotTagged",
    "MemoryKnownBadChanged",
    "MemoryToolCalled",
    "ConfigCommitRejected",
}


def test_every_class_and_type_is_known() -> None:
    assert {name: known.types - ADDED for name, known in CLASSES.items()} == {
        name: set(types.split()) for name, types in SPECIFIED.items()
    }


@pytest.mark.parametrize("name", CLASSES)
def test_details_keep_the_keys_of_their_class_and_no_other(name: str) -> None:
    known = CLASSES[name]
    details = dict.fromkeys([*known.details, "prompt", "redactions"], 1)
    record = cleaned(entry(class_=name, type=min(known.types), details=details))
    assert set(record["details"]) == known.details


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"class_": "gossip"}, "class 'gossip'"),
        ({"type": "AgentStackSaved"}, "'AgentStackSaved' is no type of approval-decision"),
        ({"organization_ref": ""}, "organizationRef"),
        ({"namespace": ""}, "namespace"),
        ({"operation": ""}, "operation"),
        ({"actor": Actor(kind="", name="")}, "actor.kind, actor.name"),
        ({"source": Source(controller="")}, "source.controller"),
        ({"target": Target(kind="", name="")}, "target.kind, target.name"),
        ({"decision": Decision(allowed=False, reason="")}, "decision.reason"),
        ({"metadata": Metadata(correlation_id="01J")}, "metadata.correlationId"),
        ({"operation": "half \ud83d"}, "surrogate"),
    ],
)
def test_what_is_missing_or_unknown_is_refused(changes: dict[str, Any], what: str) -> None:
    with pytest.raises(KrateError, match=what) as caught:
        cleaned(entry(**changes))
    assert caught.value.code == "AUDIT_RECORD_INVALID"


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_secret_is_replaced_wherever_it_stands_and_counted(variant: str) -> None:
    text, secret = planted(variant, random.Random(7))
    record = cleaned(
        entry(
            decision=Decision(allowed=False, reason=text),
            details={"actionType": text, "approvedSubset": [{"path": text}, {"n": 1}], "prompt": text},
        )
    )
    kind = KIND_OF[variant]
    assert secret not in str(record)
    assert f"[REDACTED:{kind}]" in record["details"]["actionType"]
    assert record["details"]["redactions"] == {kind: 3}
    assert record["details"]["approvedSubset"][1] == {"n": 1}


def test_nothing_is_left_of_a_planted_secret_in_any_form() -> None:
    for one in planted_corpus(6, 200):
        if not one.kind.startswith("policy:"):  # the log knows no brain's own patterns
            record = cleaned(
                entry(decision=Decision(allowed=False, reason=one.text()), details={"actionType": one.fragment})
            )
            texts = [record["decision"]["reason"], record["details"]["actionType"]]
            assert not any(needle in text for needle in one.needles for text in texts), (one.kind, one.form)


def test_ids_and_digests_are_no_secrets() -> None:
    assert (
        "redactions" not in cleaned(entry(details={"artifactDigest": DIGEST, "actionTarget": CORRELATION}))["details"]
    )


def test_an_entry_without_a_secret_is_kept_as_it_is() -> None:
    assert msgspec.convert(cleaned(APPROVAL), Entry) == APPROVAL
