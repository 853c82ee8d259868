"""Sources, desired and live objects for tests of decisions."""

from __future__ import annotations

from typing import Any

from krate_gitops.cluster.client.kinds import ResourceType
from krate_gitops.cluster.inventory import Item
from krate_gitops.digest import json_digest
from krate_gitops.reconcile.ownership import stamped
from krate_gitops.reconcile.source import Source, source_of
from krate_gitops.resources.desired import Desired
from krate_gitops.resources.object_id import id_of
from krate_gitops.resources.waves import WAVES

API = "krate.a5c.ai/v1alpha1"
NAMESPACE = "krate-org-acme"


def source(
    spec: dict[str, Any] | None = None, *, name: str = "main", uid: str = "source-uid", **metadata: Any
) -> Source:
    """A source of acme with further fields in its spec."""
    body = {"organizationRef": "acme", "source": {"repoURL": "https://git.example/config.git"}, **(spec or {})}
    return source_of(
        {
            "apiVersion": API,
            "kind": "GitOpsSource",
            "metadata": {"name": name, "namespace": NAMESPACE, "uid": uid, **metadata},
            "spec": body,
        }
    )


def desired(
    kind: str = "AgentContextLabel", name: str = "x", *, spec: dict[str, Any] | None = None, **metadata: Any
) -> Desired:
    """A desired object in ``a.yaml``."""
    value = {
        "apiVersion": API,
        "kind": kind,
        "metadata": {"name": name, "namespace": NAMESPACE, **metadata},
        "spec": spec or {"organizationRef": "acme"},
    }
    return Desired(id_of(value), value, json_digest(value), "a.yaml", 0)


def field_set(value: Any) -> dict[str, Any]:
    """The field set of an object whose lists are atomic."""
    if not isinstance(value, dict) or not value:
        return {}
    return {f"f:{name}": field_set(item) for name, item in value.items()}


def live_of(
    one: Desired, owner: Source | None, *, uid: str = "object-uid", spec: dict[str, Any] | None = None, **metadata: Any
) -> dict[str, Any]:
    """The live object after ``owner`` has applied it; ``spec`` is what somebody made of it since."""
    body = stamped(one, owner) if owner else one.value
    owned = {name: item for name, item in body.items() if name not in ("apiVersion", "kind")}
    owned["metadata"] = {key: item for key, item in body["metadata"].items() if key not in ("name", "namespace")}
    fields = {"manager": "krate-gitops", "operation": "Apply", "fieldsV1": field_set(owned)}
    marks = {"uid": uid, "resourceVersion": "5", "managedFields": [fields] if owner else []}
    annotations = {**body["metadata"].get("annotations", {}), **metadata.pop("annotations", {})}
    extra = {**({"annotations": annotations} if annotations else {}), **metadata}
    return {**body, "metadata": {**body["metadata"], **marks, **extra}, "spec": spec or body["spec"]}


def item_of(one: Desired, *, uid: str = "object-uid", digest: str | None = None) -> Item:
    """What an inventory says of an object."""
    return Item(str(one.id), digest or one.digest, "c0ffee", WAVES[one.id.kind], uid)


def types_of(*objects: Desired) -> dict[tuple[str, str], ResourceType]:
    """The kinds of objects as a server has them."""
    return {
        (one.id.group, one.id.kind): ResourceType(
            one.id.group, "v1alpha1", one.id.kind, f"{one.id.kind.lower()}s", True, frozenset(), frozenset()
        )
        for one in objects
    }
