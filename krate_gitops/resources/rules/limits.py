"""Rules about what an installation and its adapters permit, as far as files and the installation's settings say it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from krate_gitops.resources.kinds.connections import AgentAdapterSpec
from krate_gitops.resources.kinds.stack import AgentStackSpec
from krate_gitops.resources.kinds.tools import AgentToolProfileSpec
from krate_gitops.resources.kinds.triggers import AgentTriggerRuleSpec
from krate_gitops.resources.kinds.workspace import AgentWorkspacePolicySpec
from krate_gitops.resources.manifest import Issue, issue_of, site_of
from krate_gitops.resources.permissions.policy import FILESYSTEM, NETWORK, AdapterManifest, is_broader, manifest_of
from krate_gitops.resources.rules.references import references_of
from krate_gitops.resources.world import Resource, World, repository_of


def parallel_subagent(world: World) -> Iterator[Issue]:
    """KR205: a subagent runs no more at once than the adapter and the workspace of its stack admit."""
    for stack in world.of(AgentStackSpec):
        manifest, workspace = adapter_of(world, stack), _workspace(world, stack)
        limits = [
            *((manifest.max_parallel_tasks,) if manifest is not None else ()),
            *((workspace.spec.max_concurrent_sessions,) if workspace is not None else ()),
        ]
        least = min((limit for limit in limits if limit is not None), default=None)
        for reference, subagent in references_of(world, stack.manifest, stack.kind, "spec.subagentRefs"):
            if least is not None and subagent.spec.max_parallel_tasks > least:
                related = ((site_of(subagent.manifest, "spec.maxParallelTasks"), "what it wants"),)
                message = f"AgentSubagent {reference.name} runs more than {least} at once, which is the limit here"
                yield issue_of(stack.manifest, "KR205", message, reference.field, related=related)


def broad_profile(world: World) -> Iterator[Issue]:
    """KR210: files and network of a stack are no wider than its repository and runner pool permit."""
    policy = world.context.policy
    for stack in world.of(AgentStackSpec):
        limits = []
        if (repository := repository_of(stack.manifest)) in policy.repository_limits:
            limits.append((policy.repository_limits[repository], "repository"))
        if policy.is_untrusted_pool(pool_of(world, stack)):
            limits.append((policy.untrusted_limits, "runner pool"))
        for reference, profile in references_of(world, stack.manifest, stack.kind, "spec.toolProfileRef"):
            spec: AgentToolProfileSpec = profile.spec
            for limit, whose in limits:
                for what, value, most, scale, field in (
                    ("files", spec.filesystem_policy, limit.filesystem, FILESYSTEM, "filesystemPolicy"),
                    ("network", spec.network_policy.default, limit.network, NETWORK, "networkPolicy"),
                ):
                    if is_broader(value, most, scale):
                        related = ((site_of(profile.manifest, f"spec.{field}"), "what it gives"),)
                        message = f"{what}: the {whose} of the stack permits {most} at most"
                        yield issue_of(stack.manifest, "KR210", message, reference.field, related=related)


def unfit_adapter(world: World) -> Iterator[Issue]:
    """KR211: the adapter has the base agent, model, tools and approval mode that a stack wants."""
    for stack in world.of(AgentStackSpec):
        manifest = adapter_of(world, stack)
        if manifest is None:
            continue
        spec = stack.spec
        for what, wanted, known, field in (
            ("base agent", spec.base_agent, manifest.base_agents, "baseAgent"),
            ("model", spec.model, manifest.models, "model"),
            ("approval mode", spec.approval_mode, manifest.approval_modes, "approvalMode"),
        ):
            if wanted is not None and known is not None and wanted not in known:
                yield issue_of(stack.manifest, "KR211", f"the adapter does not have this {what}", f"spec.{field}")
        for what, refs, has, field in (
            ("skills", spec.skill_refs, manifest.skills, "skillRefs"),
            ("subagents", spec.subagent_refs, manifest.subagents, "subagentRefs"),
        ):
            if refs and has is False:
                yield issue_of(stack.manifest, "KR211", f"the adapter has no {what}", f"spec.{field}")
        for reference, profile in references_of(world, stack.manifest, stack.kind, "spec.toolProfileRef"):
            for tool, is_on in _switches(profile).items():
                if is_on and manifest.tools is not None and not any(_same(tool, one) for one in manifest.tools):
                    yield issue_of(stack.manifest, "KR211", f"the adapter does not have tool {tool}", reference.field)


def forbidden_mode(world: World) -> Iterator[Issue]:
    """KR212: the organization allows the approval mode."""
    allowed = world.context.policy.allowed_approval_modes
    for stack in world.of(AgentStackSpec):
        if stack.spec.approval_mode not in allowed:
            message = f"the installation allows {', '.join(allowed)}"
            yield issue_of(stack.manifest, "KR212", message, "spec.approvalMode")


def closed_gate(world: World) -> Iterator[Issue]:
    """KR406: a rule that is active waits for the installation's gate."""
    for rule in world.of(AgentTriggerRuleSpec):
        if rule.spec.lifecycle_state == "active" and not world.context.trigger_rules:
            message = "trigger rules are switched off in the installation, so nothing is dispatched"
            yield issue_of(rule.manifest, "KR406", message, "spec.lifecycleState")


def unlike_trust(world: World) -> Iterator[Issue]:
    """KR410: workspace and runner pool of a stack are of one trust."""
    policy = world.context.policy
    for stack in world.of(AgentStackSpec):
        is_untrusted = policy.is_untrusted_pool(pool_of(world, stack))
        for reference, workspace in references_of(world, stack.manifest, stack.kind, "spec.workspacePolicyRef"):
            if (workspace.spec.trust_tier == "untrusted") != is_untrusted:
                related = ((site_of(workspace.manifest, "spec.trustTier"), "its trust"),)
                pool = "untrusted" if is_untrusted else "trusted"
                message = f"the workspace is {workspace.spec.trust_tier}, the runner pool {pool}"
                yield issue_of(stack.manifest, "KR410", message, reference.field, related=related)


def adapter_of(world: World, stack: Resource[AgentStackSpec]) -> AdapterManifest | None:
    """What is known of the adapter of a stack: its manifest, or the description among the resources."""
    known = world.context.policy.adapters.get(stack.spec.adapter)
    adapter: Resource[AgentAdapterSpec] | None = world.find(stack.organization, "AgentAdapter", stack.spec.adapter)
    return manifest_of(adapter.spec.capabilities) if known is None and adapter is not None else known


def pool_of(world: World, stack: Resource[AgentStackSpec]) -> str:
    """The runner pool of a stack: its own, or the installation's default."""
    return stack.spec.runner_pool or world.context.policy.default_runner_pool


def _workspace(world: World, stack: Resource[AgentStackSpec]) -> Resource[AgentWorkspacePolicySpec] | None:
    name = stack.spec.workspace_policy_ref or world.context.policy.default_workspace_policy
    found: Resource[AgentWorkspacePolicySpec] | None = world.find(stack.organization, "AgentWorkspacePolicy", name)
    return found


def _switches(profile: Resource[Any]) -> dict[str, bool]:
    found: dict[str, bool] = msgspec.to_builtins(profile.spec.native_tools)
    return found


def _same(left: str, right: str) -> bool:
    return left.replace("-", "").lower() == right.replace("-", "").lower()
