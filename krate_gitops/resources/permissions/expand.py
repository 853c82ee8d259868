"""What a stack takes in: every object it refers to, less what the caller takes off."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from krate_gitops.resources.kinds.capabilities import AgentContextLabelSpec, AgentSkillSpec, AgentSubagentSpec
from krate_gitops.resources.kinds.connections import AgentAdapterSpec, AgentProviderConfigSpec
from krate_gitops.resources.kinds.memory import AgentMemoryRepositorySpec
from krate_gitops.resources.kinds.stack import AgentStackSpec
from krate_gitops.resources.kinds.tools import AgentMcpServerSpec, AgentToolProfileSpec
from krate_gitops.resources.kinds.workspace import AgentWorkspacePolicySpec
from krate_gitops.resources.permissions.ledger import Ledger, shown
from krate_gitops.resources.permissions.policy import WORKSPACE_MODES
from krate_gitops.resources.permissions.reasons import Owner
from krate_gitops.resources.permissions.state import Held

_UNREADABLE = {
    "AgentSkill": "InvalidSkill",
    "AgentSubagent": "InvalidTaskKinds",
    "AgentContextLabel": "UnsafeFragment",
}


class Capabilities(msgspec.Struct, frozen=True, rename="camel"):
    """What would be launched, by name; lists are in the order of the stack. Empty texts stand for nothing."""

    provider: str = ""
    adapter: str = ""
    tool_profile: str = ""
    tools: tuple[str, ...] = ()
    mcp_servers: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()
    subagents: tuple[str, ...] = ()
    context_labels: tuple[str, ...] = ()
    memory_repositories: tuple[str, ...] = ()
    workspace_policy: str = ""
    runner_pool: str = ""
    write_back_targets: tuple[str, ...] = ()


class Expanded(NamedTuple):
    """A stack with the objects it takes in, those that are there."""

    stack: Held[AgentStackSpec]
    account: str
    """Name of its runtime account; empty for one of another organization."""
    names: Capabilities
    profile: Held[AgentToolProfileSpec] | None
    servers: list[Held[AgentMcpServerSpec]]
    skills: list[Held[AgentSkillSpec]]
    subagents: list[Held[AgentSubagentSpec]]
    labels: list[Held[AgentContextLabelSpec]]
    memories: list[Held[AgentMemoryRepositorySpec]]
    workspace: Held[AgentWorkspacePolicySpec] | None
    provider: Held[AgentProviderConfigSpec] | None
    adapter: Held[AgentAdapterSpec] | None


def expand(ledger: Ledger, stack: Held[AgentStackSpec]) -> Expanded:
    """Finds everything, and says of each reference that leads nowhere."""
    request, policy, spec = ledger.request, ledger.state.policy, stack.spec
    profile = _one(ledger, stack, "AgentToolProfile", spec.tool_profile_ref, "toolProfileRef", "ToolPolicyMissing")
    tools = _narrowed(ledger, stack, enabled_tools(profile), request.tool_refs, "toolRefs")
    servers = _narrowed(ledger, stack, spec.mcp_server_refs, request.mcp_server_refs, "mcpServerRefs")
    skills = _narrowed(ledger, stack, spec.skill_refs, request.skill_refs, "skillRefs")
    labels = _narrowed(ledger, stack, spec.context_label_refs, request.context_label_refs, "contextLabelRefs")
    workspace = _workspace(ledger, stack)
    provider = _provider(ledger, spec.provider or "")
    names = Capabilities(
        provider=spec.provider or "",
        adapter=spec.adapter,
        tool_profile=spec.tool_profile_ref or "",
        tools=tools,
        mcp_servers=servers,
        skills=skills,
        subagents=_once(spec.subagent_refs),
        context_labels=labels,
        memory_repositories=_once(spec.memory_repository_refs),
        workspace_policy="" if workspace is None else workspace.name,
        runner_pool=request.runner_pool or spec.runner_pool or policy.default_runner_pool,
        write_back_targets=_once(spec.write_back_policy.allowed_targets),
    )
    return Expanded(
        stack,
        ledger.state.own_name(spec.runtime_identity.service_account_ref),
        names,
        profile,
        _many(ledger, stack, "AgentMcpServer", servers, "mcpServerRefs", "MissingMcpServers"),
        _many(ledger, stack, "AgentSkill", skills, "skillRefs", "MissingSkills"),
        _many(ledger, stack, "AgentSubagent", names.subagents, "subagentRefs", "MissingSubagents"),
        _many(ledger, stack, "AgentContextLabel", labels, "contextLabelRefs", "MissingContextLabels"),
        _many(
            ledger, stack, "AgentMemoryRepository", names.memory_repositories, "memoryRepositoryRefs",
            "MissingMemoryRepositories",
        ),
        workspace,
        provider,
        _adapter(ledger, spec.adapter),
    )  # fmt: skip


def enabled_tools(profile: Held[AgentToolProfileSpec] | None) -> tuple[str, ...]:
    """Native tools that a profile switches on, by the names of its fields."""
    if profile is None:
        return ()
    switches: dict[str, bool] = msgspec.to_builtins(profile.spec.native_tools)
    return tuple(name for name, is_on in sorted(switches.items()) if is_on)


def same_tool(left: str, right: str) -> bool:
    """Whether two names mean one tool: ``codeSearch`` and ``code-search`` do."""
    return _plain(left) == _plain(right)


def _plain(name: str) -> str:
    return name.replace("-", "").replace("_", "").lower()


def _once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _narrowed(
    ledger: Ledger, stack: Held[AgentStackSpec], has: tuple[str, ...], wanted: tuple[str, ...] | None, field: str
) -> tuple[str, ...]:
    """What the stack has, or of it what the caller wants; wanting more blocks."""
    if wanted is None:
        return _once(has)
    for name in wanted:
        if not any(_is_same(field, name, one) for one in has):
            ledger.say(
                "RequestWidensStack", stack.owner, f"{field} names {shown(name)}, which the stack has not", field
            )
    return tuple(one for one in _once(has) if any(_is_same(field, name, one) for name in wanted))


def _is_same(field: str, left: str, right: str) -> bool:
    return same_tool(left, right) if field == "toolRefs" else left == right


def _one(
    ledger: Ledger, stack: Held[AgentStackSpec], kind: str, name: str | None, field: str, missing: str
) -> Held[Any] | None:
    if name is None:
        return None
    found = _many(ledger, stack, kind, (name,), field, missing)
    return found[0] if found else None


def _many(
    ledger: Ledger, stack: Held[AgentStackSpec], kind: str, names: tuple[str, ...], field: str, missing: str
) -> list[Held[Any]]:
    found = []
    for text in names:
        stated, _, name = text.rpartition("/")
        organization = stated.removeprefix("krate-org-") or ledger.state.organization
        is_own = organization == ledger.state.organization
        # One of another organization that isn't shared is told as such, and never looked at.
        if not is_own and not ledger.state.shares(organization, kind, name):
            continue
        held = ledger.find(kind, name, organization)
        if held is not None:
            found.append(held)
        elif is_own and ledger.state.raw(kind, name) is not None:
            message = f"{kind} {shown(name)} does not fit its kind"
            ledger.say(_UNREADABLE.get(kind, missing), stack.owner, message, f"spec.{field}")
        else:
            ledger.say(missing, stack.owner, f"{kind} {shown(name)} is not there", f"spec.{field}")
    return found


def _workspace(ledger: Ledger, stack: Held[AgentStackSpec]) -> Held[AgentWorkspacePolicySpec] | None:
    own = stack.spec.workspace_policy_ref
    field, missing = "workspacePolicyRef", "MissingRefs"
    standing = _one(ledger, stack, "AgentWorkspacePolicy", own, field, missing)
    if own is None:
        standing = ledger.find("AgentWorkspacePolicy", ledger.state.policy.default_workspace_policy)
    wanted = ledger.request.workspace_policy_ref
    if wanted is None or (standing is not None and wanted == standing.name):
        return standing
    if not ledger.state.own_name(wanted):
        ledger.say("RequestWidensStack", stack.owner, f"{field} is of another organization", field)
        return standing
    asked = _one(ledger, stack, "AgentWorkspacePolicy", wanted, field, missing)
    if asked is not None and standing is not None and not _is_narrower(asked.spec, standing.spec):
        ledger.say("RequestWidensStack", stack.owner, f"{field} is broader than that of the stack", field)
    return asked or standing


def _is_narrower(one: AgentWorkspacePolicySpec, other: AgentWorkspacePolicySpec) -> bool:
    """Whether a workspace policy admits nothing that another doesn't."""
    modes = WORKSPACE_MODES.index(one.mode) <= WORKSPACE_MODES.index(other.mode)
    trust = one.trust_tier == other.trust_tier
    allowed = not other.allowed_tools or (
        bool(one.allowed_tools) and set(one.allowed_tools) <= set(other.allowed_tools)
    )
    sessions = other.max_concurrent_sessions is None or (
        one.max_concurrent_sessions is not None and one.max_concurrent_sessions <= other.max_concurrent_sessions
    )
    return modes and trust and allowed and sessions and set(other.denied_tools) <= set(one.denied_tools)


def _provider(ledger: Ledger, provider: str) -> Held[AgentProviderConfigSpec] | None:
    """The configuration of a provider: the one of its name, or the first that is for it."""
    if not provider:
        return None
    named = ledger.find("AgentProviderConfig", provider)
    if named is not None:
        return named
    for held in ledger.state.all("AgentProviderConfig"):
        if held.spec.provider == provider:
            ledger.use(held)
            return held
    return None


def _adapter(ledger: Ledger, adapter: str) -> Held[AgentAdapterSpec] | None:
    return ledger.find("AgentAdapter", adapter)


def stack_owner(name: str) -> Owner:
    """A stack as reasons name it."""
    return Owner("AgentStack", name)
