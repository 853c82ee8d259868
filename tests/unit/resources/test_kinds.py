"""The inventory against the registry of kinds, written out here once more on purpose."""

from __future__ import annotations

import pytest

from krate_gitops.resources.kinds.inventory import KINDS, MODELS, Author
from krate_gitops.resources.shapes import shape_of

REQUIRED = {
    "AgentStack": ("baseAgent", "adapter", "runtimeIdentity"),
    "AgentToolProfile": ("filesystemPolicy", "approvalPolicyByTool"),
    "AgentServiceAccount": ("namespace", "serviceAccountName"),
    "AgentRoleBinding": ("subject", "roleRef", "scope"),
    "AgentSecretGrant": ("subject", "secretRef", "purpose"),
    "AgentConfigGrant": ("subject", "configMapRef", "purpose"),
    "AgentMcpServer": ("transport", "scope"),
    "AgentSkill": ("format", "sourceRef"),
    "AgentSubagent": ("rolePrompt", "taskKinds"),
    "AgentContextLabel": ("promptFragment", "allowedSources"),
    "AgentTriggerRule": ("sources", "taskKind"),
    "AgentWorkspacePolicy": ("mode", "retentionPolicy"),
    "AgentAdapter": ("adapterType", "transport"),
    "AgentTransportBinding": ("adapterRef", "endpoint", "protocol"),
    "AgentProviderConfig": ("provider", "authType"),
    "AgentGatewayConfig": ("gatewayUrl",),
    "AgentPersona": ("displayName",),
    "AgentSoul": ("content",),
    "AgentAppearance": (),
    "AgentVoiceProfile": ("ttsProvider",),
    "AgentDefinition": ("personaRef", "stackRef"),
    "AgentMemoryRepository": ("repositoryRef", "defaultBranch", "layoutProfile"),
    "AgentMemorySource": ("repositoryRef", "appliesTo", "include"),
    "AgentMemoryOntology": ("memoryRepository", "ontologyPath"),
    "AgentMemoryAssociation": ("memoryRepository", "memoryRef", "targetRef", "relationship"),
}
"""Required fields of the kinds of an organization, beside organizationRef."""

DEFAULTS = {
    ("AgentStack", "approvalMode"): "prompt",
    ("AgentStack", "taskKind"): "diagnostic",
    ("AgentToolProfile", "auditLevel"): "metadata",
    ("AgentServiceAccount", "tokenAudience"): "krate-agent-dispatch",
    ("AgentServiceAccount", "tokenExpirationSeconds"): 3600,
    ("AgentSecretGrant", "mountPolicy"): "never-mount-pass-by-reference",
    ("AgentConfigGrant", "mountPolicy"): "file",
    ("AgentSubagent", "maxParallelTasks"): 1,
    ("AgentTriggerRule", "lifecycleState"): "draft",
    ("AgentWorkspacePolicy", "defaultCapacity"): "10Gi",
    ("AgentMemoryRepository", "rootPath"): ".company-brain",
    ("GitOpsSource", "interval"): "5m",
}


@pytest.mark.parametrize(("name", "fields"), REQUIRED.items(), ids=list(REQUIRED))
def test_required_fields_are_those_of_the_registry(name: str, fields: tuple[str, ...]) -> None:
    assert {"organizationRef", *fields} == set(MODELS[name].required)


def test_every_kind_of_an_organization_is_in_the_registry() -> None:
    assert {kind.name for kind in MODELS.values() if kind.author is Author.GIT} == set(REQUIRED)


@pytest.mark.parametrize(("place", "value"), DEFAULTS.items(), ids=[".".join(place) for place in DEFAULTS])
def test_defaults_are_those_of_the_registry(place: tuple[str, str], value: object) -> None:
    kind = MODELS[place[0]]
    assert kind.spec is not None
    assert shape_of(kind.spec).fields[place[1]].default == value


def test_names_are_unique_among_all_kinds() -> None:
    names = [name for kind in KINDS.values() for name in (kind.name.lower(), kind.plural, *kind.short)]
    assert len(names) == len(set(names))


def test_a_record_of_execution_has_no_model_and_no_definition() -> None:
    for kind in KINDS.values():
        assert (kind.author is Author.CONTROLLER) == (kind.spec is None) == (kind.crd == "")
