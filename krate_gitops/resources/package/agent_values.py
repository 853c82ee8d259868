"""Values of the chart under ``agents``: everything about dispatching agents, off unless an operator turns it on."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from krate_gitops.resources.kinds.common import Part, Positive, Text

ApprovalMode = Literal["prompt", "deny", "yolo"]
SecretName = Annotated[str, Meta(max_length=253, pattern=r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$")]
GatewayUrl = Annotated[
    str, Meta(pattern=r"^(https?://[^/?#@\s]+([/?#]\S*)?)?$", description="URL of the gateway, without credentials.")
]
Days = Annotated[int, Meta(ge=1, le=36_500)]


class AgentMux(Part, frozen=True):
    """The gateway that runs sessions. Without it agents are shown as degraded."""

    enabled: bool = False
    gateway_url: GatewayUrl = ""
    existing_secret: Annotated[SecretName, Meta(description="Secret with the key token.")] = ""
    stream_timeout_seconds: Positive = 300
    launch_deadline_seconds: Positive = 900


class AgentDefaults(Part, frozen=True):
    """What a stack uses that names nothing else."""

    runner_pool: Text = "untrusted-linux"
    runtime_service_account: Annotated[str, Meta(description="An AgentServiceAccount; empty for none.")] = ""
    workspace_policy: Text = "isolated-worktree-default"
    approval_mode: ApprovalMode = "prompt"
    queue_timeout_seconds: Positive = 3600


class Retention(Part, frozen=True):
    """How long records are kept."""

    dispatch_runs_days: Days = 90
    transcripts_days: Days = 30
    context_bundles_days: Days = 30
    artifacts_days: Days = 180
    audit_days: Days = 365


class AgentPermissions(Part, frozen=True):
    """What the controller may do about native RBAC."""

    manage_native_rbac: Annotated[
        bool,
        Meta(
            description="Lets the controller write ServiceAccounts, Roles, RoleBindings and organizations' namespaces."
        ),
    ] = True
    allow_cluster_role_bindings: bool = False
    require_bind_escalate_review: bool = True
    allowed_approval_modes: tuple[ApprovalMode, ...] = ("prompt", "deny")


class AgentSecrets(Part, frozen=True):
    """What the controller may see of Secrets and ConfigMaps."""

    enable_grant_management: Annotated[
        bool, Meta(description="Lets the controller look at Secrets and ConfigMaps of namespaces it is bound in.")
    ] = True
    allow_ui_secret_creation: bool = False
    show_config_map_values: bool = False


class FeatureGates(Part, frozen=True):
    """Each needs agents.enabled; triggerRules and writeBackApprovals need manualDispatch too."""

    manual_dispatch: bool = False
    trigger_rules: bool = False
    write_back_approvals: bool = False
    workspace_lifecycle: bool = False
    subagent_telemetry: bool = False


class Agents(Part, frozen=True):
    """Dispatching agents."""

    enabled: bool = False
    execution_store: Annotated[
        Literal["records", "crd"],
        Meta(description="Where runs are recorded. crd has no definitions yet and is refused."),
    ] = "records"
    agent_mux: AgentMux = AgentMux()
    defaults: AgentDefaults = AgentDefaults()
    retention: Retention = Retention()
    permissions: AgentPermissions = AgentPermissions()
    secrets: AgentSecrets = AgentSecrets()
    feature_gates: FeatureGates = FeatureGates()
