"""What is in the cluster of the objects a source is about: one list for each kind and namespace, and few reads."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from krate_gitops.cluster.client.api import Api
from krate_gitops.cluster.client.failures import TransientError
from krate_gitops.cluster.client.kinds import ResourceType
from krate_gitops.organization import namespace_of
from krate_gitops.reconcile.ownership import SOURCE
from krate_gitops.reconcile.source import Source
from krate_gitops.resources.kinds.common import GROUP
from krate_gitops.resources.manifest import Manifest
from krate_gitops.resources.object_id import ObjectId, id_of

PAGE = 2500
"""Objects of one answer; more than a source may have, so that a kind is one request."""
_FEW = 8
"""Up to this many objects that a list lacks are read one by one; for more, everything of the kind is listed."""

Types = Mapping[tuple[str, str], ResourceType]


async def served_types(api: Api, kinds: Collection[tuple[str, str]]) -> dict[tuple[str, str], ResourceType]:
    """The kinds, by group and name, as they are served. What isn't is asked for anew: definitions may have come since.

    Raises ``TransientError`` where the server can't tell about a kind now: that it isn't found says nothing then, and
    its objects would count as gone.
    """
    for refresh in (False, True):
        discovery = await api.discovery(refresh=refresh)
        found = {key: kind for key in kinds if (kind := discovery.find(*key)) is not None}
        if len(found) == len(kinds):
            break
    for group, name in sorted(set(kinds) - found.keys()):
        if not discovery.is_known_absent(group, name):
            raise TransientError(
                "CLUSTER_UNREACHABLE",
                f"the API server can't tell about the kinds of {group} now",
                hint=f"look at the APIServices of {group}",
                location=f"{group}/{name}",
            )
    return found


async def observe(api: Api, types: Types, wanted: Iterable[ObjectId], source: Source) -> dict[ObjectId, dict[str, Any]]:
    """The live objects among ``wanted``; what isn't there, or is of a kind that isn't served, is left out.

    Objects are listed by the label of the source. What such a list lacks may have lost its label or belong to
    somebody, so it is looked for before it counts as missing. Raises what the client raises.
    """
    by_kind: dict[tuple[str, str], list[ObjectId]] = defaultdict(list)
    for one in wanted:
        if (one.group, one.kind) in types:
            by_kind[one.group, one.kind].append(one)
    found = await asyncio.gather(*(_of_kind(api, types[key], ids, source) for key, ids in sorted(by_kind.items())))
    return {key: value for part in found for key, value in part.items()}


async def live_manifests(api: Api, named: Iterable[tuple[str, str, str]]) -> list[Manifest]:
    """Those of the objects, by organization, kind and name, that are in the cluster. Raises what the client raises."""
    discovery = await api.discovery()
    groups: dict[tuple[str, str], set[str]] = defaultdict(set)
    for organization, kind, name in named:
        groups[organization, kind].add(name)

    async def of_group(organization: str, kind: str, names: set[str]) -> list[dict[str, Any]]:
        served, namespace = discovery.find(GROUP, kind), namespace_of(organization)
        if served is None:
            return []
        if len(names) <= _FEW:
            read = await asyncio.gather(*(api.get(served, one, namespace) for one in sorted(names)))
            return [value for value in read if value is not None]
        listed = await _listed(api, served, namespace, "")
        return [value for one, value in listed.items() if one.name in names]

    parts = await asyncio.gather(*(of_group(*key, names) for key, names in sorted(groups.items())))
    return [Manifest("", -1, value) for part in parts for value in part]


async def _of_kind(api: Api, kind: ResourceType, ids: list[ObjectId], source: Source) -> dict[ObjectId, dict[str, Any]]:
    namespaces = {one.namespace for one in ids}
    # A source of the platform spans namespaces: then one list for all of them.
    namespace = namespaces.pop() if kind.namespaced and len(namespaces) == 1 else ""
    found = await _listed(api, kind, namespace, f"{SOURCE}={source.name}")
    missing = [one for one in ids if one not in found]
    if 0 < len(missing) <= _FEW:
        read = await asyncio.gather(*(api.get(kind, one.name, one.namespace) for one in missing))
        found |= {one: value for one, value in zip(missing, read, strict=True) if value is not None}
    elif missing:
        found |= await _listed(api, kind, namespace, "")
    return {one: found[one] for one in ids if one in found}


async def _listed(api: Api, kind: ResourceType, namespace: str, selector: str) -> dict[ObjectId, dict[str, Any]]:
    listing = await api.list(kind, namespace, label_selector=selector, page=PAGE)
    version = f"{kind.group}/{kind.version}" if kind.group else kind.version
    items = ({**item, "apiVersion": version, "kind": kind.kind} for item in listing.items)
    return {id_of(item): item for item in items}
