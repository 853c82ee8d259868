"""``AgentToolProfile`` and ``AgentMcpServer``: what an agent may use."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from krate_gitops.resources.kinds.common import (
    Agreement,
    Keys,
    Name,
    NeededKeys,
    OrgSpec,
    Part,
    Status,
    Strings,
    Text,
    WebUrl,
)


class NativeTools(Part, frozen=True):
    """Tools that the agent itself brings."""

    shell: bool = False
    filesystem: bool = False
    browser: bool = False
    code_search: bool = False
    git: bool = False
    test_runner: bool = False
    package_manager: bool = False


Host = Annotated[
    str,
    Meta(
        pattern=r"^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*(:[0-9]{1,5})?$",
        max_length=255,
        description="Host; a star may stand for its first label.",
    ),
]


class NetworkPolicy(Part, frozen=True):
    """Which hosts may be reached; with ``deny`` the list is all there is."""

    default: Literal["deny", "repository-host-only", "unrestricted-with-approval"] = "deny"
    allow_hosts: tuple[Host, ...] = ()


Approval = Literal["allow", "allow-workspace", "prompt", "prompt-on-denied-or-privileged", "deny"]


class AgentToolProfileSpec(OrgSpec, frozen=True):
    """Tools, files, network and commands, and which of them a person is asked about."""

    filesystem_policy: Literal["no-fs", "read-only", "repo-write", "workspace-write"]
    approval_policy_by_tool: Annotated[
        dict[str, Approval], Meta(min_length=1, description="By class of tool; `prompt` for a class that isn't named.")
    ]
    native_tools: NativeTools = NativeTools()
    network_policy: NetworkPolicy = NetworkPolicy()
    allowed_commands: Annotated[
        Strings, Meta(description="Patterns. Empty, with a shell: only approved commands.")
    ] = ()
    denied_commands: Annotated[Strings, Meta(description="Patterns; they win over allowed ones.")] = ()
    required_roles: Strings = ()
    required_secret_refs: tuple[NeededKeys, ...] = ()
    required_config_refs: tuple[NeededKeys, ...] = ()
    audit_level: Literal["metadata", "inputs", "outputs", "full-redacted-transcript"] = "metadata"


class Health(Part, frozen=True):
    """How a server is probed."""

    path: str = "/"
    timeout_seconds: Annotated[int, Meta(ge=1, le=30)] = 3


class AgentMcpServerSpec(OrgSpec, frozen=True):
    """A server of tools: started as a command, or reached at a URL."""

    agreements = (
        Agreement(
            "command",
            "command is required with transport stdio",
            lambda spec: spec.transport != "stdio" or spec.command is not None,
            "self.transport != 'stdio' || has(self.command)",
        ),
        Agreement(
            "command",
            "command and args belong to transport stdio only",
            lambda spec: spec.transport == "stdio" or (spec.command is None and not spec.args),
            "self.transport == 'stdio' || (!has(self.command) && (!has(self.args) || size(self.args) == 0))",
        ),
        Agreement(
            "url",
            "url is required with a network transport",
            lambda spec: spec.transport == "stdio" or spec.url is not None,
            "self.transport == 'stdio' || has(self.url)",
        ),
        Agreement(
            "url",
            "url belongs to network transports only",
            lambda spec: spec.transport != "stdio" or spec.url is None,
            "self.transport != 'stdio' || !has(self.url)",
        ),
    )
    superseded = (
        ("endpoint", "url"),
        ("endpointUrl", "url"),
    )

    transport: Literal["stdio", "sse", "streamable-http"]
    scope: Annotated[
        Literal["global", "org", "repository", "stack", "dispatch"],
        Meta(description="`global` only from platform sources."),
    ]
    command: Text | None = None
    args: tuple[str, ...] = ()
    url: WebUrl | None = None
    enabled: bool = True
    lazy: Annotated[bool, Meta(description="Admits a server that wasn't probed.")] = False
    secret_refs: Annotated[tuple[Keys, ...], Meta(description="Each needs a grant.")] = ()
    config_map_refs: Annotated[tuple[Keys, ...], Meta(description="Each needs a grant.")] = ()
    env_from: tuple[Keys, ...] = ()
    headers_from: tuple[Keys, ...] = ()
    allowed_agent_stacks: Annotated[tuple[Name, ...], Meta(description="Empty: any stack of the org.")] = ()
    approval_policy: Literal["readonly-auto-write-prompt", "prompt", "deny"] = "prompt"
    health: Health = Health()


class AgentMcpServerStatus(Status, frozen=True):
    """What the last probe found."""

    health: Literal["Unknown", "Ready", "Degraded", "Denied", "Failed", "Disabled"] | None = None
    discovered_tools: Strings = ()
    last_probe_at: str | None = None
