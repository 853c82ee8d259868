"""What the answers to reviews and to requests for tokens have in common: they are never stored."""

from __future__ import annotations

import datetime as dt
from typing import Any

from krate_gitops.cluster.dev.failure import ApiFailure, Cause

AUTHORIZATION = "authorization.k8s.io"
AUTHENTICATION = "authentication.k8s.io"


def managed(spec: dict[str, Any], api_version: str, manager: str, now: str, subresource: str = "") -> list[Any]:
    """The managedFields of an answer that echoes ``spec``: one entry, or none for an empty spec."""
    if not spec:
        return []
    entry: dict[str, Any] = {
        "manager": manager,
        "operation": "Update",
        "apiVersion": api_version,
        "time": now,
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:spec": _fields(spec)},
    }
    if subresource:
        entry["subresource"] = subresource
    return [entry]


def _fields(values: dict[str, Any]) -> dict[str, Any]:
    """Lists are owned as a whole; objects inside the spec are owned with their members."""
    return {
        f"f:{key}": {".": {}, **_fields(value)} if isinstance(value, dict) and value else {}
        for key, value in values.items()
    }


def invalid(group: str, kind: str, faults: list[tuple[str, str]]) -> ApiFailure:
    """422 with ``(field, message)`` of each fault, all of wrong values. A kind may be nameless, as reviews are."""
    causes = tuple(Cause("FieldValueInvalid", message, field) for field, message in faults)
    texts = [f"{field}: {message}" for field, message in faults]
    told = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    details = {"group": group, **({"kind": kind} if kind else {})}
    return ApiFailure(422, "Invalid", f'{kind}.{group} "" is invalid: {told}', causes=causes, details=details)


def timestamp(moment: dt.datetime) -> str:
    """RFC 3339 in UTC and whole seconds."""
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
