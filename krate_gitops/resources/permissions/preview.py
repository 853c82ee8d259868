"""Manifests that would mend what is missing: one for each missing thing, with no more than it needs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from krate_gitops.digest import json_digest
from krate_gitops.encoding import yaml_text
from krate_gitops.resources.kinds.common import API_VERSION, NAME_PATTERN
from krate_gitops.resources.kinds.identity import ROLE_TEMPLATES
from krate_gitops.resources.permissions.expand import Expanded
from krate_gitops.resources.permissions.grants import MissingGrant
from krate_gitops.resources.permissions.ledger import Ledger
from krate_gitops.resources.permissions.trust import full_ref

MOST = 50
"""Manifests that are shown: whoever needs more lacks a plan, not a grant."""
_LONGEST = 63
_NAME = re.compile(NAME_PATTERN)
_SUBJECTS = {"AgentToolProfile": "tool", "AgentMcpServer": "mcp-server", "AgentSkill": "skill"}
_PURPOSES = {
    "AgentSecretGrant": (
        "model-provider-token", "git-credential", "mcp-server", "tool", "skill", "webhook-signing", "image-pull",
        "cache", "deployment",
    ),
    "AgentConfigGrant": (
        "tool-config", "skill-config", "mcp-config", "runner-config", "prompt-template", "repository-policy",
    ),
}  # fmt: skip


def preview_of(ledger: Ledger, expanded: Expanded, missing: list[MissingGrant]) -> list[str]:
    """The manifests as YAML, sorted by kind and name."""
    manifests = [*_accounts(ledger, expanded), *_bindings(ledger, expanded), *_grants(ledger, expanded, missing)]
    unique = {(one["kind"], one["metadata"]["name"]): one for one in manifests}
    return [yaml_text(unique[identity]) for identity in sorted(unique)][:MOST]


def _accounts(ledger: Ledger, expanded: Expanded) -> Iterator[dict[str, Any]]:
    state, stack, pool = ledger.state, expanded.stack, expanded.names.runner_pool
    name = expanded.account
    if _is_name(name) and state.raw("AgentServiceAccount", name) is None:
        yield _manifest(
            ledger, "AgentServiceAccount", name, namespace=state.namespace, serviceAccountName=name,
            owner={"kind": "AgentStack", "name": stack.name},
            allowedRepositories=_repositories(ledger), allowedRunnerPools=[pool],
        )  # fmt: skip
    runner = f"{state.policy.runner_account_prefix}{pool}"
    if state.runner_account(pool) is None and not state.policy.external_gateway and _is_name(runner):
        yield _manifest(
            ledger, "AgentServiceAccount", runner, namespace=state.namespace, serviceAccountName=runner,
            owner={"kind": "RunnerPool", "name": pool},
        )  # fmt: skip


def _bindings(ledger: Ledger, expanded: Expanded) -> Iterator[dict[str, Any]]:
    account = expanded.account
    for reason in ledger.reasons:
        if reason.code != "MissingRoleBinding" or not _is_name(account):
            continue
        roles = expanded.profile.spec.required_roles if expanded.profile is not None else ()
        for role in (*roles, *(() if roles else (ROLE_TEMPLATES[0],))):
            known = ledger.state.bindings_of(expanded.stack.name, account)
            if any(one.spec.role_ref.name == role for one in known):
                continue
            repository = ledger.request.repository
            scope = {"kind": "repository", "name": repository} if repository else {}
            yield _manifest(
                ledger, "AgentRoleBinding", name_from(account, role),
                subject={"kind": "service-account", "name": account, "serviceAccountRef": account},
                roleRef={"kind": "RoleTemplate" if role in ROLE_TEMPLATES else "Role", "name": role},
                scope=scope or {"kind": "namespace", "name": ledger.state.namespace},
            )  # fmt: skip


def _grants(ledger: Ledger, expanded: Expanded, missing: list[MissingGrant]) -> Iterator[dict[str, Any]]:
    request, stack = ledger.request, expanded.stack.name
    for one in missing:
        if not one.keys or any("*" in key or "?" in key for key in one.keys) or one.purpose not in _PURPOSES[one.kind]:
            continue  # a grant must name its keys and one of the purposes, which only the owner can
        kind = _SUBJECTS.get(one.owner.kind)
        subject = {"kind": kind, "name": one.owner.name, "stackRef": stack} if kind else {}
        target = "secretRef" if one.kind == "AgentSecretGrant" else "configMapRef"
        spec: dict[str, Any] = {
            "subject": subject or {"kind": "agent-stack", "name": stack},
            target: {"name": one.name, "keys": list(one.keys)},
            "purpose": one.purpose,
        }
        if request.repository:
            spec["allowedRepositories"] = [request.repository]
        if request.ref:
            spec["allowedRefs"] = {"include": [full_ref(request.ref)]}
        yield _manifest(ledger, one.kind, name_from(stack, one.owner.name, one.name, one.purpose), **spec)


def _manifest(ledger: Ledger, kind: str, name: str, **spec: Any) -> dict[str, Any]:
    filled = {field: value for field, value in spec.items() if value not in ([], {}, "")}
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": {"name": name},
        "spec": {"organizationRef": ledger.state.organization, **filled},
    }


def name_from(*parts: str) -> str:
    """A name of an object from names of others; with a digest where it would be too long or not legal."""
    joined = "-".join(dict.fromkeys(parts))
    if _is_name(joined):
        return joined
    plain = re.sub(r"[^a-z0-9]+", "-", joined.lower()).strip("-")[: _LONGEST - 9].strip("-")
    return f"{plain or 'grant'}-{json_digest(list(parts))[7:15]}"


def _is_name(text: str) -> bool:
    return _NAME.match(text) is not None and not text.endswith("\n")


def _repositories(ledger: Ledger) -> list[str]:
    return [ledger.request.repository] if ledger.request.repository else []
