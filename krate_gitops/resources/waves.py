"""The order in which kinds are applied; they are pruned in the reverse one."""

from __future__ import annotations

from collections.abc import Mapping

_ORDER: tuple[tuple[str, ...], ...] = (
    ("Organization", "Namespace", "OrgNamespaceBinding", "OrgSharingPolicy"),
    ("AgentServiceAccount", "ConfigMap"),
    ("AgentRoleBinding", "AgentSecretGrant", "AgentConfigGrant"),
    ("AgentAdapter", "AgentProviderConfig", "AgentGatewayConfig"),
    ("AgentTransportBinding", "AgentToolProfile", "AgentWorkspacePolicy", "AgentContextLabel", "AgentMemoryRepository"),
    ("AgentMcpServer", "AgentMemorySource", "AgentMemoryOntology"),
    ("AgentSkill", "AgentMemoryAssociation"),
    ("AgentSubagent", "AgentSoul", "AgentAppearance", "AgentVoiceProfile"),
    ("AgentPersona", "AgentStack"),
    ("AgentDefinition",),
    # A source of an organization needs the namespace and the account that earlier waves bring.
    ("AgentTriggerRule", "GitOpsSource"),
)

WAVES: Mapping[str, int] = {kind: wave for wave, kinds in enumerate(_ORDER) for kind in kinds}
"""Wave of each kind that Git may hold."""
