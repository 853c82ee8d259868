"""Tables: what ``kubectl get`` prints."""

from __future__ import annotations

from typing import Any

import msgspec

from krate_gitops.cluster.dev.kinds import Kind, Object
from krate_gitops.cluster.dev.refusals import bad_request
from krate_gitops.cluster.dev.schemas.faults import go_quote

_META = "meta.k8s.io"


def check_objects(include: str) -> None:
    """Raises ``ApiFailure`` 400 for what rows can't hold."""
    if include not in ("", "Metadata", "Object", "None"):
        why = "must be 'Metadata', 'Object', 'None', or empty"
        raise bad_request(
            f"Unable to convert to Table as requested: includeObject: Invalid value: {go_quote(include)}: {why}"
        )


def column_definitions(kind: Kind) -> list[dict[str, Any]]:
    """The heads of the columns."""
    return [
        {
            "name": column.name,
            "type": column.type,
            "format": column.format,
            "description": column.description,
            "priority": column.priority,
        }
        for column in kind.columns
    ]


def row(kind: Kind, value: Object, version: str, include: str) -> dict[str, Any]:
    """One object as a row. ``version`` is that of the table."""
    cells = [column.cell(value) for column in kind.columns]
    if include == "None":
        return {"cells": cells, "object": None}
    return {"cells": cells, "object": value if include == "Object" else metadata_only(value, version)}


def table(
    kind: Kind, values: list[Object], version: str, include: str, metadata: dict[str, Any], *, heads: bool = True
) -> dict[str, Any]:
    """A whole table; in a watch only the first one has heads."""
    return {
        "kind": "Table",
        "apiVersion": f"{_META}/{version}",
        "metadata": metadata,
        "columnDefinitions": column_definitions(kind) if heads else None,
        "rows": [row(kind, value, version, include) for value in values],
    }


def metadata_only(value: Object, version: str) -> dict[str, Any]:
    """An object without everything that is its kind's own."""
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": f"{_META}/{version}",
        "metadata": value.get("metadata") or {},
    }


def metadata_list(values: list[Object], version: str, metadata: dict[str, Any]) -> dict[str, Any]:
    """A list of objects without everything that is their kind's own."""
    return {
        "kind": "PartialObjectMetadataList",
        "apiVersion": f"{_META}/{version}",
        "metadata": metadata,
        "items": [metadata_only(value, version) for value in values],
    }


def text_of(value: Any) -> Any:
    """A value as the cell of a column of text: objects and lists are shown as JSON."""
    if isinstance(value, (dict, list)):
        return msgspec.json.encode(value).decode()
    return value
