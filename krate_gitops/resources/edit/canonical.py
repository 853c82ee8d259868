"""The form in which objects are written: keys in a fixed order, two spaces, and nothing that a server adds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from krate_gitops.resources.edit.emit import block_text, check_writable
from krate_gitops.resources.edit.values import without_nulls
from krate_gitops.resources.rules.document import SERVER_OWNED

ORDER = ("apiVersion", "kind", "metadata", "spec")
_METADATA_ORDER = ("name", "namespace", "labels", "annotations")
_SERVER_ANNOTATIONS = ("kubectl.kubernetes.io/last-applied-configuration",)


def canonical_object(value: Mapping[str, Any]) -> dict[str, Any]:
    """An object without status, null members and server metadata, its first two levels in order.

    Raises ``UsageError(INVALID_REQUEST)`` for what no file can hold.
    """
    check_writable(dict(value))
    plain = without_nulls(dict(value))
    plain.pop("status", None)
    metadata = plain.get("metadata")
    if isinstance(metadata, dict):
        plain["metadata"] = _metadata(metadata)
    return _ordered(plain, ORDER)


def canonical_yaml(value: Mapping[str, Any]) -> str:
    """The canonical YAML of an object: LF line ends, and one at the end."""
    return block_text(canonical_object(value))


def _metadata(metadata: dict[str, Any]) -> dict[str, Any]:
    kept = {key: item for key, item in metadata.items() if key not in SERVER_OWNED}
    annotations = kept.get("annotations")
    if isinstance(annotations, dict):
        kept["annotations"] = {key: item for key, item in annotations.items() if key not in _SERVER_ANNOTATIONS}
        if not kept["annotations"]:
            del kept["annotations"]
    return _ordered(kept, _METADATA_ORDER)


def _ordered(value: dict[str, Any], order: tuple[str, ...]) -> dict[str, Any]:
    first = {key: value[key] for key in order if key in value}
    return first | {key: item for key, item in value.items() if key not in first}
