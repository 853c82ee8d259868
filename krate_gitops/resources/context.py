"""For whom a repository is validated: what its files alone can't say."""

from __future__ import annotations

import msgspec

PLATFORM_NAMESPACE = "krate-system"


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """Who the source is. ``organization`` None: a platform source, which may hold every kind and several organizations.

    ``now`` is the time of judgement in seconds since 1970; only expiries hang on it.
    """

    organization: str | None = None
    now: int
    platform_namespace: str = PLATFORM_NAMESPACE
    allowed_kinds: tuple[str, ...] | None = None
    """Kinds that the source may hold; None for all that Git may."""
    allowed_native_kinds: tuple[str, ...] = ()
    """Native kinds that it may hold beside them."""
    strict: bool = True
    """Whether an unknown field refuses the revision, or is only told and left out."""
    present: frozenset[tuple[str, str, str]] = frozenset()
    """Organization, kind and name of what is in the cluster already, so that references may lead there."""


def org_namespace(slug: str) -> str:
    """Namespace of an organization for which no binding says otherwise."""
    return f"krate-org-{slug}"
