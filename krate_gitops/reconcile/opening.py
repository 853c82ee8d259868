"""Finding the source that somebody names: a file, or an object of the cluster."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from krate_gitops.cluster.client.api import Api
from krate_gitops.cluster.client.kinds import ResourceType
from krate_gitops.errors import DeniedError, UnavailableError, UsageError
from krate_gitops.organization import namespace_of
from krate_gitops.reconcile.source import Source, read_source_file, source_of
from krate_gitops.resources.context import PLATFORM_NAMESPACE
from krate_gitops.resources.kinds.common import GROUP


async def source_kind(api: Api) -> ResourceType:
    """``GitOpsSource`` as the cluster serves it. Raises ``UnavailableError(KR723)``."""
    kind = (await api.discovery()).find(GROUP, "GitOpsSource")
    if kind is None:
        raise UnavailableError(
            "KR723",
            "the cluster doesn't serve GitOpsSource",
            hint="install the definitions first: kubectl apply --server-side -f charts/krate-gitops/crds",
        )
    return kind


async def find_source(api: Api, name: str, *, organization: str) -> Source:
    """The source that ``NAME``, ``NAMESPACE/NAME`` or the path of a file means.

    A file is taken with the spec it has; where the cluster holds a source of its name, with the uid and status of that.
    A bare name is looked for in the namespace of ``organization``, and in the platform's for ``local``. Raises
    ``UnavailableError(SOURCE_NOT_FOUND)``, and what ``source_of`` and ``read_source_file`` raise.
    """
    if name.endswith((".yaml", ".yml", ".json")) or os.path.exists(name):
        written = read_source_file(Path(name))
        live = await _read(api, written.namespace, written.name, must_be_served=False)
        return written if live is None else _joined(written, live)
    namespace, slash, short = name.rpartition("/")
    if not slash:
        namespace = PLATFORM_NAMESPACE if organization in ("local", "platform") else namespace_of(organization)
    live = await _read(api, namespace, short)
    if live is None:
        raise UnavailableError(
            "SOURCE_NOT_FOUND",
            f"there is no source {short} in {namespace}",
            hint="name it as NAMESPACE/NAME, or give --org; a file with a GitOpsSource works too",
            location=name,
        )
    return live


async def list_sources(api: Api, *, organization: str) -> list[Source]:
    """All sources of an organization; of the whole cluster for ``local``. Sorted by namespace and name."""
    kind = await source_kind(api)
    namespace = "" if organization == "local" else namespace_of(organization)
    listing = await api.list(kind, namespace)
    found = [source_of({**item, "kind": "GitOpsSource"}) for item in listing.items]
    return sorted(found, key=lambda one: (one.namespace, one.name))


async def install_source(api: Api, source: Source) -> Source:
    """Brings a source that was read from a file into the cluster, as its author would with ``kubectl apply``."""
    kind = await source_kind(api)
    body = {
        "apiVersion": kind.api_version,
        "kind": "GitOpsSource",
        "metadata": {"name": source.name, "namespace": source.namespace},
        "spec": source.value.get("spec"),
    }
    if annotations := (source.value.get("metadata") or {}).get("annotations"):
        body["metadata"]["annotations"] = annotations  # type: ignore[index]
    done = await api.apply(kind, body, manager="krate-gitops-cli")
    return source_of(done.object)


async def set_suspended(api: Api, source: Source, *, suspended: bool) -> Source:
    """Switches reconciliation of a source off or on."""
    _require_live(source)
    kind = await source_kind(api)
    patch = {"metadata": {"uid": source.uid}, "spec": {"suspend": suspended}}
    done = await api.merge_patch(kind, source.name, source.namespace, patch, manager="krate-gitops-cli")
    return source_of(done)


async def annotate(api: Api, source: Source, key: str, value: str) -> Source:
    """Sets an annotation of consent or request on a source."""
    _require_live(source)
    kind = await source_kind(api)
    patch = {"metadata": {"uid": source.uid, "annotations": {key: value}}}
    done = await api.merge_patch(kind, source.name, source.namespace, patch, manager="krate-gitops-cli")
    return source_of(done)


async def _read(api: Api, namespace: str, name: str, *, must_be_served: bool = True) -> Source | None:
    kind = (await api.discovery()).find(GROUP, "GitOpsSource")
    if kind is None and not must_be_served:
        return None
    found = await api.get(kind or await source_kind(api), name, namespace)
    return None if found is None else source_of(found)


def _joined(written: Source, live: Source) -> Source:
    if live.organization != written.organization:
        raise DeniedError("ORG_NAMESPACE_MISMATCH", "the source in the cluster is of another organization")
    return msgspec.structs.replace(
        written,
        uid=live.uid,
        generation=live.generation,
        resource_version=live.resource_version,
        annotations=live.annotations,
        status=live.status,
    )


def _require_live(source: Source) -> None:
    if not source.uid:
        raise UsageError(
            "SOURCE_NOT_INSTALLED",
            f"the source {source} is not in the cluster",
            hint="apply it first: krate-gitops reconcile apply FILE",
            location=str(source),
        )
