"""Step 4: whether what a stack takes in is fit for it: tools, servers, skills, subagents, labels, memory, adapter."""

from __future__ import annotations

from krate_gitops.digest import sha256_digest
from krate_gitops.resources.kinds.capabilities import AgentContextLabelSpec
from krate_gitops.resources.kinds.memory import AgentMemorySourceSpec
from krate_gitops.resources.permissions.expand import Expanded, same_tool
from krate_gitops.resources.permissions.ledger import Ledger, shown
from krate_gitops.resources.permissions.policy import (
    CACHED_FOR_SECONDS,
    FILESYSTEM,
    NETWORK,
    WORKSPACE_MODES,
    AdapterManifest,
    Limits,
    is_broader,
    manifest_of,
)
from krate_gitops.resources.rules.capabilities import fragment_faults


def judge_capabilities(ledger: Ledger, expanded: Expanded) -> None:
    """Runs all checks; what they find goes to the ledger."""
    manifest = _adapter(ledger, expanded)
    _tools(ledger, expanded)
    _servers(ledger, expanded)
    _skills(ledger, expanded)
    _subagents(ledger, expanded, manifest)
    _labels(ledger, expanded)
    _memory(ledger, expanded)


def limits_for(ledger: Ledger, pool: str) -> list[Limits]:
    """Limits that hold for the repository and for the trust of a pool."""
    policy = ledger.state.policy
    found = [policy.repository_limits[ledger.repository]] if (ledger.repository in policy.repository_limits) else []
    return [*found, policy.untrusted_limits] if policy.is_untrusted_pool(pool) or ledger.untrusted else found


def _adapter(ledger: Ledger, expanded: Expanded) -> AdapterManifest | None:
    """What is known of the adapter: its manifest, or what the organization's own description says."""
    policy, stack = ledger.state.policy, expanded.stack
    manifest = policy.adapters.get(stack.spec.adapter)
    if policy.gateway == "down":
        if manifest is None:
            ledger.say("AdapterUnavailable", stack.owner, "the gateway is down", "spec.adapter")
        elif manifest.age_seconds >= CACHED_FOR_SECONDS:
            ledger.say("StaleCapabilities", stack.owner, "the adapter was last heard of over a day ago", "spec.adapter")
    elif policy.gateway == "up" and manifest is None:
        ledger.say("AdapterUnavailable", stack.owner, "the gateway knows no such adapter", "spec.adapter")
    if manifest is None and expanded.adapter is not None:
        manifest = manifest_of(expanded.adapter.spec.capabilities)
    if manifest is not None:
        for message, field in lacks(manifest, expanded):
            ledger.say("UnsupportedBaseAgent", stack.owner, message, field)
    return manifest


def lacks(manifest: AdapterManifest, expanded: Expanded) -> list[tuple[str, str]]:
    """What an adapter can't do of what the stack wants, with the field that wants it."""
    spec, names = expanded.stack.spec, expanded.names
    found = []
    for what, wanted, known, field in (
        ("base agent", spec.base_agent, manifest.base_agents, "spec.baseAgent"),
        ("model", spec.model, manifest.models, "spec.model"),
        ("approval mode", spec.approval_mode, manifest.approval_modes, "spec.approvalMode"),
    ):
        if wanted is not None and known is not None and wanted not in known:
            found.append((f"the adapter does not have {what} {shown(wanted)}", field))
    for tool in names.tools:
        if manifest.tools is not None and not any(same_tool(tool, one) for one in manifest.tools):
            found.append((f"the adapter does not have tool {shown(tool)}", "spec.toolProfileRef"))
    if names.skills and manifest.skills is False:
        found.append(("the adapter has no skills", "spec.skillRefs"))
    return found


