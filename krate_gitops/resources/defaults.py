"""The defaulted form of an object: what is applied, compared and digested, whatever its author left out.

Defaults of fields are those of the definitions: the API server would fill in the same. What hangs on more than a field
(names, namespaces, labels) is filled in here alone.
"""

from __future__ import annotations

from typing import Any

from krate_gitops.resources.context import org_namespace
from krate_gitops.resources.kinds.common import API_VERSION, GROUP
from krate_gitops.resources.kinds.inventory import KINDS
from krate_gitops.resources.manifest import Manifest
from krate_gitops.resources.shapes import Object, Sequence, Shape, Table, shape_of
from krate_gitops.resources.structure import known_fields
from krate_gitops.resources.world import World, lives_on_platform, organization_of

_ORDER = ("apiVersion", "kind", "metadata")
_UNIQUE = ("mcpServerRefs", "skillRefs", "subagentRefs", "contextLabelRefs", "memoryRepositoryRefs")
"""Lists of a stack in which a name counts once, where it first stands."""


def defaulted(manifest: Manifest, world: World) -> dict[str, Any]:
    """An object as it is applied: without status and unknown fields, with namespace, labels and defaults.

    The manifest must be one that validation accepts. Equal input gives equal output; a defaulted object stays as it is.
    """
    kind = KINDS.get(manifest.kind) if manifest.is_ours else None
    content = {name: value for name, value in manifest.value.items() if name not in (*_ORDER, "status")}
    if kind is not None and kind.spec is not None:
        shape = shape_of(kind.spec)
        spec = with_defaults(known_fields(manifest.spec, shape), shape)
        content = {"spec": _by_name(manifest, spec, world)}
    return {
        "apiVersion": manifest.api_version or API_VERSION,
        "kind": manifest.kind,
        "metadata": _metadata(manifest, world),
        **content,
    }


def with_defaults(value: Any, shape: Shape) -> Any:
    """A value with the defaults of its fields, as the API server fills them in; empty lists and maps stay away."""
    if isinstance(shape, Object) and isinstance(value, dict):
        filled = {name: with_defaults(item, shape.fields[name].shape) for name, item in value.items()}
        for name, field in shape.fields.items():
            if name in filled or not field.has_default:
                continue
            default = with_defaults({}, field.shape) if isinstance(field.shape, Object) else field.default
            if default not in ({}, []):
                filled[name] = default
        return filled
    if isinstance(shape, Sequence) and isinstance(value, list):
        return [with_defaults(item, shape.items) for item in value]
    if isinstance(shape, Table) and isinstance(value, dict):
        return {name: with_defaults(item, shape.values) for name, item in value.items()}
    return value


def _by_name(manifest: Manifest, spec: dict[str, Any], world: World) -> dict[str, Any]:
    """Defaults that come from the name of an object or its organization."""
    if manifest.kind == "AgentStack":
        lists = {name: list(dict.fromkeys(spec[name])) for name in _UNIQUE if isinstance(spec.get(name), list)}
        return {"displayName": manifest.name, **spec, **lists}
    if manifest.kind == "Organization":
        slug = organization_of(manifest)
        return {"slug": slug, "namespaceName": world.namespaces.get(slug, org_namespace(slug)), **spec}
    if manifest.kind == "OrgNamespaceBinding":
        return {"namespace": world.namespace_of(str(spec.get("organizationRef", ""))), **spec}
    return spec


def _metadata(manifest: Manifest, world: World) -> dict[str, Any]:
    metadata = {name: value for name, value in manifest.metadata.items() if name in ("name", "annotations")}
    namespace = world.expected_namespace(manifest) or manifest.metadata.get("namespace")
    labels = dict(manifest.metadata.get("labels") or {})
    organization = organization_of(manifest) or world.context.organization or ""
    if organization and not lives_on_platform(manifest):
        labels |= {f"{GROUP}/org": organization, f"{GROUP}/namespace": namespace}
    if namespace:
        metadata["namespace"] = namespace
    if labels:
        metadata["labels"] = dict(sorted(labels.items()))
    return metadata
