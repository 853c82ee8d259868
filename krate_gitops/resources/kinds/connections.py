"""Adapters, transports, providers and gateways: how agents are reached."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, field

from krate_gitops.resources.kinds.common import Count, Duration, Keys, OrgSpec, Part, Positive, Text, WebUrl, ref

AdapterRef = Annotated[str, ref("AgentAdapter")]


class AgentAdapterSpec(OrgSpec, frozen=True):
    """A way to run an agent."""

    adapter_type: Literal["subprocess", "remote", "programmatic"]
    transport: Literal["http", "websocket", "unix", "stdio"]
    capabilities: dict[str, Any] = field(default_factory=dict)
    auth_type: Text | None = None
    installation_method: Text | None = None
    health_endpoint: Text | None = None


class HealthCheck(Part, frozen=True):
    """How a binding is probed."""

    interval: Duration | None = None
    timeout: Duration | None = None
    path: Text | None = None


class ReconnectPolicy(Part, frozen=True):
    """How often and how fast a connection is tried again."""

    max_retries: Count | None = None
    backoff_ms: Count | None = None


class AgentTransportBindingSpec(OrgSpec, frozen=True):
    """An adapter at an endpoint."""

    adapter_ref: AdapterRef
    endpoint: Text
    protocol: Literal["http", "websocket", "grpc", "unix"]
    auth_secret_ref: Text | None = None
    health_check: HealthCheck | None = None
    reconnect_policy: ReconnectPolicy | None = None
    tls: dict[str, Any] | None = None


class RateLimits(Part, frozen=True):
    """What a provider allows."""

    requests_per_minute: Positive | None = None
    tokens_per_minute: Positive | None = None


class AgentProviderConfigSpec(OrgSpec, frozen=True):
    """A provider of models; its credentials by name only."""

    provider: Text
    auth_type: Literal["token", "oauth", "none"]
    api_base: WebUrl | None = None
    default_model: Text | None = None
    model_translations: dict[str, str] = field(default_factory=dict)
    rate_limits: RateLimits | None = None
    secret_ref: Keys | None = None


class FeatureFlags(Part, frozen=True):
    """What the gateway is used for."""

    streaming: bool = True
    reconnect: bool = True
    health_check: bool = True


class ConnectionPool(Part, frozen=True):
    """How many connections are kept, and how long one is waited for."""

    max_connections: Positive = 10
    timeout_ms: Positive = 30_000


class AgentGatewayConfigSpec(OrgSpec, frozen=True):
    """The gateway of an organization, in place of the installation's."""

    gateway_url: Annotated[
        str,
        Meta(pattern=r"^(https?|wss?)://[^/?#@\s]+([/?#]\S*)?$", description="http(s) or ws(s), without credentials."),
    ]
    auth_secret_ref: Text | None = None
    reconnect_policy: ReconnectPolicy | None = None
    feature_flags: FeatureFlags = FeatureFlags()
    connection_pool: ConnectionPool = ConnectionPool()
    tls: dict[str, Any] | None = None
