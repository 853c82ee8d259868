"""The parts of metadata that belong to the server."""

from __future__ import annotations

import secrets
import uuid
from datetime import UTC, datetime

import msgspec

from krate_gitops.cluster.dev.failure import ApiFailure
from krate_gitops.cluster.dev.kinds import Kind, Object
from krate_gitops.cluster.dev.refusals import internal

_RANDOM = "bcdfghjklmnpqrstvwxz2456789"
_RANDOM_LENGTH = 5
_LONGEST_PREFIX = 58


def now() -> str:
    """The time as objects have it: RFC 3339 in seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def new_object(value: Object, kind: Kind) -> None:
    """Sets what a new object gets from the server, and drops what it can't bring along."""
    metadata = value["metadata"]
    without_server_owned(value)
    if metadata.get("generateName") and not metadata.get("name"):
        metadata["name"] = generated(metadata["generateName"])
    metadata["uid"] = str(uuid.uuid4())
    metadata["creationTimestamp"] = now()
    if kind.keeps_generation:
        metadata["generation"] = 1
    if not metadata.get("resourceVersion"):
        metadata.pop("resourceVersion", None)


def without_server_owned(value: Object) -> None:
    """Drops what a new object can't bring along."""
    for name in ("selfLink", "deletionTimestamp", "deletionGracePeriodSeconds"):
        value["metadata"].pop(name, None)


def has_entries_of_others(value: Object) -> bool:
    """Whether managed fields came along that are about a version of another group."""
    group = str(value.get("apiVersion") or "").rpartition("/")[0]
    entries = value["metadata"].get("managedFields") or ()
    return any(str(each.get("apiVersion") or "").rpartition("/")[0] != group for each in entries)


def generated(prefix: str) -> str:
    """A name that begins with ``prefix``."""
    return prefix[:_LONGEST_PREFIX] + "".join(secrets.choice(_RANDOM) for _ in range(_RANDOM_LENGTH))


def changed_object(value: Object, old: Object, kind: Kind) -> None:
    """Sets what an update takes over from the object before it; the generation grows with the specification."""
    metadata, before = value["metadata"], old["metadata"]
    metadata.pop("selfLink", None)
    metadata["creationTimestamp"] = before["creationTimestamp"]
    for name in ("uid", "deletionTimestamp", "deletionGracePeriodSeconds"):
        if not metadata.get(name):
            if before.get(name) is None:
                metadata.pop(name, None)
            else:
                metadata[name] = before[name]
    generation = before.get("generation")
    if generation is None:
        metadata.pop("generation", None)
    else:
        metadata["generation"] = generation + (kind.keeps_generation and is_changed(value, old, kind))


def without_double_owners(value: Object) -> str:
    """Drops owners that are named twice; answers a warning about them, or nothing."""
    owners = value["metadata"].get("ownerReferences") or []
    kept: list[Object] = []
    double: list[str] = []
    seen: set[bytes] = set()
    for owner in owners:
        text = msgspec.json.encode(owner, order="deterministic")
        if text in seen:
            double.append(str(owner.get("uid")))
        else:
            seen.add(text)
            kept.append(owner)
    if not double:
        return ""
    value["metadata"] = {**value["metadata"], "ownerReferences": kept}
    return (
        ".metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and may "
        "reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: "
        f"{', '.join(double)}"
    )


def is_changed(value: Object, old: Object, kind: Kind) -> bool:
    """Whether anything is different outside metadata and, where it has a path of its own, status."""
    aside = {"metadata", "status"} if kind.subresource("status") else {"metadata"}
    return {key: item for key, item in value.items() if key not in aside} != {
        key: item for key, item in old.items() if key not in aside
    }


def given_version(value: Object) -> int:
    """The version that a body names, 0 for none. Raises ``ApiFailure`` 500 for what is no number."""
    text = value["metadata"].get("resourceVersion") or "0"
    if not (isinstance(text, str) and text.isascii() and text.isdecimal()):
        raise not_a_version(str(text))
    return int(text)


def not_a_version(text: str) -> ApiFailure:
    """A version in a body that is no number."""
    return internal(f'strconv.ParseUint: parsing "{text}": invalid syntax')
