"""What a revision asks for: objects in their defaulted form, with provenance and digest.

Defaults are written out, as the API server would fill them in. So two files that mean the same have one digest, and
what is applied owns the fields that the author left to their defaults.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from krate_gitops.digest import json_digest
from krate_gitops.resources.defaults import defaulted
from krate_gitops.resources.kinds.common import GROUP
from krate_gitops.resources.kinds.inventory import MODELS
from krate_gitops.resources.manifest import Manifest
from krate_gitops.resources.object_id import ObjectId, id_of
from krate_gitops.resources.waves import WAVES
from krate_gitops.resources.world import World, organization_of

ORG_LABEL, NAMESPACE_LABEL = f"{GROUP}/org", f"{GROUP}/namespace"


class Desired(msgspec.Struct, frozen=True):
    """One object of a revision. ``value`` has no status and no server-owned metadata, nor marks of ownership.

    ``derived`` objects stand in no file: they follow from the one at ``path``.
    """

    id: ObjectId
    value: dict[str, Any]
    digest: str
    path: str
    document: int
    oid: str = ""
    derived: bool = False

    @property
    def wave(self) -> int:
        """When it is applied."""
        return WAVES[self.id.kind]

    @property
    def place(self) -> str:
        """The file and the document in it, counted from 0."""
        return f"{self.path}#{self.document}"


def desired_objects(world: World) -> list[Desired]:
    """The objects of all manifests that are the source's own, sorted by identity. The world must be without rejects."""
    objects = [*_written(world), *_namespaces(world)]
    return sorted(objects, key=lambda one: one.id)


def revision_digest(objects: Sequence[Desired]) -> str:
    """Digest of what a revision asks for, whatever files it stands in."""
    return json_digest([{"identity": str(one.id), "contentDigest": one.digest} for one in objects])


def _written(world: World) -> Iterator[Desired]:
    for manifest in world.manifests:
        if manifest.is_ours:
            if manifest.kind in MODELS and world.is_own(manifest):
                yield _of_manifest(world, manifest)
        elif manifest.kind in WAVES:
            yield _of_manifest(world, manifest)


def _of_manifest(world: World, manifest: Manifest) -> Desired:
    value = defaulted(manifest, world)
    if (manifest.api_version, manifest.kind) == ("v1", "Namespace"):
        value["metadata"].pop("namespace", None)
    elif not value["metadata"].get("namespace"):
        value["metadata"]["namespace"] = world.context.platform_namespace
    return _desired(value, manifest)


def _namespaces(world: World) -> Iterator[Desired]:
    """The namespace of each binding that wants it made, unless a file makes it."""
    written = {one.name for one in world.manifests if one.kind == "Namespace" and not one.is_ours}
    for manifest, kind in world.modelled:
        if kind.name != "OrgNamespaceBinding" or manifest.spec.get("createNamespace", True) is not True:
            continue
        organization = organization_of(manifest)
        name = world.namespace_of(organization)
        if name in written or not organization:
            continue
        labels = {**(manifest.spec.get("labels") or {}), ORG_LABEL: organization, NAMESPACE_LABEL: name}
        value = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
        yield msgspec.structs.replace(_desired(value, manifest), derived=True)


def _desired(value: dict[str, Any], manifest: Manifest) -> Desired:
    digest = json_digest(value, fractions=True)
    return Desired(id_of(value), value, digest, manifest.path, manifest.document, manifest.oid)
