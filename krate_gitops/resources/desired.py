"""What a revision asks for: objects in their defaulted form, with provenance and digest.

Defaults are written out, as the API server would fill them in. So two files that mean the same have one digest, and
what is applied owns the fields that the author left to their defaults.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from krate_gitops.digest import json_digest
from krate_gitops.resources import shapes
from krate_gitops.resources.kinds.common import GROUP
from krate_gitops.resources.kinds.inventory import MODELS
from krate_gitops.resources.manifest import Manifest
from krate_gitops.resources.object_id import ObjectId, id_of
from krate_gitops.resources.shapes import Object, Shape, shape_of
from krate_gitops.resources.waves import WAVES
from krate_gitops.resources.world import World, lives_on_platform, organization_of

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


def with_defaults(value: Any, shape: Shape) -> Any:
    """A value that fits its shape, with defaults where nothing is written and repeated references once."""
    if isinstance(shape, Object) and isinstance(value, dict):
        return _object_with_defaults(value, shape)
    if isinstance(shape, shapes.Sequence) and isinstance(value, list):
        items = [with_defaults(item, shape.items) for item in value]
        is_reference = isinstance(shape.items, shapes.Text) and shape.items.ref
        return list(dict.fromkeys(items)) if is_reference else items
    if isinstance(shape, shapes.Table) and isinstance(value, dict):
        return {name: with_defaults(item, shape.values) for name, item in value.items()}
    return value


def _object_with_defaults(value: dict[str, Any], shape: Object) -> dict[str, Any]:
    # A field that no model knows is told, and left out.
    filled: dict[str, Any] = {}
    for name, field in shape.fields.items():
        if name in value:
            filled[name] = with_defaults(value[name], field.shape)
        elif field.has_default and isinstance(field.shape, Object):
            if inner := _object_with_defaults({}, field.shape):
                filled[name] = inner
        elif field.has_default and field.default not in ([], {}):
            # An empty list or map says nothing that its absence doesn't.
            filled[name] = field.default
    return filled


def _written(world: World) -> Iterator[Desired]:
    for manifest in world.manifests:
        if manifest.is_ours:
            if manifest.kind in MODELS and world.is_own(manifest):
                yield _of_manifest(world, manifest)
        elif manifest.kind in WAVES:
            yield _of_manifest(world, manifest)


def _of_manifest(world: World, manifest: Manifest) -> Desired:
    kind = MODELS.get(manifest.kind) if manifest.is_ours else None
    value: dict[str, Any] = {"apiVersion": manifest.api_version, "kind": manifest.kind}
    value["metadata"] = _metadata(world, manifest)
    if kind is not None and kind.spec is not None:
        value["spec"] = _named(world, manifest, with_defaults(manifest.spec, shape_of(kind.spec)))
    else:
        known = ("apiVersion", "kind", "metadata", "status")
        value |= {name: item for name, item in manifest.value.items() if name not in known}
    return _desired(value, manifest)


def _named(world: World, manifest: Manifest, spec: dict[str, Any]) -> dict[str, Any]:
    """A spec with the defaults that come from the name of an object or its organization."""
    if manifest.kind == "AgentStack":
        return {"displayName": manifest.name, **spec}
    organization = organization_of(manifest)
    if manifest.kind == "Organization":
        return {"slug": organization, "namespaceName": world.namespace_of(organization), **spec}
    if manifest.kind == "OrgNamespaceBinding":
        return {"namespace": world.namespace_of(organization), **spec}
    return spec


def _metadata(world: World, manifest: Manifest) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": manifest.name}
    labels = dict(manifest.metadata.get("labels") or {})
    organization = organization_of(manifest) or world.context.organization or ""
    if manifest.kind != "Namespace":
        namespace = world.expected_namespace(manifest) or str(manifest.metadata.get("namespace") or "")
        home = world.namespace_of(organization) if organization else world.context.platform_namespace
        metadata["namespace"] = namespace or home
        if organization and not lives_on_platform(manifest):
            labels |= {ORG_LABEL: organization, NAMESPACE_LABEL: metadata["namespace"]}
    if labels:
        metadata["labels"] = labels
    if annotations := manifest.metadata.get("annotations"):
        metadata["annotations"] = dict(annotations)
    return metadata


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
