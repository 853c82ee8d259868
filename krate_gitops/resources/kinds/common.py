"""What the models of all kinds are made of: names, references, texts, conditions, status.

A model is a frozen struct whose annotations say everything that its CRD, its JSON Schema and the validation need:
types, enums, bounds, defaults, and in ``Meta.extra`` what JSON Schema has no word for: which kind a text refers to
(``ref``), how many UTF-8 bytes it may have (``maxBytes``), and rules of their own for a value that is ``missing`` or
``bad``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

import msgspec
from msgspec import Meta

GROUP, VERSION = "krate.a5c.ai", "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"

NAME_PATTERN = "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
"""A DNS-1123 label of 1 to 63 characters: names are reused as values of labels."""
_REFERENCE = "^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?/)?[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
_PROMPT_BYTES = 65_536


class Agreement(NamedTuple):
    """What must hold between the fields of a part: in Python for validation, in CEL for the API server.

    ``cel`` is empty where the expression language can't say it. ``field`` is where a breach is shown, below the part.
    """

    field: str
    message: str
    holds: Callable[[Any], bool]
    cel: str = ""
    code: str = "KR021"


class Part(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """An object within a spec. Subclasses take over how fields are named and that unknown ones are refused."""

    agreements: ClassVar[tuple[Agreement, ...]] = ()
    superseded: ClassVar[tuple[tuple[str, str], ...]] = ()
    """Field names of earlier designs, and what is written in their place (KR020)."""
    one_of: ClassVar[tuple[str, ...]] = ()
    """Fields of which at least one must be there."""
    kept: ClassVar[tuple[str, ...]] = ()
    """Fields that can't be changed once they are there; only the API server sees both values."""


OrganizationRef = Annotated[
    str,
    Meta(
        pattern=NAME_PATTERN,
        max_length=53,
        extra={"missing": "KR101", "bad": "KR105"},
        description="Slug of the organization.",
    ),
]


class OrgSpec(Part, frozen=True):
    """The spec of a kind that belongs to an organization."""

    organization_ref: OrganizationRef


def ref(kind: str) -> Meta:
    """A reference by name to an object of ``kind`` in the same organization.

    ``org/name`` parses too, so that a reference into another organization is refused as such and not as a bad name.
    """
    return Meta(pattern=_REFERENCE, extra={"ref": kind}, description=f"Name of an {kind}.")


Name = Annotated[str, Meta(pattern=NAME_PATTERN)]
Text = Annotated[str, Meta(min_length=1)]
Strings = tuple[Text, ...]
Prompt = Annotated[
    str, Meta(max_length=_PROMPT_BYTES, extra={"maxBytes": _PROMPT_BYTES}, description="At most 64 KiB of UTF-8.")
]
RequiredPrompt = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=_PROMPT_BYTES,
        extra={"maxBytes": _PROMPT_BYTES},
        description="At most 64 KiB of UTF-8.",
    ),
]
RelativePath = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=4096,
        pattern=r"^([^/.\\]|\.[^/.\\]|\.\.[^/\\])[^/\\]*(/([^/.\\]|\.[^/.\\]|\.\.[^/\\])[^/\\]*)*/?$|^\.$",
        description="Relative path without `..`.",
    ),
]
Duration = Annotated[str, Meta(pattern="^([0-9]+(ms|s|m|h|d))+$", description="Duration such as 30s, 5m or 12h.")]
WebUrl = Annotated[
    str, Meta(pattern=r"^https?://[^/?#@\s]+([/?#]\S*)?$", description="http or https URL without credentials.")
]
Positive = Annotated[int, Meta(ge=1)]
Count = Annotated[int, Meta(ge=0)]

ServiceAccountRef = Annotated[str, ref("AgentServiceAccount")]
StackRef = Annotated[str, ref("AgentStack")]
ToolProfileRef = Annotated[str, ref("AgentToolProfile")]
McpServerRef = Annotated[str, ref("AgentMcpServer")]
SkillRef = Annotated[str, ref("AgentSkill")]
SubagentRef = Annotated[str, ref("AgentSubagent")]
ContextLabelRef = Annotated[str, ref("AgentContextLabel")]
MemoryRepositoryRef = Annotated[str, ref("AgentMemoryRepository")]
WorkspacePolicyRef = Annotated[str, ref("AgentWorkspacePolicy")]
RoleBindingRef = Annotated[str, ref("AgentRoleBinding")]
SecretGrantRef = Annotated[str, ref("AgentSecretGrant")]
ConfigGrantRef = Annotated[str, ref("AgentConfigGrant")]
DefinitionRef = Annotated[str, ref("AgentDefinition")]
TriggerRuleRef = Annotated[str, ref("AgentTriggerRule")]

WriteBackTarget = Literal[
    "issue-comment",
    "pull-request-comment",
    "pull-request-review",
    "pull-request-open",
    "branch-create",
    "branch-push",
    "check-rerun",
    "workflow-rerun",
    "release-report",
    "deployment-approval",
]
BaseAgent = Literal["claude-code", "codex", "gemini", "opencode", "babysitter", "agent-mux-remote", "external"]


class Keys(Part, frozen=True):
    """A native Secret or ConfigMap of the org namespace, and keys in it; never a value."""

    name: Annotated[str, Meta(min_length=1, max_length=253)]
    keys: Strings = ()


class NeededKeys(Keys, frozen=True):
    """Keys with what they are for; by default what the kind of their owner uses keys for."""

    purpose: Text | None = None


class ConditionStatus(Part, frozen=True):
    """One observed condition, as every Kubernetes tool knows it."""

    type: Text
    status: Literal["True", "False", "Unknown"]
    reason: str | None = None
    message: Annotated[str, Meta(max_length=1024)] | None = None
    observed_generation: Count | None = None
    last_transition_time: str | None = None


Phase = Literal["Pending", "Ready", "Blocked", "Error"]


class Status(Part, frozen=True):
    """Observed state; only controllers write it."""

    phase: Phase | None = None
    storage: Literal["etcd", "postgres", "postgres+object"] | None = None
    observed_generation: Count | None = None
    conditions: tuple[ConditionStatus, ...] = ()
