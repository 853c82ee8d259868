"""Rules about references: they stay in the organization, and lead to an object.

Every reference of every kind is found through the models, so a new field with a reference is checked without a new
rule. What isn't among the files may be in the cluster: that blocks readiness, not the revision.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from krate_gitops.resources.kinds.inventory import Kind
from krate_gitops.resources.kinds.tenancy import OrgSharingPolicySpec
from krate_gitops.resources.manifest import Issue, Manifest, issue_of
from krate_gitops.resources.rules.tenancy import is_effective
from krate_gitops.resources.shapes import shape_of
from krate_gitops.resources.structure import references
from krate_gitops.resources.world import World, organization_of

_CODES: Mapping[str, str] = {
    "AgentMemoryRepository": "KR213",
    "AgentServiceAccount": "KR305",
    "AgentRoleBinding": "KR306",
    "AgentSecretGrant": "KR307",
    "AgentConfigGrant": "KR308",
}
"""Rule that a missing object breaks, by its kind; KR201 for the others."""
MISSING_HINT = "add it, or make sure that it is in the cluster already"


class Reference(NamedTuple):
    """A reference of a manifest: to whom, and where it stands. ``organization`` is its own when none is written."""

    manifest: Manifest
    field: str
    kind: str
    organization: str
    name: str


def all_references(world: World) -> Iterator[Reference]:
    """Every reference that is well formed."""
    for manifest, kind in world.modelled:
        if world.is_own(manifest):
            yield from _references(manifest, kind)


def _references(manifest: Manifest, kind: Kind) -> Iterator[Reference]:
    if kind.spec is None:
        return
    own = organization_of(manifest)
    for field, target, text in references(manifest.spec, shape_of(kind.spec), "spec"):
        stated, slash, name = text.rpartition("/")
        yield Reference(manifest, field, target, stated.removeprefix("krate-org-") if slash else own, name)


def across_organizations(world: World) -> Iterator[Issue]:
    """KR108: a reference into another organization needs a policy that admits it. Nothing of the other is named."""
    for one in all_references(world):
        own = organization_of(one.manifest)
        if one.organization != own and not _is_shared(world, own, one):
            yield issue_of(one.manifest, "KR108", f"the referenced {one.kind} is outside this organization", one.field)


def _is_shared(world: World, own: str, wanted: Reference) -> bool:
    return any(
        policy.spec.source_org == own
        and policy.spec.target_org == wanted.organization
        and is_effective(policy.spec, world.context.now)
        and any((shared.kind, shared.name) == (wanted.kind, wanted.name) for shared in policy.spec.allowed_refs)
        for policy in world.known(OrgSharingPolicySpec)
    )


def unresolved(code: str) -> Callable[[World], Iterator[Issue]]:
    """The check of a rule about one sort of missing object."""

    def check(world: World) -> Iterator[Issue]:
        for one in all_references(world):
            if _code(one) != code or one.organization != organization_of(one.manifest):
                continue
            if not _is_there(world, one):
                message = f"{one.kind} {one.name} is not among these files"
                yield issue_of(one.manifest, code, message, one.field, hint=MISSING_HINT)

    return check


def missing_references(world: World) -> set[tuple[str, str, str]]:
    """Organization, kind and name of what the files refer to and don't hold."""
    return {
        (one.organization, one.kind, one.name)
        for one in all_references(world)
        if one.organization == organization_of(one.manifest) and not _is_there(world, one)
    }


def _is_there(world: World, one: Reference) -> bool:
    return world.has(one.organization, one.kind, one.name)


def _code(reference: Reference) -> str:
    if reference.manifest.kind == "AgentTriggerRule" and reference.kind in ("AgentStack", "AgentDefinition"):
        return "KR402"
    return _CODES.get(reference.kind, "KR201")


def found(world: World, reference: Reference) -> Any:
    """The resource that a reference leads to within its own organization, or None."""
    if reference.organization != organization_of(reference.manifest):
        return None
    return world.find(reference.organization, reference.kind, reference.name)


def references_of(world: World, manifest: Manifest, kind: Kind, prefix: str) -> Iterator[tuple[Reference, Any]]:
    """References of one manifest whose pointer begins with ``prefix``, with what they lead to where it is there."""
    for reference in _references(manifest, kind):
        if reference.field.startswith(prefix) and (resource := found(world, reference)) is not None:
            yield reference, resource
