"""Values of the chart about what runs: image, processes, network, monitoring."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from krate_gitops.resources.kinds.common import Count, Duration, Part, Positive, Text
from krate_gitops.resources.package.agent_values import SecretName

Map = dict[str, Any]
Labels = dict[str, str]
Quantity = Annotated[str, Meta(pattern=r"^[0-9]+(\.[0-9]+)?([EPTGMk]i?|m)?$")]
Digest = Annotated[str, Meta(pattern="^(sha256:[0-9a-f]{64})?$", description="sha256 digest; wins over tag.")]


class Image(Part, frozen=True):
    """The image, as the Dockerfile at the top of the repository builds it. None is published under this name."""

    repository: Text = "krate-gitops"
    tag: Annotated[str, Meta(description="Empty for the version of the chart.")] = ""
    digest: Digest = ""
    pull_policy: Literal["IfNotPresent", "Always", "Never"] = "IfNotPresent"
    pull_secrets: tuple[SecretName, ...] = ()


def _resources(cpu: str, memory: str, limit: str) -> Any:
    """A field for requests, and a limit of memory; a limit of processor time would only make a pass slower."""
    amounts = {"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": limit}}
    return msgspec.field(default_factory=lambda: amounts)


class Controller(Part, frozen=True):
    """The process that applies config."""

    replicas: Annotated[Positive, Meta(description="One works, the others wait. More than one needs postgres.")] = 1
    resources: Map = _resources("100m", "256Mi", "1Gi")
    node_selector: Labels = msgspec.field(default_factory=dict)
    tolerations: tuple[Map, ...] = ()
    affinity: Map = msgspec.field(default_factory=dict)
    priority_class_name: str = ""
    pod_annotations: Labels = msgspec.field(default_factory=dict)
    pod_labels: Labels = msgspec.field(default_factory=dict)
    git_ca_secret: Annotated[
        SecretName, Meta(description="Secret with CA certificates (ca.crt) for Git hosts; empty for the system's.")
    ] = ""


class Web(Part, frozen=True):
    """HTTP API and pages. krate-gitops serve is not part of this version; leave it off."""

    enabled: bool = False
    replicas: Positive = 1
    resources: Map = _resources("50m", "128Mi", "512Mi")


class RecordStorage(Part, frozen=True):
    """The volume for records where postgres is off; records can't be made again."""

    enabled: Annotated[bool, Meta(description="Off loses records and audit log with the pod: for trials only.")] = True
    size: Quantity = "2Gi"
    storage_class_name: Annotated[str, Meta(description="Empty for the cluster's default.")] = ""


class RbacValues(Part, frozen=True):
    """Roles and bindings."""

    create: bool = True


class ServiceAccountValues(Part, frozen=True):
    """Identities of the processes."""

    create: bool = True
    name: Annotated[str, Meta(description="Of the controller; empty for the name of the release and -controller.")] = ""
    annotations: Labels = msgspec.field(default_factory=dict)


class EgressRule(Part, frozen=True):
    """One egress rule of a NetworkPolicy. Both lists must say something, so that no rule opens everything."""

    to: Annotated[tuple[Map, ...], Meta(min_length=1)]
    ports: Annotated[tuple[Map, ...], Meta(min_length=1)]


_DNS = EgressRule(
    to=({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}},),
    ports=({"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}),
)
_PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
_API_SERVER = EgressRule(
    to=tuple({"ipBlock": {"cidr": block}} for block in _PRIVATE),
    ports=({"protocol": "TCP", "port": 443}, {"protocol": "TCP", "port": 6443}),
)


class NetworkPolicyValues(Part, frozen=True):
    """Everything not listed here is refused. Rules are those of NetworkPolicy: to and ports."""

    enabled: bool = True
    dns_egress: tuple[EgressRule, ...] = (_DNS,)
    api_server_egress: Annotated[
        tuple[EgressRule, ...],
        Meta(description="Private addresses, on the two usual ports; write the API server's own address here."),
    ] = (_API_SERVER,)
    git_egress: Annotated[tuple[EgressRule, ...], Meta(description="Git hosts. Empty: nothing can be fetched.")] = ()
    agent_mux_egress: tuple[EgressRule, ...] = ()
    mcp_egress: tuple[EgressRule, ...] = ()
    store_egress: Annotated[tuple[EgressRule, ...], Meta(description="PostgreSQL and object storage.")] = ()
    metrics_ingress: Annotated[
        tuple[Map, ...], Meta(description="Peers that may read /metrics, as in a NetworkPolicy.")
    ] = ()
    web_ingress: Annotated[tuple[Map, ...], Meta(description="Peers that may reach the HTTP API.")] = ()


class PodDisruptionBudgetValues(Part, frozen=True):
    """How many pods may be away at once when nodes are drained."""

    enabled: bool = True
    max_unavailable: Positive = 1


class ServiceMonitorValues(Part, frozen=True):
    """Needs the Prometheus operator."""

    enabled: bool = False
    interval: Duration = "30s"
    labels: Labels = msgspec.field(default_factory=dict)


class AlertThresholds(Part, frozen=True):
    """When alerts fire."""

    gateway_down_for: Duration = "5m"
    queue_wait_seconds: Count = 300
    approvals_pending: Count = 20
    adapter_rejections: Count = 3
    source_stale_seconds: Annotated[Count, Meta(description="At least four intervals of the slowest source.")] = 1800
    index_age_seconds: Count = 3600


class Alerts(Part, frozen=True):
    """Alerts AL-01 to AL-18 as a PrometheusRule. Needs the Prometheus operator."""

    enabled: bool = False
    labels: Labels = msgspec.field(default_factory=dict)
    thresholds: AlertThresholds = AlertThresholds()


class Monitoring(Part, frozen=True):
    """Metrics and alerts."""

    service_monitor: ServiceMonitorValues = ServiceMonitorValues()
    alerts: Alerts = Alerts()


class Store(Part, frozen=True):
    """A service that is there already."""

    enabled: bool = False
    existing_secret: SecretName = ""


class ExternalDependencies(Part, frozen=True):
    """Services that this chart doesn't install."""

    postgres: Annotated[Store, Meta(description="Record store. The Secret has the key url.")] = Store()
    object_storage: Annotated[
        Store, Meta(description="The Secret has the keys endpoint, bucket, accessKeyId and secretAccessKey.")
    ] = Store()


class ArgoCd(Part, frozen=True):
    """An Argo CD Application that keeps this chart applied. It never manages what sources apply."""

    enabled: bool = False
    namespace: Text = "argocd"
    project: Text = "default"
    repo_url: Annotated[str, Meta(description="Repository with this chart.")] = ""
    target_revision: Text = "main"
    path: Text = "charts/krate-gitops"
