"""What keys of capabilities are for, where they don't say it themselves."""

from __future__ import annotations

from collections.abc import Mapping

from krate_gitops.resources.kinds.common import Keys, NeededKeys

PROVIDER_PURPOSE = "model-provider-token"
PURPOSES: Mapping[tuple[str, str], str] = {
    ("AgentToolProfile", "Secret"): "tool",
    ("AgentMcpServer", "Secret"): "mcp-server",
    ("AgentSkill", "Secret"): "skill",
    ("AgentProviderConfig", "Secret"): PROVIDER_PURPOSE,
    ("AgentToolProfile", "ConfigMap"): "tool-config",
    ("AgentMcpServer", "ConfigMap"): "mcp-config",
    ("AgentSkill", "ConfigMap"): "skill-config",
}
"""Purpose by the kind of the capability and of the native object."""


def purpose_of(keys: Keys, owner: str, target: str) -> str:
    """The purpose that a grant of keys must have, for an owner and a native object of these kinds."""
    stated = keys.purpose if isinstance(keys, NeededKeys) else None
    return stated or PURPOSES[owner, target]
