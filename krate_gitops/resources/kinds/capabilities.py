"""``AgentSkill``, ``AgentSubagent`` and ``AgentContextLabel``: text and helpers that a stack takes in."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from krate_gitops.resources.kinds.common import (
    Agreement,
    BaseAgent,
    McpServerRef,
    Name,
    NeededKeys,
    OrgSpec,
    Part,
    Positive,
    Prompt,
    RelativePath,
    RequiredPrompt,
    ServiceAccountRef,
    SkillRef,
    Status,
    Strings,
    Text,
)

ReviewedAccountRef = Annotated[ServiceAccountRef, Meta(description="Needs a role binding and review.")]


class OutputContract(Part, frozen=True):
    """What an answer must look like."""

    format: Text | None = None
    required_sections: Strings = ()


class SkillSource(Part, frozen=True):
    """Where a skill's content stands: in a repository, or in the skill itself."""

    kind: Literal["repository", "inline"] = "repository"
    repository: Text | None = None
    path: RelativePath | None = None
    version: Text | None = None


class AgentSkillSpec(OrgSpec, frozen=True):
    """Instructions with what they need. They can't grant tools, roles, secrets, configs or approval mode."""

    agreements = (
        Agreement(
            "sourceRef",
            "format inline and sourceRef.kind inline belong together",
            lambda spec: (spec.format == "inline") == (spec.source_ref.kind == "inline"),
            "(self.format == 'inline') == (has(self.sourceRef.kind) && self.sourceRef.kind == 'inline')",
        ),
        Agreement(
            "promptFragment",
            "promptFragment is the content of an inline skill and required",
            lambda spec: spec.format != "inline" or bool(spec.prompt_fragment),
            "self.format != 'inline' || (has(self.promptFragment) && size(self.promptFragment) > 0)",
        ),
        Agreement(
            "sourceRef",
            "sourceRef needs repository and path, unless its kind is inline",
            lambda spec: spec.source_ref.kind == "inline" or bool(spec.source_ref.repository and spec.source_ref.path),
            "(has(self.sourceRef.kind) && self.sourceRef.kind == 'inline')"
            " || (has(self.sourceRef.repository) && has(self.sourceRef.path))",
        ),
    )
    superseded = (
        ("toolDeps", "requiredTools"),
        ("promptFragments", "promptFragment"),
    )

    format: Literal["file", "directory", "package", "inline"]
    source_ref: SkillSource
    description: str | None = None
    owner: Text | None = None
    version: Text | None = None
    prompt_fragment: Prompt | None = None
    required_tools: Strings = ()
    required_mcp_servers: tuple[McpServerRef, ...] = ()
    required_secret_refs: tuple[NeededKeys, ...] = ()
    required_config_refs: tuple[NeededKeys, ...] = ()
    compatible_base_agents: tuple[BaseAgent, ...] = ()
    task_kinds: Strings = ()
    allowed_agent_stacks: tuple[Name, ...] = ()
    output_contract: OutputContract | None = None


class AgentSubagentSpec(OrgSpec, frozen=True):
    """A helper of a stack, with at most what its parent has."""

    superseded = (("toolSubset", "toolRefs"),)

    role_prompt: RequiredPrompt
    task_kinds: Annotated[
        tuple[Literal["research", "implementation", "validation", "review", "triage", "release-check"], ...],
        Meta(min_length=1),
    ]
    description: str | None = None
    tool_refs: Strings = ()
    mcp_server_refs: tuple[McpServerRef, ...] = ()
    skill_refs: tuple[SkillRef, ...] = ()
    workspace_scope: Literal["no-workspace", "read-only", "branch-local", "isolated-worktree"] = "read-only"
    context_policy: Literal["summary-only", "selected-sources", "full-redacted", "artifact-only", "no-context"] = (
        "summary-only"
    )
    max_parallel_tasks: Positive = 1
    model_override: Text | None = None
    runtime_identity_override: (
        Annotated[ServiceAccountRef, Meta(description="Needs a role binding and review.")] | None
    ) = None
    output_contract: OutputContract | None = None
    approval_policy: Text | None = None


class AgentContextLabelSpec(OrgSpec, frozen=True):
    """Reviewed text that is added to a prompt, always visible in the preview."""

    superseded = (("promptFragments", "promptFragment"),)

    prompt_fragment: RequiredPrompt
    allowed_sources: Annotated[
        tuple[Literal["pipeline", "job", "pull-request", "issue", "repository-file", "webhook", "manual"], ...],
        Meta(min_length=1),
    ]
    requires_review: bool = True
    display_name: str | None = None
    owner: Text | None = None
    reviewed_by: Strings = ()
    allowed_agent_stacks: tuple[Name, ...] = ()
    allowed_repositories: Strings = ()


class AgentContextLabelStatus(Status, frozen=True):
    """The digest of the reviewed text, and whether it passed the patterns."""

    digest: str | None = None
    pattern_check: Literal["passed", "failed", "pending"] | None = None
