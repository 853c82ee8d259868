"""The list of built-in kinds."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from krate_gitops.cluster.dev.builtin import (
    access,
    config_map,
    definition,
    events,
    lease,
    namespace,
    policy,
    quota,
    reviews,
    roles,
    secret,
    service,
    service_account,
)
from krate_gitops.cluster.dev.builtin.kind import BuiltIn

_MODULES = (
    namespace,
    config_map,
    secret,
    service_account,
    service,
    events,
    quota,
    lease,
    roles,
    access,
    reviews,
    definition,
    policy,
)


@cache
def built_in_kinds() -> Sequence[BuiltIn]:
    """All built-in kinds, in no particular order."""
    return tuple(kind for module in _MODULES for kind in module.KINDS)
