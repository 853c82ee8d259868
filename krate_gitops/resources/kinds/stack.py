"""``AgentStack``: everything an agent is started with."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta

from krate_gitops.resources.kinds.common import (
    BaseAgent,
    ConfigGrantRef,
    ContextLabelRef,
    Count,
    McpServerRef,
    MemoryRepositoryRef,
    OrgSpec,
    Part,
    Prompt,
    RelativePath,
    RoleBindingRef,
    SecretGrantRef,
    ServiceAccountRef,
    SkillRef,
    Status,
    Strings,
    SubagentRef,
    Text,
    ToolProfileRef,
    WorkspacePolicyRef,
    WriteBackTarget,
)


class Prompts(Part, frozen=True):
    """Prompt layers; redacted before a snapshot."""

    system: Prompt = ""
    developer: Prompt = ""
    task: Prompt = ""


class AgentsDoc(Part, frozen=True):
    """Where in the repository instructions for agents stand."""

    source: Literal["repository"]
    path: RelativePath


class RuntimeIdentity(Part, frozen=True):
    """As whom the agent runs."""

    service_account_ref: ServiceAccountRef


class StackMemory(Part, frozen=True):
    """How dispatches of the stack use memory."""

    required: Annotated[bool, Meta(description="Dispatch blocks without memory.")] = False
    current_only: Annotated[bool, Meta(description="Refuses refs of the past.")] = False


class PermissionRefs(Part, frozen=True):
    """Bindings and grants that must exist and be Ready."""

    role_bindings: tuple[RoleBindingRef, ...] = ()
    secret_grants: tuple[SecretGrantRef, ...] = ()
    config_grants: tuple[ConfigGrantRef, ...] = ()


class SecretPolicy(Part, frozen=True):
    """What the stack may do with Secrets beyond its grants: only less."""

    allow_on_forks: bool = False
    allowed_secret_refs: Annotated[Strings, Meta(description="Empty: no further filter.")] = ()


class WriteBackPolicy(Part, frozen=True):
    """Where the agent may write, and whether a person decides first."""

    require_approval: bool = True
    allowed_targets: tuple[WriteBackTarget, ...] = ()


class Budget(Part, frozen=True):
    """Unlimited where nothing is said; going over it fails the run."""

    max_tokens: Count | None = None
    max_cost_usd: Annotated[float, Meta(ge=0)] | None = None


class AgentStackSpec(OrgSpec, frozen=True):
    """One agent as it is dispatched: adapter, prompts, capabilities, identity, limits."""

    superseded = (
        ("toolPolicy", "toolProfileRef"),
        ("toolPolicyRef", "toolProfileRef"),
        ("workspacePolicy", "workspacePolicyRef"),
        ("promptFragments", "contextLabelRefs"),
    )

    base_agent: BaseAgent
    adapter: Annotated[str, Meta(min_length=1, description="Agent Mux adapter or gateway route.")]
    runtime_identity: RuntimeIdentity
    display_name: str | None = None
    provider: Text | None = None
    model: Text | None = None
    prompt: Prompts = Prompts()
    agents_doc_ref: AgentsDoc | None = None
    approval_mode: Annotated[Literal["prompt", "deny", "yolo"], Meta(description="`deny` refuses every dispatch.")] = (
        "prompt"
    )
    tool_profile_ref: ToolProfileRef | None = None
    mcp_server_refs: tuple[McpServerRef, ...] = ()
    skill_refs: tuple[SkillRef, ...] = ()
    subagent_refs: tuple[SubagentRef, ...] = ()
    context_label_refs: tuple[ContextLabelRef, ...] = ()
    memory_repository_refs: tuple[MemoryRepositoryRef, ...] = ()
    memory_snapshot_ref: Annotated[Text, Meta(description="Pins memory for all dispatches.")] | None = None
    memory: StackMemory = StackMemory()
    workspace_policy_ref: WorkspacePolicyRef | None = None
    runner_pool: Annotated[Text, Meta(description="The installation's default pool without it.")] | None = None
    task_kind: Text = "diagnostic"
    allowed_commands: Annotated[Strings, Meta(description="May only narrow the tool profile.")] = ()
    denied_commands: Strings = ()
    permission_refs: PermissionRefs = PermissionRefs()
    secret_policy: SecretPolicy = SecretPolicy()
    write_back_policy: WriteBackPolicy = WriteBackPolicy()
    budget: Budget = Budget()


class AgentStackStatus(Status, frozen=True):
    """What the stack controller found."""

    capabilities: dict[str, Any] | None = None
    validation: Literal["valid", "warning", "invalid"] | None = None
    permission_decision: str | None = None
    capability_requirement_ref: str | None = None
