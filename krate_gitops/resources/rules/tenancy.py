"""Rules about organizations: whose an object is, where it lies, and what it may reach."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from krate_gitops.brain.timestamps import epoch_seconds, normalise_timestamp
from krate_gitops.resources.context import PLATFORM_NAMESPACE
from krate_gitops.resources.kinds.common import GROUP
from krate_gitops.resources.kinds.grants import AgentConfigGrantSpec, AgentSecretGrantSpec, GrantTarget
from krate_gitops.resources.kinds.inventory import Author
from krate_gitops.resources.kinds.tenancy import OrganizationSpec, OrgNamespaceBindingSpec, OrgSharingPolicySpec
from krate_gitops.resources.kinds.tools import AgentMcpServerSpec
from krate_gitops.resources.manifest import Issue, Manifest, issue_of, site_of
from krate_gitops.resources.world import Resource, World, organization_of

_MOST_SLUG = 53


def other_organization(world: World) -> Iterator[Issue]:
    """KR102: an object belongs to the organization of its source. The other one isn't named."""
    own = world.context.organization
    for one, _ in world.modelled:
        stated = one.spec.get("organizationRef")
        if own is not None and isinstance(stated, str) and stated and stated != own:
            message = "organizationRef is not the organization of this source"
            yield issue_of(one, "KR102", message, "spec.organizationRef")


def other_namespace(world: World) -> Iterator[Issue]:
    """KR103: an object lies in the namespace of its organization."""
    for one in (*(one for one, _ in world.modelled), *world.natives):
        stated, expected = one.metadata.get("namespace"), world.expected_namespace(one)
        if isinstance(stated, str) and expected and stated != expected and world.is_own(one):
            yield issue_of(one, "KR103", f"the namespace must be {expected}", "metadata.namespace")


def contradicting_labels(world: World) -> Iterator[Issue]:
    """KR104: labels of organization and namespace say what the object says."""
    found = [(one, kind.scoped) for one, kind in world.modelled] + [(one, True) for one in world.natives]
    for one, is_scoped in found:
        labels = one.metadata.get("labels")
        if not isinstance(labels, dict) or not world.is_own(one):
            continue
        organization = organization_of(one) or (world.context.organization or "" if is_scoped else "")
        for key, expected in (("org", organization), ("namespace", world.expected_namespace(one))):
            label = f"{GROUP}/{key}"
            if expected and isinstance(labels.get(label), str) and labels[label] != expected:
                yield issue_of(one, "KR104", f"the label must be {expected}", f"metadata.labels.{label}")


def long_slug(world: World) -> Iterator[Issue]:
    """KR105, where the slug is the name of the organization."""
    for one, _ in world.modelled:
        if one.kind == "Organization" and "slug" not in one.spec and len(one.name) > _MOST_SLUG:
            yield issue_of(one, "KR105", f"a slug has at most {_MOST_SLUG} characters", "metadata.name")


def bindings(world: World) -> Iterator[Issue]:
    """KR106: an organization has exactly one binding."""
    bound: dict[str, list[Manifest]] = defaultdict(list)
    for binding in world.known(OrgNamespaceBindingSpec):
        bound[binding.spec.organization_ref].append(binding.manifest)
    for one in world.of(OrganizationSpec):
        found = bound.get(one.organization, [])
        if len(found) != 1:
            message = "no OrgNamespaceBinding names this organization"
            if found:
                message = f"{len(found)} OrgNamespaceBindings name this organization"
            related = tuple((site_of(other, "spec.organizationRef"), "a binding") for other in found)
            yield issue_of(one.manifest, "KR106", message, "metadata.name", related=related)


def bound_twice(world: World) -> Iterator[Issue]:
    """KR107: a namespace is bound to one organization."""
    first: dict[str, tuple[str, Manifest]] = {}
    for one in world.of(OrgNamespaceBindingSpec):
        namespace = one.spec.namespace or world.namespace_of(one.spec.organization_ref)
        organization, manifest = first.setdefault(namespace, (one.spec.organization_ref, one.manifest))
        if organization != one.spec.organization_ref:
            related = ((site_of(manifest), "bound here"),)
            message = "the namespace is bound to another organization"
            yield issue_of(one.manifest, "KR107", message, "spec.namespace", related=related)


def expired_sharing(world: World) -> Iterator[Issue]:
    """KR109: a sharing policy has not expired."""
    for one in world.of(OrgSharingPolicySpec):
        if not is_effective(one.spec, world.context.now):
            until = "the policy has expired" if _is_time(one.spec.expires_at) else "expiresAt is no time"
            yield issue_of(one.manifest, "KR109", until, "spec.expiresAt")


def is_effective(policy: OrgSharingPolicySpec, now: int) -> bool:
    """Whether a policy lasts, as far as files say; its approval is not in them."""
    normal = normalise_timestamp(policy.expires_at)
    return normal is not None and epoch_seconds(normal) > now


def _is_time(text: str) -> bool:
    return normalise_timestamp(text) is not None


def platform_kind(world: World) -> Iterator[Issue]:
    """KR110: platform kinds come from platform sources."""
    for one, kind in world.modelled:
        if world.context.organization is not None and kind.author is Author.PLATFORM:
            yield issue_of(one, "KR110", f"{one.kind} is written in platform sources only", "kind")


def global_server(world: World) -> Iterator[Issue]:
    """KR021, where it hangs on the source: servers for everybody come from platform sources."""
    for one in world.of(AgentMcpServerSpec):
        if one.spec.scope == "global" and world.context.organization is not None:
            yield issue_of(one.manifest, "KR021", "scope global is for platform sources", "spec.scope")


def foreign_targets(world: World) -> Iterator[Issue]:
    """KR111: Secrets and ConfigMaps are those of the org namespace, and aren't shared."""
    targets: list[tuple[Resource[Any], str, GrantTarget]] = [
        *((one, "secretRef", one.spec.secret_ref) for one in world.of(AgentSecretGrantSpec)),
        *((one, "configMapRef", one.spec.config_map_ref) for one in world.of(AgentConfigGrantSpec)),
    ]
    for grant, field, target in targets:
        if target.namespace and target.namespace != world.namespace_of(grant.organization):
            message = "the namespace is not that of the organization"
            yield issue_of(grant.manifest, "KR111", message, f"spec.{field}.namespace")
    for policy in world.of(OrgSharingPolicySpec):
        for at, shared in enumerate(policy.spec.allowed_refs):
            if shared.kind in ("Secret", "ConfigMap"):
                message = f"a {shared.kind} can't be shared"
                yield issue_of(policy.manifest, "KR111", message, f"spec.allowedRefs[{at}].kind")


def reserved_namespace(world: World) -> Iterator[Issue]:
    """KR112: no organization gets a namespace of Kubernetes or of the platform."""
    named = [(one.manifest, "spec.namespaceName", one.spec.namespace_name) for one in world.of(OrganizationSpec)]
    named += [(one.manifest, "spec.namespace", one.spec.namespace) for one in world.of(OrgNamespaceBindingSpec)]
    for manifest, field, namespace in named:
        reserved = ("default", PLATFORM_NAMESPACE, world.context.platform_namespace)
        if namespace and (namespace in reserved or namespace.startswith("kube-")):
            yield issue_of(manifest, "KR112", "this namespace is reserved", field)
