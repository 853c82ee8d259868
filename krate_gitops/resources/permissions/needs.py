"""Which keys of which Secrets and ConfigMaps a stack needs, and for what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from krate_gitops.resources.kinds.common import Keys
from krate_gitops.resources.permissions.expand import Expanded
from krate_gitops.resources.permissions.ledger import Denial, Ledger, shown
from krate_gitops.resources.permissions.purposes import PROVIDER_PURPOSE, purpose_of
from krate_gitops.resources.permissions.reasons import Owner

EITHER = ""
"""Kind of a target that a field names without saying whether it is a Secret or a ConfigMap."""
_SUBJECTS = {"AgentToolProfile": "tool", "AgentMcpServer": "mcp-server", "AgentSkill": "skill"}
"""What grants call a capability as a subject."""


class Need(NamedTuple):
    """Keys of one target that one owner needs; no keys where the owner names none.

    ``kind`` is ``Secret`` or ``ConfigMap``. ``subject`` is the capability as grants call it, empty for the stack
    itself and its provider.
    """

    kind: str
    name: str
    keys: tuple[str, ...]
    purpose: str
    owner: Owner
    field: str
    subject: str = ""


def needs_of(ledger: Ledger, expanded: Expanded) -> list[Need]:
    """All needs of a stack, sorted; what one owner needs of one target for one purpose is one need."""
    merged: dict[tuple[str, str, str, Owner, str], Need] = {}
    for need in _all(ledger, expanded):
        identity = (need.kind, need.name, need.purpose, need.owner, need.subject)
        known = merged.setdefault(identity, need)
        if known is not need:
            keys = tuple(dict.fromkeys((*known.keys, *need.keys)))
            merged[identity] = known._replace(keys=keys, field=min(known.field, need.field))
    return sorted(merged.values())


def _all(ledger: Ledger, expanded: Expanded) -> Iterator[Need]:
    if expanded.profile is not None:
        spec, owner = expanded.profile.spec, expanded.profile.owner
        yield from _listed("Secret", spec.required_secret_refs, owner, "requiredSecretRefs")
        yield from _listed("ConfigMap", spec.required_config_refs, owner, "requiredConfigRefs")
    for server in expanded.servers:
        yield from _listed("Secret", server.spec.secret_refs, server.owner, "secretRefs")
        yield from _listed("ConfigMap", server.spec.config_map_refs, server.owner, "configMapRefs")
        yield from _listed(EITHER, server.spec.env_from, server.owner, "envFrom", ledger)
        yield from _listed(EITHER, server.spec.headers_from, server.owner, "headersFrom", ledger)
    for skill in expanded.skills:
        yield from _listed("Secret", skill.spec.required_secret_refs, skill.owner, "requiredSecretRefs")
        yield from _listed("ConfigMap", skill.spec.required_config_refs, skill.owner, "requiredConfigRefs")
    yield from _provider(ledger, expanded)
    yield from _pinned(ledger, expanded)


def _listed(
    kind: str, refs: tuple[Keys, ...], owner: Owner, field: str, ledger: Ledger | None = None
) -> Iterator[Need]:
    for at, keys in enumerate(refs):
        target = kind or (_kind_of(ledger, keys.name) if ledger else "Secret")
        purpose = purpose_of(keys, owner.kind, target)
        yield Need(target, keys.name, keys.keys, purpose, owner, f"spec.{field}[{at}]", _SUBJECTS[owner.kind])


def _kind_of(ledger: Ledger, name: str) -> str:
    """A ConfigMap only where grants and the cluster say so of the name; the stricter of the two otherwise."""
    state = ledger.state
    secret = state.grants_for("AgentSecretGrant", name) or state.natives.find("Secret", name)
    config = state.grants_for("AgentConfigGrant", name) or state.natives.find("ConfigMap", name)
    return "ConfigMap" if config and not secret else "Secret"


def _provider(ledger: Ledger, expanded: Expanded) -> Iterator[Need]:
    policy, config = ledger.state.policy, expanded.provider
    if config is not None and config.spec.auth_type != "none" and config.spec.secret_ref is not None:
        keys = config.spec.secret_ref
        yield Need("Secret", keys.name, keys.keys, PROVIDER_PURPOSE, config.owner, "spec.secretRef")
    elif policy.provider_secret and (config is None or config.spec.auth_type != "none"):
        owner = expanded.stack.owner
        yield Need("Secret", policy.provider_secret, policy.provider_keys, PROVIDER_PURPOSE, owner, "spec.provider")


def _pinned(ledger: Ledger, expanded: Expanded) -> Iterator[Need]:
    """Grants that the stack names: it wants what they grant."""
    refs, owner = expanded.stack.spec.permission_refs, expanded.stack.owner
    for kind, names, field, missing in (
        ("AgentSecretGrant", refs.secret_grants, "secretGrants", "MissingSecretGrant"),
        ("AgentConfigGrant", refs.config_grants, "configGrants", "MissingConfigGrant"),
    ):
        for name in names:
            place = f"spec.permissionRefs.{field}"
            own = ledger.state.own_name(name)
            held = ledger.find(kind, own)
            if held is None:
                ledger.say(missing, owner, f"{kind} {shown(own)} is not there", place)
                continue
            target = held.spec.secret_ref if kind == "AgentSecretGrant" else held.spec.config_map_ref
            native = "Secret" if kind == "AgentSecretGrant" else "ConfigMap"
            if target.namespace not in (None, ledger.state.namespace):
                ledger.denials.add(Denial(native, place))
                ledger.say("CrossOrgDenied", held.owner, f"the {native} is outside of the organization", place)
                continue
            subject = held.spec.subject
            if subject.kind in ("tool", "skill", "mcp-server"):
                # It is for a capability, which has needs of its own; here it only has to be in order.
                capability = {"tool": "AgentToolProfile", "skill": "AgentSkill", "mcp-server": "AgentMcpServer"}
                who = Owner(capability[subject.kind], subject.name)
                yield Need(native, target.name, target.keys, held.spec.purpose, who, place, subject.kind)
            else:
                yield Need(native, target.name, target.keys, held.spec.purpose, owner, place)
