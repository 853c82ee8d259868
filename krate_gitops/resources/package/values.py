"""The values of the chart. ``values.yaml``, its schema and the reference in the docs are written from them."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from krate_gitops.resources.kinds.common import NAME_PATTERN, Count, Duration, Name, Part, Positive
from krate_gitops.resources.kinds.gitops import GitOpsSourceSpec
from krate_gitops.resources.package import workload_values as workload
from krate_gitops.resources.package.agent_values import Agents, SecretName

Prefix = Annotated[str, Meta(pattern=f"{NAME_PATTERN}|^$", description="Empty for the usual one.")]


class PlatformSource(Part, frozen=True):
    """A GitOpsSource of the platform: its name, and its spec."""

    name: Name
    spec: GitOpsSourceSpec


class Writer(Part, frozen=True):
    """Commits edits of config to Git."""

    enabled: bool = True
    committer_name: str = "krate"
    committer_email: str = ""


class Cache(Part, frozen=True):
    """Mirrors and indexes, which can be made again."""

    size_limit: workload.Quantity = "2Gi"


class GitOps(Part, frozen=True):
    """Applying config repositories."""

    enabled: bool = True
    platform_namespace: Annotated[
        Name,
        Meta(description="Where everything of this chart goes. The lease lies in krate-system: leave it for now."),
    ] = "krate-system"
    workers: Annotated[Positive, Meta(description="Passes at the same time.")] = 4
    default_interval: Annotated[Duration, Meta(description="Interval of sources that set none.")] = "5m"
    sources: Annotated[
        tuple[PlatformSource, ...],
        Meta(description="Sources of the platform: items of name and spec, as of a GitOpsSource."),
    ] = ()
    organization_namespaces: Annotated[
        tuple[Name, ...],
        Meta(description="Existing namespaces of organizations that get the account of their sources from this chart."),
    ] = ()
    writer: Writer = Writer()
    cache: Cache = Cache()


class Memory(Part, frozen=True):
    """Company brains."""

    enabled: bool = False
    index_max_age_seconds: Count = 3600


class Audit(Part, frozen=True):
    """The audit log."""

    existing_secret: Annotated[SecretName, Meta(description="Secret with the key signing-key.")] = ""
    segment_records: Positive = 10_000


class ChartValues(Part, frozen=True):
    """Values of the chart krate-gitops."""

    agents: Agents = Agents()
    gitops: GitOps = msgspec.field(name="gitops", default=GitOps())
    memory: Memory = Memory()
    audit: Audit = Audit()
    rbac: workload.RbacValues = workload.RbacValues()
    service_account: workload.ServiceAccountValues = workload.ServiceAccountValues()
    network_policy: workload.NetworkPolicyValues = workload.NetworkPolicyValues()
    external_dependencies: workload.ExternalDependencies = workload.ExternalDependencies()
    image: workload.Image = workload.Image()
    controller: workload.Controller = workload.Controller()
    web: workload.Web = workload.Web()
    records: workload.RecordStorage = workload.RecordStorage()
    pod_disruption_budget: workload.PodDisruptionBudgetValues = workload.PodDisruptionBudgetValues()
    monitoring: workload.Monitoring = workload.Monitoring()
    argo_cd: workload.ArgoCd = workload.ArgoCd()
    demo_mode: Annotated[
        bool, Meta(description="Trials without a record store that outlives the pod. Never in production.")
    ] = False
    name_override: Prefix = ""
    fullname_override: Prefix = ""
    global_: Annotated[dict[str, Any], Meta(description="Handed down by a parent chart; nothing here reads it.")] = (
        msgspec.field(name="global", default_factory=dict)
    )
