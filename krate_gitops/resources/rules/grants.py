"""Rules about grants: everything a stack's capabilities need is granted, and grants aren't broader than they look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from krate_gitops.resources.kinds.common import Keys
from krate_gitops.resources.kinds.connections import AgentProviderConfigSpec
from krate_gitops.resources.kinds.grants import AgentConfigGrantSpec, AgentSecretGrantSpec, GrantSubject, GrantTarget
from krate_gitops.resources.kinds.stack import AgentStackSpec
from krate_gitops.resources.manifest import Issue, issue_of, site_of
from krate_gitops.resources.permissions.purposes import purpose_of
from krate_gitops.resources.rules.references import Reference, references_of
from krate_gitops.resources.world import Resource, World

_UNTRUSTED = "refs/pull/"

_CAPABILITIES = {
    "AgentToolProfile": ("spec.toolProfileRef", "tool"),
    "AgentMcpServer": ("spec.mcpServerRefs", "mcp-server"),
    "AgentSkill": ("spec.skillRefs", "skill"),
}
"""Where a stack names a kind of capability, and what grants call it as a subject."""
Fields = Mapping[str, tuple[tuple[str, str], ...]]
_SECRET_FIELDS: Fields = {
    "AgentToolProfile": (("requiredSecretRefs", "required_secret_refs"),),
    "AgentMcpServer": (("secretRefs", "secret_refs"),),
    "AgentSkill": (("requiredSecretRefs", "required_secret_refs"),),
}
_CONFIG_FIELDS: Fields = {
    "AgentToolProfile": (("requiredConfigRefs", "required_config_refs"),),
    "AgentMcpServer": (("configMapRefs", "config_map_refs"),),
    "AgentSkill": (("requiredConfigRefs", "required_config_refs"),),
}
_EITHER_FIELDS: Fields = {"AgentMcpServer": (("envFrom", "env_from"), ("headersFrom", "headers_from"))}
"""Fields that name a Secret or a ConfigMap without saying which."""


class Need(NamedTuple):
    """Keys that a capability needs, by the reference that brings it into a stack."""

    stack: Resource[AgentStackSpec]
    reference: Reference
    capability: Resource[Any]
    field: str
    keys: Keys
    subject: str


class Grant(NamedTuple):
    """What both kinds of grants say."""

    organization: str
    subject: GrantSubject
    target: GrantTarget
    purpose: str
    native: str


def ungranted_secrets(world: World) -> Iterator[Issue]:
    """KR307: a grant covers each Secret key that a capability of a stack needs."""
    secrets, configs = _secret_grants(world), _config_grants(world)
    yield from _ungranted(world, "KR307", "Secret", _SECRET_FIELDS, secrets)
    yield from _ungranted_provider(world, secrets)
    yield from _ungranted(world, "KR307", "Secret or ConfigMap", _EITHER_FIELDS, [*secrets, *configs])


def ungranted_configs(world: World) -> Iterator[Issue]:
    """KR308: the same for ConfigMap keys."""
    yield from _ungranted(world, "KR308", "ConfigMap", _CONFIG_FIELDS, _config_grants(world))


def _secret_grants(world: World) -> list[Grant]:
    return [
        Grant(one.organization, one.spec.subject, one.spec.secret_ref, one.spec.purpose, "Secret")
        for one in world.known(AgentSecretGrantSpec)
    ]


def _config_grants(world: World) -> list[Grant]:
    return [
        Grant(one.organization, one.spec.subject, one.spec.config_map_ref, one.spec.purpose, "ConfigMap")
        for one in world.known(AgentConfigGrantSpec)
    ]


def _ungranted(world: World, code: str, noun: str, fields: Fields, grants: list[Grant]) -> Iterator[Issue]:
    for need in _needs(world, fields):
        missing = [key for key in need.keys.keys or ("",) if not any(_covers(one, need, key) for one in grants)]
        if missing:
            related = ((site_of(need.capability.manifest, need.field), "needed here"),)
            needs = f"{need.reference.kind} {need.reference.name} needs {noun} {need.keys.name}"
            message = f"{needs}; no grant covers {_which(len(missing), len(need.keys.keys))}"
            yield issue_of(need.stack.manifest, code, message, need.reference.field, related=related)


def _ungranted_provider(world: World, grants: list[Grant]) -> Iterator[Issue]:
    """KR307, for the token of the provider that a stack names."""
    for stack in world.of(AgentStackSpec):
        config = _provider(world, stack)
        if config is None or config.spec.secret_ref is None or config.spec.auth_type == "none":
            continue
        reference = Reference(
            stack.manifest, "spec.provider", "AgentProviderConfig", stack.organization, config.manifest.name
        )
        need = Need(stack, reference, config, "spec.secretRef", config.spec.secret_ref, "")
        missing = [key for key in need.keys.keys or ("",) if not any(_covers(one, need, key) for one in grants)]
        if missing:
            related = ((site_of(config.manifest, "spec.secretRef"), "needed here"),)
            message = f"AgentProviderConfig {reference.name} needs Secret {need.keys.name}; no grant covers "
            message += _which(len(missing), len(need.keys.keys))
            yield issue_of(stack.manifest, "KR307", message, "spec.provider", related=related)


def _provider(world: World, stack: Resource[AgentStackSpec]) -> Resource[AgentProviderConfigSpec] | None:
    """The configuration of a stack's provider: the one of its name, or the first that is for it."""
    provider = stack.spec.provider
    if provider is None:
        return None
    named: Resource[AgentProviderConfigSpec] | None = world.find(stack.organization, "AgentProviderConfig", provider)
    fitting = (
        one
        for one in sorted(world.known(AgentProviderConfigSpec), key=lambda one: one.manifest.name)
        if one.organization == stack.organization and one.spec.provider == provider
    )
    return named or next(fitting, None)


