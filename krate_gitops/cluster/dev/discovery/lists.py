"""What discovery says: groups, versions, resources, in the older form and in the aggregated one."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from typing import Any

from krate_gitops.cluster.dev.catalog import Catalog, by_priority
from krate_gitops.cluster.dev.kinds import Kind, Subresource

_FIRST_GROUPS = (
    "apiregistration.k8s.io",
    "events.k8s.io",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "rbac.authorization.k8s.io",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "coordination.k8s.io",
)
_ALWAYS = {"apiregistration.k8s.io": ["v1"]}
"""A group that every server announces; here it has no resources."""


def versions_by_group(catalog: Catalog) -> dict[str, list[str]]:
    """Served versions of every group but the core one, both in the order in which clients see them."""
    found: dict[str, set[str]] = {group: set(versions) for group, versions in _ALWAYS.items()}
    for kind in catalog.kinds():
        if kind.group:
            found.setdefault(kind.group, set()).add(kind.version)
    names = [*(name for name in _FIRST_GROUPS if name in found), *sorted(set(found) - set(_FIRST_GROUPS))]
    return {name: sorted(found[name], key=by_priority) for name in names}


def api_versions(address: str) -> dict[str, Any]:
    """The versions of the core group."""
    client = {"clientCIDR": "0.0.0.0/0", "serverAddress": address}
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [client]}


def group_list(catalog: Catalog) -> dict[str, Any]:
    """Every group."""
    groups = [_group(name, versions) for name, versions in versions_by_group(catalog).items()]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def one_group(catalog: Catalog, name: str) -> dict[str, Any] | None:
    """One group; ``None`` if it isn't served."""
    versions = versions_by_group(catalog).get(name)
    return None if versions is None else {"kind": "APIGroup", "apiVersion": "v1", **_group(name, versions)}


def resource_list(catalog: Catalog, group: str, version: str) -> dict[str, Any] | None:
    """The resources of one version; ``None`` if it isn't served."""
    kinds = _sorted(kind for kind in catalog.kinds() if (kind.group, kind.version) == (group, version))
    if not kinds and version not in _ALWAYS.get(group, ()):
        return None
    resources = [entry for kind in kinds for entry in _entries(kind)]
    head = {"kind": "APIResourceList", **({"apiVersion": "v1"} if group else {})}
    return {**head, "groupVersion": f"{group}/{version}" if group else version, "resources": resources}


def aggregated(catalog: Catalog, *, core: bool) -> dict[str, Any]:
    """Everything at once: the core group, or all others."""
    groups = {"": ["v1"]} if core else versions_by_group(catalog)
    kinds: dict[tuple[str, str], list[Kind]] = {}
    for kind in catalog.kinds():
        kinds.setdefault((kind.group, kind.version), []).append(kind)
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": [
            {
                "metadata": {"name": group} if group else {},
                "versions": [_version(version, kinds.get((group, version), [])) for version in versions],
            }
            for group, versions in groups.items()
        ],
    }


def _group(name: str, versions: list[str]) -> dict[str, Any]:
    found = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": found, "preferredVersion": found[0]}


def _sorted(kinds: Iterable[Kind]) -> list[Kind]:
    return sorted(kinds, key=lambda kind: kind.plural)


def _entries(kind: Kind) -> list[dict[str, Any]]:
    entry: dict[str, Any] = {
        "name": kind.plural,
        "singularName": kind.singular,
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": list(kind.verbs),
    }
    if kind.short_names:
        entry["shortNames"] = list(kind.short_names)
    if kind.categories:
        entry["categories"] = list(kind.categories)
    if kind.is_stored:
        entry["storageVersionHash"] = _storage_hash(kind)
    below = sorted(kind.subresources, key=lambda each: each.name)
    return [entry, *(_subresource_entry(kind, each) for each in below)]


def _subresource_entry(kind: Kind, below: Subresource) -> dict[str, Any]:
    group, version, name = below.kind or ("", "", kind.kind)
    place = {"group": group, "version": version} if group else {}
    return {
        "name": f"{kind.plural}/{below.name}",
        "singularName": "",
        "namespaced": kind.namespaced,
        **place,
        "kind": name,
        "verbs": list(below.verbs),
    }


def _storage_hash(kind: Kind) -> str:
    name = f"{kind.storage[0]}/{kind.storage_version}/{kind.kind}"
    return base64.b64encode(hashlib.sha256(name.encode()).digest()[:8]).decode()


def _version(version: str, kinds: list[Kind]) -> dict[str, Any]:
    return {"version": version, "resources": [_resource(kind) for kind in _sorted(kinds)], "freshness": "Current"}


def _resource(kind: Kind) -> dict[str, Any]:
    place = (kind.group, kind.version) if kind.custom else ("", "")
    entry: dict[str, Any] = {
        "resource": kind.plural,
        "responseKind": _response_kind(*place, kind.kind),
        "scope": "Namespaced" if kind.namespaced else "Cluster",
        "singularResource": kind.singular,
        "verbs": list(kind.verbs),
    }
    if kind.short_names:
        entry["shortNames"] = list(kind.short_names)
    if kind.categories:
        entry["categories"] = list(kind.categories)
    if kind.subresources:
        entry["subresources"] = [
            {
                "subresource": below.name,
                "responseKind": _response_kind(*(below.kind or (*place, kind.kind))),
                "verbs": list(below.verbs),
            }
            for below in sorted(kind.subresources, key=lambda each: each.name)
        ]
    return entry


def _response_kind(group: str, version: str, kind: str) -> dict[str, str]:
    return {"group": group, "version": version, "kind": kind}
