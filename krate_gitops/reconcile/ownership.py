"""Marks of ownership on objects: written by us alone, and never from what Git says."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any

from krate_gitops.cluster.fields import own_fields
from krate_gitops.cluster.inventory import Item
from krate_gitops.reconcile.source import Source
from krate_gitops.resources.desired import Desired
from krate_gitops.resources.kinds.common import GROUP
from krate_gitops.resources.rules.document import ADOPT

MANAGED_BY, ENGINE = "app.kubernetes.io/managed-by", f"{GROUP}/gitops-engine"
SOURCE, SOURCE_UID = f"{GROUP}/gitops-source", f"{GROUP}/gitops-source-uid"
SOURCE_PATH, CONTENT_DIGEST = f"{GROUP}/source-path", f"{GROUP}/content-digest"
PRUNE, RECONCILE = f"{GROUP}/prune", f"{GROUP}/reconcile"

MARKS = (MANAGED_BY, ENGINE, SOURCE, SOURCE_UID, SOURCE_PATH, CONTENT_DIGEST)
PROGRAM = "krate-gitops"


class Owner(enum.Enum):
    """Whose a live object is, as seen by one source."""

    US = "us"
    OTHER = "another source"
    NOBODY = "nobody"


def stamped(desired: Desired, source: Source) -> dict[str, Any]:
    """What is applied: the object with the marks of its source."""
    metadata = dict(desired.value["metadata"])
    labels = {MANAGED_BY: PROGRAM, ENGINE: PROGRAM, SOURCE: source.name}
    marks = {SOURCE_UID: source.uid, SOURCE_PATH: desired.place, CONTENT_DIGEST: desired.digest}
    metadata["labels"] = {**(metadata.get("labels") or {}), **labels}
    metadata["annotations"] = {**(metadata.get("annotations") or {}), **marks}
    metadata["annotations"].pop(ADOPT, None)
    return {**desired.value, "metadata": metadata}


def owner_of(live: Mapping[str, Any], source: Source, item: Item | None) -> Owner:
    """Whose ``live`` is. ``item`` is what this source's inventory knows of it.

    The annotation with the uid of the source decides. Where somebody took it off, the inventory does: the object with
    the uid that was recorded is still ours. Marks alone prove nothing, for they are copied along with an object: what
    isn't in the inventory must have been applied by us, too.
    """
    uid = annotation(live, SOURCE_UID)
    if uid:
        is_ours = uid == source.uid and (item is not None or own_fields(live) is not None)
        return Owner.US if is_ours else Owner.OTHER
    recorded = item.uid if item else ""
    return Owner.US if recorded and recorded == uid_of(live) else Owner.NOBODY


def owner_name(live: Mapping[str, Any]) -> str:
    """Name of the source that the marks of an object name; empty for none."""
    return str(((live.get("metadata") or {}).get("labels") or {}).get(SOURCE) or "")


def annotation(live: Mapping[str, Any], key: str) -> str:
    """The value of an annotation; empty where there is none."""
    return str(((live.get("metadata") or {}).get("annotations") or {}).get(key) or "")


def uid_of(live: Mapping[str, Any]) -> str:
    """The uid of a live object."""
    return str((live.get("metadata") or {}).get("uid") or "")
