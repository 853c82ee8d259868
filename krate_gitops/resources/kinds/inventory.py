"""The one table of kinds: names, who writes them, where they are stored, and their models.

CRDs, JSON Schemas, validation and the reference in the docs are made from it. Kinds without a model are execution
records: the table knows them so that a manifest of one is refused for what it is.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

import msgspec

from krate_gitops.resources.kinds import (
    capabilities,
    connections,
    gitops,
    grants,
    identity,
    memory,
    persona,
    stack,
    tenancy,
    tools,
    triggers,
    workspace,
)
from krate_gitops.resources.kinds.common import Part, Status


class Author(enum.StrEnum):
    """Where a kind may come from."""

    GIT = "G"
    """A config repository, or the writer path, which commits to one."""
    PLATFORM = "P"
    """A platform source only."""
    CONTROLLER = "C"
    """Never Git."""


class Tier(enum.StrEnum):
    """How much of a kind's behaviour there is."""

    FIRST = "M"
    LATER = "L"
    EXTENDED = "X"
    MEMORY = "memory"


class Kind(msgspec.Struct, frozen=True):
    """One kind. ``crd`` names the file of its definition, empty for those that have none."""

    name: str
    plural: str
    short: tuple[str, ...]
    context: str
    author: Author
    tier: Tier
    crd: str = ""
    spec: type[Part] | None = None
    status: type[Status] = Status
    columns: tuple[tuple[str, str], ...] = ()
    """Printer columns beside Phase and Age: heading and JSON path."""

    @property
    def required(self) -> tuple[str, ...]:
        """Fields that a spec must have."""
        if self.spec is None:
            return ()
        return tuple(field.encode_name for field in msgspec.structs.fields(self.spec) if field.required)

    @property
    def scoped(self) -> bool:
        """Whether objects belong to an organization and lie in its namespace."""
        return self.author is not Author.PLATFORM


_CONFIG, _GRANTS, _MEMORY = "agent-config-resources", "agent-rbac-grant-resources", "memory-config-resources"
_GITOPS, _TENANCY = "gitops-resources", "tenancy-resources"
_M, _L, _X, _MEM = Tier.FIRST, Tier.LATER, Tier.EXTENDED, Tier.MEMORY


def _agents(
    name: str,
    short: str,
    tier: Tier,
    spec: type[Part],
    status: type[Status] = Status,
    *columns: tuple[str, str],
    plural: str = "",
) -> Kind:
    shorts = (short,) if short else ()
    plural = plural or f"{name.lower()}s"
    return Kind(name, plural, shorts, "agents", Author.GIT, tier, _CONFIG, spec, status, columns)


def _identity(name: str, short: str, spec: type[Part], status: type[Status], *columns: tuple[str, str]) -> Kind:
    return Kind(name, f"{name.lower()}s", (short,), "identity", Author.GIT, _M, _GRANTS, spec, status, columns)


def _memory(
    name: str, plural: str, short: str, spec: type[Part], status: type[Status], *columns: tuple[str, str]
) -> Kind:
    return Kind(name, plural, (short,), "agents", Author.GIT, _MEM, _MEMORY, spec, status, columns)


def _platform(
    name: str, short: str, spec: type[Part], status: type[Status] = Status, *columns: tuple[str, str]
) -> Kind:
    plural = "orgsharingpolicies" if name == "OrgSharingPolicy" else f"{name.lower()}s"
    return Kind(name, plural, (short,), "core", Author.PLATFORM, _M, _TENANCY, spec, status, columns)


def _execution(name: str, short: str, tier: Tier, plural: str = "") -> Kind:
    shorts = (short,) if short else ()
    return Kind(name, plural or f"{name.lower()}s", shorts, "agents", Author.CONTROLLER, tier)


