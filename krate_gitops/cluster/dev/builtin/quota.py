"""Quotas and ranges: kept and shown, and nothing counts them."""

from __future__ import annotations

from typing import Any

from krate_gitops.cluster.dev.builtin.fields import anything, kind_schema, list_of, mapping, quantity, record, text
from krate_gitops.cluster.dev.builtin.kind import STATUS, BuiltIn
from krate_gitops.cluster.dev.builtin.making import built_in

_AMOUNTS = mapping(quantity())
_LIMIT = record({
    "type": text(), "max": _AMOUNTS, "min": _AMOUNTS, "default": _AMOUNTS, "defaultRequest": _AMOUNTS,
    "maxLimitRequestRatio": _AMOUNTS,
})  # fmt: skip
Object = dict[str, Any]

KINDS: tuple[BuiltIn, ...] = (
    built_in(
        "", "v1", "ResourceQuota", "resourcequotas",
        kind_schema({
            "spec": record({"hard": _AMOUNTS, "scopes": list_of(text()), "scopeSelector": anything()}),
            "status": record({"hard": _AMOUNTS, "used": _AMOUNTS}),
        }),
        short_names=("quota",), subresources=(STATUS,), has_status=True, returns_deleted=True,
    ),
    built_in(
        "", "v1", "LimitRange", "limitranges", kind_schema({"spec": record({"limits": list_of(_LIMIT)})}),
        short_names=("limits",), creates_on_update=True,
    ),
)  # fmt: skip
