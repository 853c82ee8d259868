"""What is asked of a permission review: who wants which stack to run where."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class Actor(msgspec.Struct, frozen=True, rename="camel"):
    """Who asks. ``groups`` are the teams and groups of the user; their order says nothing."""

    user: str = ""
    groups: tuple[str, ...] = ()
    service_account: str = ""


class ReviewRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One question.

    An empty ``repository``, ``ref`` or ``trigger_source`` means no particular one: restrictions to some of them are
    then no obstacle, as for the readiness of a stack. Lists are None where the caller doesn't narrow the stack; an
    empty list takes everything off. ``label_digests`` are those of context labels in an earlier snapshot, for a retry.
    ``source_untrusted`` is what the source of an event says of itself.
    """

    organization_ref: str
    agent_stack: str
    repository: str = ""
    ref: str = ""
    is_fork: bool = False
    source_untrusted: bool = False
    actor: Actor = Actor()
    trigger_source: str = ""
    task_kind: str = ""
    runner_pool: str = ""
    tool_refs: tuple[str, ...] | None = None
    skill_refs: tuple[str, ...] | None = None
    mcp_server_refs: tuple[str, ...] | None = None
    context_label_refs: tuple[str, ...] | None = None
    workspace_policy_ref: str | None = None
    label_digests: Mapping[str, str] = msgspec.field(default_factory=dict)
