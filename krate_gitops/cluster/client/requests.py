"""The request of each verb, as a value. Pure: nothing is sent here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from krate_gitops.cluster.client.calls import JSON, Call, encoded, query_of
from krate_gitops.cluster.client.kinds import ResourceType, collection_path, object_path
from krate_gitops.cluster.client.reviews import PATHS, review
from krate_gitops.errors import UsageError

MERGE = "application/merge-patch+json"
PATCH = "application/json-patch+json"
_APPLY = "application/apply-patch+yaml"
_METADATA = f"application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,{JSON}"
_METADATA_LIST = f"application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,{JSON}"


def get_call(type: ResourceType, name: str, namespace: str, *, metadata_only: bool) -> Call:
    """Reads one object."""
    return Call(
        verb="get",
        method="GET",
        path=object_path(type, name, namespace),
        accept=_METADATA if metadata_only else JSON,
        location=location(type, name, namespace),
    )


def list_call(
    type: ResourceType,
    namespace: str,
    *,
    label_selector: str,
    field_selector: str,
    metadata_only: bool,
    verb: str = "list",
) -> Call:
    """Reads, or with ``verb`` watch watches, all objects that are selected."""
    metadata = _METADATA if verb == "watch" else _METADATA_LIST
    return Call(
        verb=verb,
        method="GET",
        path=collection_path(type, namespace),
        query=query_of((("labelSelector", label_selector), ("fieldSelector", field_selector))),
        accept=metadata if metadata_only else JSON,
        location=location(type, "", namespace),
    )


def apply_call(
    type: ResourceType,
    obj: Mapping[str, Any],
    *,
    manager: str,
    force: bool,
    dry_run: bool,
    subresource: str,
    uid: str,
) -> Call:
    """Server-side apply; the body is JSON, which is YAML too."""
    name, namespace = identity_of(type, obj)
    where = location(type, name, namespace)
    if uid:
        obj = {**obj, "metadata": {**obj["metadata"], "uid": uid}}
    return Call(
        verb="dry-run" if dry_run else "apply",
        method="PATCH",
        path=object_path(type, name, namespace, subresource=subresource),
        query=query_of((*_write(manager, dry_run=dry_run), ("force", "true" if force else ""))),
        body=encoded(obj, location=where),
        content_type=_APPLY,
        location=where,
        sent=obj,
    )


def create_call(type: ResourceType, obj: Mapping[str, Any], *, manager: str, dry_run: bool) -> Call:
    """Creates an object, which may have a generated name."""
    name, namespace = identity_of(type, obj, generated=True)
    where = location(type, name, namespace)
    return Call(
        verb="dry-run" if dry_run else "create",
        method="POST",
        path=collection_path(type, namespace),
        query=query_of(_write(manager, dry_run=dry_run)),
        body=encoded(obj, location=where),
        repeatable=dry_run,
        location=where,
        sent=obj,
    )


def patch_call(
    type: ResourceType,
    name: str,
    namespace: str,
    patch: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    *,
    content_type: str,
    manager: str,
    subresource: str,
    dry_run: bool,
) -> Call:
    """A JSON merge patch or a JSON patch. The second may add twice, so it isn't repeated blindly."""
    where = location(type, name, namespace)
    return Call(
        verb="dry-run" if dry_run else "patch",
        method="PATCH",
        path=object_path(type, name, namespace, subresource=subresource),
        query=query_of(_write(manager, dry_run=dry_run)),
        body=encoded(patch, location=where),
        content_type=content_type,
        repeatable=content_type == MERGE or dry_run,
        location=where,
        sent={**patch, "kind": type.kind} if isinstance(patch, Mapping) else None,
    )


def delete_call(
    type: ResourceType,
    name: str,
    namespace: str,
    *,
    uid: str,
    resource_version: str,
    propagation: str,
    dry_run: bool,
) -> Call:
    """Deletes an object, with preconditions where they are given."""
    where = location(type, name, namespace)
    options: dict[str, Any] = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation}
    preconditions = {"uid": uid, "resourceVersion": resource_version}
    if any(preconditions.values()):
        options["preconditions"] = {key: value for key, value in preconditions.items() if value}
    if dry_run:
        options["dryRun"] = ["All"]
    return Call(
        verb="dry-run" if dry_run else "delete",
        method="DELETE",
        path=object_path(type, name, namespace),
        body=encoded(options, location=where),
        repeatable=bool(uid) or dry_run,
        location=where,
    )


def review_call(kind: str, spec: dict[str, Any]) -> Call:
    """Asks about permissions. Nothing is stored, so it may be asked again."""
    body = encoded(review(kind, spec), location=kind)
    return Call(verb="review", method="POST", path=PATHS[kind], body=body, location=kind)


def identity_of(type: ResourceType, obj: Mapping[str, Any], *, generated: bool = False) -> tuple[str, str]:
    """Name and namespace of a manifest, which must be of that kind. Raises ``UsageError``."""
    metadata = obj.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    if not isinstance(metadata, Mapping) or not (name or (generated and metadata.get("generateName"))):
        raise UsageError("INVALID_REQUEST", f"a {type.kind} without metadata.name")
    if obj.get("kind") != type.kind or obj.get("apiVersion") != type.api_version:
        told = f"{obj.get('apiVersion')} {obj.get('kind')}"
        raise UsageError("INVALID_REQUEST", f"{told} {name} was to be sent as {type.api_version} {type.kind}")
    return str(name or ""), str(metadata.get("namespace") or "")


def location(type: ResourceType, name: str, namespace: str) -> str:
    """``widgets.example.com team/x``, as errors name what a request is about."""
    place = "/".join(part for part in (namespace, name) if part)
    return f"{type.resource} {place}" if place else type.resource


def _write(manager: str, *, dry_run: bool) -> tuple[tuple[str, str], ...]:
    return (("fieldManager", manager), ("fieldValidation", "Strict"), ("dryRun", "All" if dry_run else ""))
