"""KR604: every kind that is written in Git has a valid example, which says whose it is."""

from __future__ import annotations

import time
from collections.abc import Iterator

from krate_gitops.resources.context import Context, org_namespace
from krate_gitops.resources.kinds.inventory import Author
from krate_gitops.resources.manifest import Manifest
from krate_gitops.resources.package.contents import Finding, Package
from krate_gitops.resources.rules.table import Effect
from krate_gitops.resources.validate import validate

ORGANIZATION = "acme"
_LABEL = "krate.a5c.ai/org"


def without_example(package: Package) -> Iterator[Finding]:
    """KR604."""
    context = Context(now=int(time.time()))
    faults = [one for one in validate(package.examples, context) if one.effect is not Effect.WARN]
    for fault in faults:
        yield Finding("KR604", fault.path, f"{fault.code} {fault.message}")
    seen = set()
    for manifest in package.examples.manifests:
        seen.add(manifest.kind)
        for lack in _lacks(package, manifest, context.platform_namespace):
            yield Finding("KR604", manifest.path, f"the example {manifest.kind} {manifest.name} has no {lack}")
    for kind in package.kinds.values():
        if kind.spec is not None and kind.name not in seen:
            yield Finding("KR604", "", f"{kind.name} has no example")


def _lacks(package: Package, manifest: Manifest, platform: str) -> Iterator[str]:
    """What an object may leave out in Git, but an example shows."""
    kind = package.kinds.get(manifest.kind)
    if kind is None:
        return
    if (manifest.metadata.get("labels") or {}).get(_LABEL) != ORGANIZATION:
        yield f"label {_LABEL}: {ORGANIZATION}"
    namespaces = (
        (org_namespace(ORGANIZATION),) if kind.author is Author.GIT else (org_namespace(ORGANIZATION), platform)
    )
    if manifest.metadata.get("namespace") not in namespaces:
        yield f"namespace {namespaces[-1]}"
