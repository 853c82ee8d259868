"""For whom a repository is validated: what its files alone can't say."""

from __future__ import annotations

import msgspec

from krate_gitops.resources.permissions.policy import ReviewPolicy

PLATFORM_NAMESPACE = "krate-system"


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """Who the source is. ``organization`` None: a platform source, which may hold every kind and several organizations.

    ``now`` is the time of judgement in seconds since 1970; only expiries hang on it. ``source`` is the name of the
    ``GitOpsSource``, empty where it isn't known. ``allowed_kinds`` None is every kind that the author may write;
    ``allowed_native_kinds`` are those that the source admits. Without ``strict`` unknown fields are a warning, and left
    out. ``policy`` is that of the installation, by default the one it has when nothing was configured;
    ``trigger_rules`` says whether its gate for trigger rules is open.
    """

    organization: str | None = None
    now: int
    platform_namespace: str = PLATFORM_NAMESPACE
    source: str = ""
    allowed_kinds: tuple[str, ...] | None = None
    allowed_native_kinds: tuple[str, ...] = ()
    strict: bool = True
    policy: ReviewPolicy = ReviewPolicy()
    trigger_rules: bool = False


def org_namespace(slug: str) -> str:
    """Namespace of an organization for which no binding says otherwise."""
    return f"krate-org-{slug}"
