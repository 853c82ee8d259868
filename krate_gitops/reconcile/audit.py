"""What the reconciler leaves in the audit log: an intent before it writes, and the outcome after."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from krate_gitops.reconcile.plan import Plan, Step
from krate_gitops.reconcile.source import Source
from krate_gitops.records.audit_record import Actor, Decision, Digests, Entry, Metadata, Stage, Target
from krate_gitops.records.audit_record import Source as Origin

Audit = Callable[[Sequence[Entry]], None]
"""Keeps records of one organization. Whatever it raises ends the pass: nothing is written that nobody can account for.

It may block; the pass calls it outside of its event loop.
"""

_CLASSES: Mapping[str, tuple[str, str]] = {
    "AgentRoleBinding": ("identity-change", "AgentRoleBindingApplied"),
    "AgentServiceAccount": ("identity-change", "AgentServiceAccountChanged"),
    "AgentSecretGrant": ("grant-change", "AgentSecretGrantApplied"),
    "AgentConfigGrant": ("grant-change", "AgentConfigGrantApplied"),
    "AgentStack": ("stack-change", "AgentStackSaved"),
    "AgentTriggerRule": ("trigger-lifecycle", "AgentTriggerRuleChanged"),
}


class Ledger:
    """Makes the records of one pass. They share its source, its commit and a correlation id."""

    def __init__(self, source: Source, *, correlation_id: str, who: str) -> None:
        self._source, self._correlation_id, self._who = source, correlation_id, who

    def applied(self, plan: Plan, counts: Mapping[str, int], stage: Stage, *, reason: str = "Planned") -> Entry:
        """``ConfigApplied``: the intent with what is planned, the outcome with what was done."""
        return self._carried_out("ConfigApplied", "apply", plan, counts, stage, reason)

    def pruned(self, plan: Plan, counts: Mapping[str, int], stage: Stage) -> Entry:
        """``ConfigPruned``, as ``applied``."""
        return self._carried_out("ConfigPruned", "prune", plan, counts, stage, "Planned")

    def _carried_out(
        self, type_: str, operation: str, plan: Plan, counts: Mapping[str, int], stage: Stage, reason: str
    ) -> Entry:
        details = {
            "source": str(self._source),
            "commit": plan.resolved_revision,
            "planDigest": plan.plan_digest,
            "counts": dict(counts),
            "applyingIdentity": self._who,
        }
        decision = Decision(allowed=True, reason=reason)
        return self._entry("config-change", type_, operation, plan, stage, decision, details)

    def rewind_accepted(self, commit: str) -> Entry:
        """``ConfigRewindAccepted``: a person let history go back."""
        return self._entry("config-change", "ConfigRewindAccepted", "accept-rewind", None, Stage.OUTCOME,
                           Decision(allowed=True, reason="Accepted"),
                           {"source": str(self._source), "commit": commit}, commit=commit)  # fmt: skip

    def changed(self, step: Step, plan: Plan) -> Entry | None:
        """The record of an object that grants something, or of a stack; None for other kinds."""
        if step.id.kind not in _CLASSES:
            return None
        name, type_ = _CLASSES[step.id.kind]
        return self._entry(name, type_, step.op.value, plan, Stage.OUTCOME, Decision(allowed=True, reason="Applied"),
                           _details(step, plan.resolved_revision), target=_target(step))  # fmt: skip

    def denied(self, step: Step, commit: str) -> Entry:
        """An object that would have granted more than the identity may."""
        name, type_ = _CLASSES.get(step.id.kind, ("policy-denial", "AdmissionDenied"))
        decision = Decision(allowed=False, reason="EscalationDenied", codes=step.codes, escalation_review="denied")
        return self._entry(name, type_, step.op.value, None, Stage.OUTCOME, decision, _details(step, commit),
                           target=_target(step), commit=commit)  # fmt: skip

    def drifted(self, step: Step, commit: str, *, healed: bool) -> Entry:
        """Rights that were changed behind Git's back, or that were brought back."""
        type_ = "NativeRbacDriftReverted" if healed else "NativeRbacDriftDetected"
        details = {
            "object": str(step.id),
            "desiredHash": step.desired.digest if step.desired else "",
            "observedHash": step.before or "",
            "severity": "error",
        }
        decision = Decision(allowed=healed, reason="PrivilegedDrift", codes=("KR740",))
        return self._entry("rbac-drift", type_, "observe", None, Stage.OUTCOME, decision, details,
                           target=_target(step), commit=commit)  # fmt: skip

    def _entry(
        self,
        class_: str,
        type_: str,
        operation: str,
        plan: Plan | None,
        stage: Stage,
        decision: Decision,
        details: Mapping[str, Any],
        *,
        target: Target | None = None,
        commit: str = "",
    ) -> Entry:
        source = self._source
        return Entry(
            class_=class_,
            type=type_,
            stage=stage,
            organization_ref=source.organization,
            namespace=source.namespace,
            actor=Actor(kind="ServiceAccount", name=source.spec.service_account_name, kubernetes_user=self._who),
            operation=operation,
            source=Origin(
                controller="gitops",
                gitops_source=str(source),
                resolved_commit=plan.resolved_revision if plan else commit or None,
            ),
            target=target or Target(kind="GitOpsSource", name=source.name, uid=source.uid or None),
            decision=decision,
            digests=Digests(plan=plan.plan_digest if plan else None),
            metadata=Metadata(correlation_id=self._correlation_id),
            details=details,
        )


def _target(step: Step) -> Target:
    metadata = (step.live or {}).get("metadata") or {}
    return Target(kind=step.id.kind, name=step.id.name, uid=metadata.get("uid"), generation=metadata.get("generation"))


def _details(step: Step, commit: str) -> dict[str, Any]:
    """What may be told of an object: names and keys, as the audit log admits them for its class."""
    spec = (step.desired.value if step.desired else {}).get("spec") or {}
    target = spec.get("secretRef") or spec.get("configMapRef") or {}
    told = {
        "subject": _shown(spec.get("subject")),
        "roleRef": _shown(spec.get("roleRef")),
        "scope": _shown(spec.get("scope")),
        "owner": _shown(spec.get("owner")),
        "serviceAccount": spec.get("serviceAccountName"),
        "allowedRepositories": spec.get("allowedRepositories"),
        "allowedPools": spec.get("allowedRunnerPools"),
        "targetName": target.get("name"),
        "keyNames": target.get("keys"),
        "purpose": spec.get("purpose"),
        "repositories": spec.get("allowedRepositories"),
        "triggerSources": spec.get("allowedTriggerSources"),
        "newState": spec.get("lifecycleState"),
        "commit": commit,
    }
    return {key: value for key, value in told.items() if value is not None}


def _shown(value: Any) -> str | None:
    return f"{value.get('kind', '')}/{value.get('name', '')}" if isinstance(value, dict) else None


def timestamp(now: datetime) -> str:
    """RFC 3339 in whole seconds."""
    return now.strftime("%Y-%m-%dT%H:%M:%SZ")
