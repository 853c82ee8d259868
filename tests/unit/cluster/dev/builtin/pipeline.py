"""What a write does to an object of a built-in kind, for the tests of this folder."""

from __future__ import annotations

import copy
from typing import Any

from krate_gitops.cluster.dev.builtin.kind import BuiltIn
from krate_gitops.cluster.dev.builtin.registry import built_in_kinds

Object = dict[str, Any]
UID = "11111111-2222-4333-8444-555555555555"


def kind_of(plural: str, group: str = "") -> BuiltIn:
    """The kind of that name."""
    return next(kind for kind in built_in_kinds() if (kind.group, kind.plural) == (group, plural))


def written(kind: BuiltIn, body: Object, old: Object | None = None, *, subresource: str = "") -> Object:
    """What becomes of a body: read, completed, and with what is the server's own. The body must stay as it is."""
    before = copy.deepcopy((body, old))
    metadata = {
        "name": "x",
        "uid": UID,
        **({"namespace": "here"} if kind.namespaced else {}),
        **body.get("metadata", {}),
    }
    fresh, _ = kind.decode({"apiVersion": kind.api_version, "kind": kind.kind, **body, "metadata": metadata})
    fresh = kind.reset(kind.default(fresh), old, subresource=subresource)
    fresh = kind.prepare(fresh, old, subresource=subresource)
    assert (body, old) == before
    return fresh


def faults(kind: BuiltIn, body: Object, old: Object | None = None) -> list[str]:
    """What is wrong with a body, as ``field: text``."""
    found = kind.validate(written(kind, body, old), old)
    return [f"{fault.field}: {fault.message}" for fault in found]