_KINDS = (
    _agents("AgentStack", "as", _M, stack.AgentStackSpec, stack.AgentStackStatus, ("Agent", ".spec.baseAgent")),
    _agents("AgentToolProfile", "atp", _M, tools.AgentToolProfileSpec, Status, ("Files", ".spec.filesystemPolicy")),
    _identity(
        "AgentServiceAccount", "asa", identity.AgentServiceAccountSpec, identity.AgentServiceAccountStatus,
        ("Account", ".spec.serviceAccountName"),
    ),
    _identity(
        "AgentRoleBinding", "arb", identity.AgentRoleBindingSpec, identity.AgentRoleBindingStatus,
        ("Role", ".spec.roleRef.name"), ("Subject", ".spec.subject.name"),
    ),
    _identity(
        "AgentSecretGrant", "asg", grants.AgentSecretGrantSpec, grants.GrantStatus,
        ("Subject", ".spec.subject.name"), ("Purpose", ".spec.purpose"),
    ),
    _identity(
        "AgentConfigGrant", "acg", grants.AgentConfigGrantSpec, grants.GrantStatus,
        ("Subject", ".spec.subject.name"), ("Purpose", ".spec.purpose"),
    ),
    _agents(
        "AgentMcpServer", "amcp", _M, tools.AgentMcpServerSpec, tools.AgentMcpServerStatus,
        ("Transport", ".spec.transport"), ("Health", ".status.health"),
    ),
    _agents("AgentSkill", "ask", _L, capabilities.AgentSkillSpec),
    _agents("AgentSubagent", "asub", _L, capabilities.AgentSubagentSpec),
    _agents("AgentContextLabel", "acl", _L, capabilities.AgentContextLabelSpec, capabilities.AgentContextLabelStatus),
    _agents(
        "AgentTriggerRule", "atr", _L, triggers.AgentTriggerRuleSpec, triggers.AgentTriggerRuleStatus,
        ("Stack", ".spec.agentStack"), ("State", ".spec.lifecycleState"),
    ),
    _agents(
        "AgentWorkspacePolicy", "awp", _L, workspace.AgentWorkspacePolicySpec, Status, ("Mode", ".spec.mode"),
        plural="agentworkspacepolicies",
    ),
    _agents("AgentAdapter", "aad", _X, connections.AgentAdapterSpec),
    _agents("AgentTransportBinding", "atb", _X, connections.AgentTransportBindingSpec),
    _agents("AgentProviderConfig", "apc", _X, connections.AgentProviderConfigSpec),
    _agents("AgentGatewayConfig", "agc", _X, connections.AgentGatewayConfigSpec),
    _agents("AgentPersona", "", _X, persona.AgentPersonaSpec),
    _agents("AgentSoul", "", _X, persona.AgentSoulSpec),
    _agents("AgentAppearance", "", _X, persona.AgentAppearanceSpec),
    _agents("AgentVoiceProfile", "", _X, persona.AgentVoiceProfileSpec),
    _agents("AgentDefinition", "", _X, persona.AgentDefinitionSpec),
    _memory(
        "AgentMemoryRepository", "agentmemoryrepositories", "amr", memory.AgentMemoryRepositorySpec,
        memory.AgentMemoryRepositoryStatus, ("Commit", ".status.currentCommit"),
    ),
    _memory(
        "AgentMemorySource", "agentmemorysources", "ams", memory.AgentMemorySourceSpec, Status,
        ("Repository", ".spec.repositoryRef"),
    ),
    _memory(
        "AgentMemoryOntology", "agentmemoryontologies", "amo", memory.AgentMemoryOntologySpec,
        memory.AgentMemoryOntologyStatus,
    ),
    _memory(
        "AgentMemoryAssociation", "agentmemoryassociations", "ama", memory.AgentMemoryAssociationSpec, Status,
        ("Relationship", ".spec.relationship"),
    ),
    Kind(
        "GitOpsSource", "gitopssources", ("gos",), "gitops", Author.PLATFORM, _M, _GITOPS, gitops.GitOpsSourceSpec,
        gitops.GitOpsSourceStatus, (("Revision", ".status.lastAppliedRevision"),),
    ),
    _platform("Organization", "org", tenancy.OrganizationSpec, tenancy.OrganizationStatus),
    _platform("OrgNamespaceBinding", "onb", tenancy.OrgNamespaceBindingSpec),
    _platform("OrgSharingPolicy", "osp", tenancy.OrgSharingPolicySpec),
    _execution("AgentContextBundle", "acb", _M),
    _execution("AgentCapabilityRequirement", "acr", _M),
    _execution("AgentDispatchRun", "adr", _M),
    _execution("AgentDispatchAttempt", "ada", _M),
    _execution("AgentSession", "ases", _M),
    _execution("AgentArtifact", "aart", _M),
    _execution("AgentReviewArtifact", "arev", _L),
    _execution("AgentApproval", "aapp", _L),
    _execution("AgentTriggerExecution", "ate", _L),
    _execution("AgentWorkspace", "awsp", _L),
    _execution("WorkItemSessionLink", "wisl", _L),
    _execution("WorkItemWorkspaceLink", "wiwl", _L),
    _execution("AgentSessionTranscript", "ast", _X),
    _execution("AgentSessionAttachment", "asatt", _X),
    _execution("AgentMemorySnapshot", "amsnap", _MEM),
    _execution("AgentMemoryQuery", "amq", _MEM, "agentmemoryqueries"),
    _execution("AgentMemoryUpdate", "amu", _MEM),
    _execution("AgentRunMemoryImport", "armi", _MEM),
    _execution("AgentRunJournalEvent", "arje", _MEM),
    _execution("AuditEvent", "", _M),
)  # fmt: skip

KINDS: Mapping[str, Kind] = {kind.name: kind for kind in _KINDS}
"""All kinds by name."""

MODELS: Mapping[str, Kind] = {kind.name: kind for kind in _KINDS if kind.spec is not None}
"""Kinds that may be written in Git, by name."""
