"""The answer of a permission review, and its digest."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from krate_gitops.digest import json_digest
from krate_gitops.resources.permissions.expand import Capabilities
from krate_gitops.resources.permissions.grants import Granted, MissingGrant
from krate_gitops.resources.permissions.identity import Identity
from krate_gitops.resources.permissions.ledger import Approval, Denial, Drifted
from krate_gitops.resources.permissions.reasons import Owner, Reason
from krate_gitops.resources.permissions.request import Actor
from krate_gitops.resources.permissions.roles import RequiredRole

Decision = Literal["allowed", "requires-approval", "denied"]
_UNDIGESTED = ("digest", "reviewedAt", "yamlPreview")


class UntrustedWarning(msgspec.Struct, frozen=True, order=True):
    """What is refused or watched because code comes from strangers."""

    code: str
    owner: Owner


class Review(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Everything a review says. Lists are sorted; ``reviewed_at`` is RFC 3339 in UTC.

    ``yaml_preview`` are manifests that would mend what is missing, with no more than that needs.
    """

    decision: Decision
    organization_ref: str
    actor: Actor
    repository: str
    ref: str
    agent_stack: str
    task_kind: str
    approval_mode: str
    trust: Literal["trusted", "untrusted"]
    capabilities: Capabilities
    runtime_identity: Identity
    runner_identity: Identity
    required_roles: tuple[RequiredRole, ...] = ()
    required_secrets: tuple[Granted, ...] = ()
    required_configs: tuple[Granted, ...] = ()
    missing_grants: tuple[MissingGrant, ...] = ()
    approval_requirements: tuple[Approval, ...] = ()
    cross_org_denials: tuple[Denial, ...] = ()
    untrusted_warnings: tuple[UntrustedWarning, ...] = ()
    drifted_native_objects: tuple[Drifted, ...] = ()
    yaml_preview: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()
    digest: str = ""
    reviewed_at: str = ""


def digest_of(review: Review, generations: dict[str, int], targets: dict[str, str]) -> str:
    """Digest of all that decides: the review without what is for people, generations, and metadata versions."""
    plain: dict[str, Any] = msgspec.to_builtins(review)
    for name in _UNDIGESTED:
        del plain[name]
    for reason in plain["reasons"]:
        del reason["message"]
    return json_digest({"review": plain, "generations": generations, "metadataVersions": targets})