def _tools(ledger: Ledger, expanded: Expanded) -> None:
    profile, stack = expanded.profile, expanded.stack
    if profile is None:
        return
    for limits in limits_for(ledger, expanded.names.runner_pool):
        if is_broader(profile.spec.filesystem_policy, limits.filesystem, FILESYSTEM):
            message = f"files are limited to {limits.filesystem} here"
            ledger.say("FilesystemTooBroad", profile.owner, message, "spec.filesystemPolicy")
        if is_broader(profile.spec.network_policy.default, limits.network, NETWORK):
            message = f"the network is limited to {limits.network} here"
            ledger.say("NetworkPolicyDenied", profile.owner, message, "spec.networkPolicy.default")
    allowed, denied = profile.spec.allowed_commands, profile.spec.denied_commands
    for at, command in enumerate(stack.spec.allowed_commands):
        if command in denied or (allowed and command not in allowed):
            message = "the tool profile does not allow this command"
            ledger.say("DeniedCommand", stack.owner, message, f"spec.allowedCommands[{at}]")


def _servers(ledger: Ledger, expanded: Expanded) -> None:
    stack = expanded.stack.name
    for server in expanded.servers:
        spec = server.spec
        health = server.status.get("health") if server.is_fresh else "Unknown"
        if not spec.enabled or spec.approval_policy == "deny" or health == "Denied":
            ledger.say("McpDenied", server.owner, "the server is off or denied", "spec.enabled")
        elif spec.allowed_agent_stacks and stack not in spec.allowed_agent_stacks:
            message = f"the server is not for AgentStack {stack}"
            ledger.say("McpDenied", server.owner, message, "spec.allowedAgentStacks")
        elif health not in ("Ready", "Degraded") and not spec.lazy:
            ledger.say("ProbeFailed", server.owner, "the last probe did not reach the server, or there was none")


def _skills(ledger: Ledger, expanded: Expanded) -> None:
    stack = expanded.stack
    for skill in expanded.skills:
        spec = skill.spec
        if spec.allowed_agent_stacks and stack.name not in spec.allowed_agent_stacks:
            message = f"the skill is not for AgentStack {stack.name}"
            ledger.say("InvalidSkill", skill.owner, message, "spec.allowedAgentStacks")
        if spec.compatible_base_agents and stack.spec.base_agent not in spec.compatible_base_agents:
            message = f"the skill does not go with {stack.spec.base_agent}"
            ledger.say("InvalidSkill", skill.owner, message, "spec.compatibleBaseAgents")
        for fault in fragment_faults(spec.prompt_fragment or ""):
            ledger.say("InvalidSkill", skill.owner, fault, "spec.promptFragment")
        for tool in spec.required_tools:
            if not _has_tool(expanded, tool):
                message = f"the skill needs tool {shown(tool)}"
                ledger.say("RequiredToolNotAdmitted", skill.owner, message, "spec.requiredTools")
        for server in spec.required_mcp_servers:
            if server not in expanded.names.mcp_servers:
                message = f"the skill needs AgentMcpServer {shown(server)}"
                ledger.say("RequiredToolNotAdmitted", skill.owner, message, "spec.requiredMcpServers")


def _has_tool(expanded: Expanded, tool: str) -> bool:
    """Whether the stack has a tool: a native one, a server by its name, or a tool that a server says it has."""
    if any(same_tool(tool, one) for one in expanded.names.tools) or tool in expanded.names.mcp_servers:
        return True
    for server in expanded.servers:
        discovered = server.status.get("discoveredTools")
        if isinstance(discovered, (list, tuple)) and tool in discovered:
            return True
    return False


