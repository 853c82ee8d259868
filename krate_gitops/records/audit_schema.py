"""What each class of audit record may hold.

The strict part of a record: a type that is not of the class is refused, a key of ``details`` that is not listed is
dropped, so that nothing gets into the log because somebody passed it along.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

REDACTIONS = "redactions"
"""Key of ``details`` that the log itself writes: how many secrets of each kind were taken out of the record."""


class AuditClass(msgspec.Struct, frozen=True):
    """Types of a class, and the keys that their details may have."""

    types: frozenset[str]
    details: frozenset[str]


def _class(types: str, details: str) -> AuditClass:
    return AuditClass(frozenset(types.split()), frozenset(details.split()))


CLASSES: Mapping[str, AuditClass] = {
    "grant-change": _class(
        "AgentSecretGrantApplied AgentConfigGrantApplied AgentGrantRevoked",
        "subject targetNamespace targetName keyNames purpose repositories refs triggerSources approvalPolicy",
    ),
    "identity-change": _class(
        "AgentServiceAccountCreated AgentServiceAccountChanged AgentRoleBindingApplied",
        "subject serviceAccount owner allowedRepositories allowedPools roleRef scope nativeBinding escalationResult",
    ),
    "stack-change": _class("AgentStackSaved AgentStackReadinessChanged", "generation condition reason commit"),
    "trigger-lifecycle": _class(
        "AgentTriggerRuleChanged AgentTriggerDecided", "ruleGeneration oldState newState decision dedupeKey"
    ),
    "dispatch": _class(
        "AgentDispatchCreated AgentDispatchCancelled AgentDispatchPermissionSnapshotCreated AgentMuxLaunch",
        "run attempt stack stackGeneration serviceAccounts grants tools mcpServers skills subagents requestDigest",
    ),
    "context-refresh": _class("AgentContextRefreshed", "oldDigest newDigest requester"),
    "approval-decision": _class(
        "AgentApprovalRequested AgentApprovalDecision",
        "actionClass actionType actionTarget artifactDigest approvedSubset",
    ),
    "write-back": _class(
        "AgentWriteBackRequested AgentWriteBackApplied AgentWriteBackFailed",
        "target mutationSummary artifactDigest idempotencyKey rollbackNote",
    ),
    "rotation-impact": _class(
        "AgentSecretRotated AgentConfigChanged",
        "target keyNames oldMetadataVersion newMetadataVersion affectedStacks affectedRules affectedRuns",
    ),
    "rbac-drift": _class(
        "NativeRbacDriftDetected NativeRbacDriftAcknowledged NativeRbacDriftReverted",
        "object desiredHash observedHash severity dispatchImpact",
    ),
    "policy-denial": _class(
        "AgentPermissionReviewDenied PolicyBypass AdmissionDenied CrossOrgReferenceDenied CrossOrgReferenceAdmitted",
        "stack missingRoles missingGrants trustTier hardBlockReason deniedReferenceKind",
    ),
    "config-change": _class(
        "ConfigCommitProposed ConfigCommitMerged ConfigCommitRejected ConfigApplied ConfigPruned ConfigRewindAccepted "
        "SourceSuspended",
        "source commit planDigest changeDigest counts applyingIdentity baseCommit branch pullRequest mode requester",
    ),
    "memory": _class(
        "MemoryRefResolved MemoryQueryExecuted MemorySnapshotCreated MemoryUpdateProposed MemoryUpdateValidated "
        "MemoryUpdateReviewed MemoryUpdateMerged MemoryUpdateRejected "
        "MemoryOntologyInvalid MemorySnapshotTagged MemoryKnownBadChanged MemoryToolCalled",
        "repository requestedRef commit snapshot counts deniedScopes diffDigest validationResult "
        "mode requester requireApprovedCommit acknowledgeKnownBad "
        "queryModes queryDigest queryManifestDigest truncated preview ontologyDigest indexDigest "
        "parseErrors errors blocking tag knownBadRange isBad tool argumentDigest resultDigest outcome "
        "update sourceRun paths headCommit pullRequest reportDigest decision approved reason severity phase",
    ),
    "memory-import": _class(
        "MemoryImportCollected MemoryImportRedacted MemoryImportValidated MemoryImportReviewed MemoryImportMerged",
        "sourceRun sourceSession sourceDigest journalDigest redactionCounts targetPaths "
        "repository sourceRepository counts retentionTier partial injectionCounts verdict redactionDigest "
        "validationResult reportDigest paths update decision headCommit diffDigest commit reason",
    ),
    "tenancy": _class(
        "OrganizationChanged NamespaceBound SharingPolicyChanged", "organization namespace labels policyId"
    ),
}
