"""Step 10: what the policy of a workspace refuses."""

from __future__ import annotations

from krate_gitops.resources.permissions.expand import Expanded, same_tool
from krate_gitops.resources.permissions.ledger import Ledger, shown


def judge_workspace(ledger: Ledger, expanded: Expanded) -> None:
    """Sessions, tools and trust of the workspace."""
    policy = expanded.workspace
    if policy is None:
        return
    spec = policy.spec
    if spec.max_concurrent_sessions == 0:
        ledger.say("NoSessionsAllowed", policy.owner, "the policy admits no session", "spec.maxConcurrentSessions")
    for tool in expanded.names.tools:
        if any(same_tool(tool, one) for one in spec.denied_tools):
            ledger.say("ToolDeniedByWorkspacePolicy", policy.owner, f"tool {shown(tool)} is denied", "spec.deniedTools")
        elif spec.allowed_tools and not any(same_tool(tool, one) for one in spec.allowed_tools):
            message = f"tool {shown(tool)} is not among those that are allowed"
            ledger.say("ToolDeniedByWorkspacePolicy", policy.owner, message, "spec.allowedTools")
    is_untrusted_pool = ledger.state.policy.is_untrusted_pool(expanded.names.runner_pool)
    if (spec.trust_tier == "untrusted") != is_untrusted_pool:
        message = f"a workspace that is {spec.trust_tier} does not run on pool {shown(expanded.names.runner_pool)}"
        ledger.say("WorkspaceTrustMismatch", policy.owner, message, "spec.trustTier")