def _subagents(ledger: Ledger, expanded: Expanded, manifest: AdapterManifest | None) -> None:
    if expanded.names.subagents and manifest is not None and manifest.subagents is False:
        message = "the adapter has no subagents"
        ledger.say("SubagentsUnsupported", expanded.stack.owner, message, "spec.subagentRefs")
    limits = [manifest.max_parallel_tasks if manifest is not None else None]
    limits.append(expanded.workspace.spec.max_concurrent_sessions if expanded.workspace is not None else None)
    for subagent in expanded.subagents:
        spec = subagent.spec
        for field, has, may in (
            ("mcpServerRefs", spec.mcp_server_refs, expanded.names.mcp_servers),
            ("skillRefs", spec.skill_refs, expanded.names.skills),
        ):
            for name in has:
                if name not in may:
                    message = f"{field} names {shown(name)}, which the stack has not"
                    ledger.say("SubagentWidensPermissions", subagent.owner, message, f"spec.{field}")
        for tool in spec.tool_refs:
            if not _has_tool(expanded, tool):
                message = f"toolRefs names {shown(tool)}, which the stack has not"
                ledger.say("SubagentWidensPermissions", subagent.owner, message, "spec.toolRefs")
        mode = expanded.workspace.spec.mode if expanded.workspace is not None else spec.workspace_scope
        if is_broader(spec.workspace_scope, mode, WORKSPACE_MODES):
            message = f"it works in {spec.workspace_scope}, its stack in {mode}"
            ledger.say("SubagentWidensPermissions", subagent.owner, message, "spec.workspaceScope")
        for limit in limits:
            if limit is not None and spec.max_parallel_tasks > limit:
                message = f"at most {limit} at once are admitted"
                ledger.say("ParallelismExceeded", subagent.owner, message, "spec.maxParallelTasks")


def _labels(ledger: Ledger, expanded: Expanded) -> None:
    stack, repository = expanded.stack.name, ledger.repository
    for label in expanded.labels:
        spec = label.spec
        for what, own, allowed, field in (
            ("AgentStack", stack, spec.allowed_agent_stacks, "allowedAgentStacks"),
            ("repository", repository, spec.allowed_repositories, "allowedRepositories"),
        ):
            if allowed and own and own not in allowed:
                ledger.say("UnsafeFragment", label.owner, f"the label is not for {what} {shown(own)}", f"spec.{field}")
        for fault in fragment_faults(spec.prompt_fragment):
            ledger.say("UnsafeFragment", label.owner, fault, "spec.promptFragment")
        if spec.requires_review and not spec.reviewed_by:
            ledger.say("UnsafeFragment", label.owner, "nobody has reviewed the label", "spec.reviewedBy")
        if ledger.request.label_digests.get(label.name, label_digest(spec)) != label_digest(spec):
            message = "the text has changed since the snapshot, which is kept"
            ledger.say("ContextLabelDrifted", label.owner, message, "spec.promptFragment")
        if label.is_fresh and label.status.get("patternCheck") == "failed":
            ledger.say("UnsafeFragment", label.owner, "the text did not pass the patterns", "spec.promptFragment")


def label_digest(spec: AgentContextLabelSpec) -> str:
    """Digest of the text of a label, as snapshots keep it."""
    return sha256_digest(spec.prompt_fragment.encode())


def _memory(ledger: Ledger, expanded: Expanded) -> None:
    for memory in expanded.memories:
        sources = ledger.state.memory_sources(memory.name)
        for source in sources:
            ledger.use(source)
        if memory.spec.access_mode == "Disabled":
            ledger.say("MemoryScopeDenied", memory.owner, "the memory repository is disabled", "spec.accessMode")
        elif not any(_applies(ledger, source.spec, expanded.stack.name) for source in sources):
            ledger.say(
                "MemoryScopeDenied", memory.owner, f"no AgentMemorySource admits AgentStack {expanded.stack.name}"
            )


def _applies(ledger: Ledger, source: AgentMemorySourceSpec, stack: str) -> bool:
    """Whether a source is for the stack here. What the request doesn't say is no obstacle; no dimension is nobody."""
    request, to = ledger.request, source.applies_to
    dimensions = (
        (to.stacks, (stack,)),
        (to.repositories, (ledger.repository,)),
        (to.teams, request.actor.groups or ("",)),
        (to.users, (request.actor.user,)),
        (to.triggers, (request.trigger_source,)),
    )
    named = [(allowed, own) for allowed, own in dimensions if allowed is not None]
    return bool(named) and all(own in ((), ("",)) or any(one in allowed for one in own) for allowed, own in named)
