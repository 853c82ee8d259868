"""How a grant is, apart from whom it is for: its target, whether it is stale, and what to watch about it."""

from __future__ import annotations

from typing import Any

from krate_gitops.brain.timestamps import epoch_seconds, normalise_timestamp
from krate_gitops.resources.kinds.grants import AgentConfigGrantSpec, AgentSecretGrantSpec, GrantTarget
from krate_gitops.resources.permissions.ledger import Ledger
from krate_gitops.resources.permissions.natives import NativeObject
from krate_gitops.resources.permissions.state import Held

GrantSpec = AgentSecretGrantSpec | AgentConfigGrantSpec
GRANT_KIND = {"Secret": "AgentSecretGrant", "ConfigMap": "AgentConfigGrant"}
"""Kinds of grants by what they grant."""
_DAY = 86_400
_TOLD_OTHERWISE = ("TargetMissing", "KeyMissing", "MetadataUnavailable", "RotationOverdue", "Revoked")
"""Reasons of a grant that a review finds by itself, from what is known of the target now."""


def target_of(spec: GrantSpec) -> GrantTarget:
    """The Secret or ConfigMap of a grant."""
    return spec.secret_ref if isinstance(spec, AgentSecretGrantSpec) else spec.config_map_ref


def stale_because(ledger: Ledger, grant: Held[Any], native: NativeObject | None) -> str:
    """Why a grant isn't ready; empty where it is. What a target lacks is told as such, not here."""
    if grant.condition("GrantTargetDrifted")[0] == "True":
        return f"the target of {grant.kind} {grant.name} has drifted"
    for kind in ("SubjectAuthorized", "PolicyAdmitted"):
        if grant.condition(kind)[0] == "False":
            return f"{grant.kind} {grant.name} is not ready: {kind}"
    status, reason = grant.condition("Ready")
    if status == "False" and reason not in _TOLD_OTHERWISE:
        return f"{grant.kind} {grant.name} is not ready"
    version = grant.status.get("metadataVersion") if grant.is_fresh else None
    if native is not None and version and native.version and version != native.version:
        return f"the target of {grant.kind} {grant.name} has changed since the grant was checked"
    return ""


def warn(ledger: Ledger, grant: Held[Any]) -> None:
    """Says what is worth watching about a grant that counts."""
    spec: GrantSpec = grant.spec
    if not spec.allowed_repositories:
        ledger.say("BroadGrant", grant.owner, "the grant holds for every repository", "spec.allowedRepositories")
    if spec.allowed_refs is not None and may_be_untrusted(spec.allowed_refs.include):
        ledger.say("UntrustedGrant", grant.owner, "the grant names refs of pull requests", "spec.allowedRefs.include")
    if is_overdue(ledger, grant):
        message = f"the value is older than {spec.rotation_policy.max_age_days if spec.rotation_policy else 0} days"
        ledger.say("RotationOverdue", grant.owner, message, "spec.rotationPolicy.maxAgeDays")
    target = target_of(spec)
    native = ledger.state.natives.find("Secret" if grant.kind == "AgentSecretGrant" else "ConfigMap", target.name)
    if native is not None and native.keys is None and ledger.state.policy.metadata_blind:
        ledger.say("MetadataBlind", grant.owner, "the keys of the target can not be read")


def may_be_untrusted(patterns: tuple[str, ...]) -> bool:
    """Whether a pattern takes in refs of pull requests."""
    for pattern in patterns:
        fixed = pattern.split("*", 1)[0]
        if fixed.startswith("refs/pull/") or ("*" in pattern and "refs/pull/".startswith(fixed)):
            return True
    return False


def is_overdue(ledger: Ledger, grant: Held[Any]) -> bool:
    """Whether a value is older than its grant allows; False where its age isn't known."""
    spec: GrantSpec = grant.spec
    days = spec.rotation_policy.max_age_days if spec.rotation_policy is not None else None
    if days is None:
        return False
    native = ledger.state.natives.find(
        "Secret" if grant.kind == "AgentSecretGrant" else "ConfigMap", target_of(spec).name
    )
    told = grant.status.get("lastRotatedAt")
    rotated = told if isinstance(told, str) and told else native.rotated_at if native is not None else ""
    normal = normalise_timestamp(rotated) if rotated else None
    return normal is not None and ledger.state.now - epoch_seconds(normal) > days * _DAY