def _which(missing: int, keys: int) -> str:
    if keys < 2:
        return "its key" if keys else "it"
    return f"{missing} of its {keys} keys"


def _needs(world: World, fields: Fields) -> Iterator[Need]:
    for stack in world.of(AgentStackSpec):
        for kind, listed in fields.items():
            prefix, subject = _CAPABILITIES[kind]
            for reference, capability in references_of(world, stack.manifest, stack.kind, prefix):
                for name, attribute in listed:
                    for at, keys in enumerate(getattr(capability.spec, attribute)):
                        yield Need(stack, reference, capability, f"spec.{name}[{at}]", keys, subject)


def _covers(grant: Grant, need: Need, key: str) -> bool:
    """Whether a grant is for the target, a key of it (any for an empty one), the purpose and somebody of the stack."""
    if grant.organization != need.stack.organization or grant.target.name != need.keys.name:
        return False
    if key and key not in grant.target.keys:
        return False
    if grant.purpose != purpose_of(need.keys, need.reference.kind, grant.native):
        return False
    return _is_meant(grant.subject, need)


def _is_meant(subject: GrantSubject, need: Need) -> bool:
    stack = need.stack.manifest.name
    account = need.stack.spec.runtime_identity.service_account_ref
    if subject.stack_ref not in (None, stack) or subject.service_account_ref not in (None, account):
        return False
    meant = {
        "agent-stack": stack,
        "service-account": account,
        "runner-pool": need.stack.spec.runner_pool,
        need.subject: need.capability.manifest.name,
    }
    return subject.name == meant.get(subject.kind)


def every_repository(world: World) -> Iterator[Issue]:
    """KR311: a grant names the repositories it is for."""
    for one in _both(world):
        if not one.spec.allowed_repositories:
            message = "the grant holds for every repository of the organization"
            yield issue_of(one.manifest, "KR311", message, "spec.allowedRepositories")


def untrusted_refs(world: World) -> Iterator[Issue]:
    """KR312: a grant names no refs that anybody can push to."""
    for one in _both(world):
        for at, pattern in enumerate(one.spec.allowed_refs.include if one.spec.allowed_refs else ()):
            if _may_be_untrusted(pattern):
                message = "the pattern takes in refs of pull requests; approval then always applies"
                yield issue_of(one.manifest, "KR312", message, f"spec.allowedRefs.include[{at}]")


def _may_be_untrusted(pattern: str) -> bool:
    fixed = pattern.split("*", 1)[0]
    return fixed.startswith(_UNTRUSTED) or ("*" in pattern and _UNTRUSTED.startswith(fixed))


def _both(world: World) -> Iterator[Resource[Any]]:
    yield from world.of(AgentSecretGrantSpec)
    yield from world.of(AgentConfigGrantSpec)
