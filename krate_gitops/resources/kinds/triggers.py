"""``AgentTriggerRule``: which events start which agent."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from krate_gitops.resources.kinds.common import (
    Agreement,
    ContextLabelRef,
    Count,
    DefinitionRef,
    Duration,
    OrgSpec,
    Part,
    Positive,
    Prompt,
    StackRef,
    Status,
    Strings,
    Text,
    WriteBackTarget,
)


class Globs(Part, frozen=True):
    """Exclude wins."""

    include: Strings = ()
    exclude: Strings = ()


class PayloadMatch(Part, frozen=True):
    """A value that an event must have at a place."""

    json_path: Text
    equals: str


class Match(Part, frozen=True):
    """Which events of the sources are meant; empty means all."""

    repository: Text | None = None
    event_types: Strings = ()
    conclusion: Strings = ()
    workflow: Text | None = None
    job: Text | None = None
    step: Text | None = None
    check: Text | None = None
    pull_request_required: bool = False
    branches: Globs = Globs()
    paths: Globs = Globs()
    labels: Strings = ()
    allowed_actors: Strings = ()
    mention: Text | None = None
    payload: tuple[PayloadMatch, ...] = ()
    failure_signature: Annotated[Text, Meta(description="Regular expression (RE2).")] | None = None


class ContextBundleTemplate(Part, frozen=True):
    """What goes into the context of a run."""

    agreements = (
        Agreement(
            "redactSecrets",
            "redactSecrets can't be switched off",
            lambda part: part.redact_secrets,
            "!has(self.redactSecrets) || self.redactSecrets",
            "KR409",
        ),
    )

    include: Strings = ()
    max_bytes: Annotated[int, Meta(ge=1, le=768_000, extra={"bad": "KR409"})] = 768_000
    redact_secrets: Annotated[bool, Meta(description="`false` is rejected.")] = True


class TriggerApproval(Part, frozen=True):
    """What a person is asked about."""

    require_for: tuple[
        Literal["write-back", "secret-access", "network-expanded", "branch-push", "tool-use", "release", "escalation"],
        ...,
    ] = ("write-back", "secret-access")


class DedupePolicy(Part, frozen=True):
    """Events with one key within the window are one."""

    key: Annotated[str, Meta(min_length=1, description="Must include a source object or commit.")]
    window: Duration = "30m"


class ConcurrencyPolicy(Part, frozen=True):
    """What happens to an event while a run is active."""

    mode: Literal["coalesce", "queue", "reject"] = "coalesce"
    max_active_per_pull_request: Positive = 1


class Schedule(Part, frozen=True):
    """When a schedule fires."""

    cron: Annotated[str, Meta(min_length=1, description="Five fields, UTC.")]


class TriggerWriteBack(Part, frozen=True):
    """A subset of what the stack may write."""

    allowed_targets: tuple[WriteBackTarget, ...] = ()


class AgentTriggerRuleSpec(OrgSpec, frozen=True):
    """Sources, a matcher, and the stack or definition that is started."""

    agreements = (
        Agreement(
            "schedule",
            "schedule is required with the source schedule",
            lambda spec: "schedule" not in spec.sources or spec.schedule is not None,
            "!('schedule' in self.sources) || has(self.schedule)",
        ),
    )
    one_of = ("agentStack", "agentDefinition")

    sources: Annotated[
        tuple[
            Literal[
                "ci",
                "webhook",
                "issue-comment",
                "pr-comment",
                "label",
                "push",
                "tag",
                "schedule",
                "manual",
                "repository-dispatch",
            ],
            ...,
        ],
        Meta(min_length=1),
    ]
    task_kind: Text
    agent_stack: StackRef | None = None
    agent_definition: DefinitionRef | None = None
    lifecycle_state: Annotated[
        Literal["draft", "active", "paused", "disabled", "archived"], Meta(description="Only `active` dispatches.")
    ] = "draft"
    match: Match = Match()
    prompt_template: Prompt | None = None
    context_labels: tuple[ContextLabelRef, ...] = ()
    runner_pool: Annotated[Text, Meta(description="The stack's without it.")] | None = None
    context_bundle_template: ContextBundleTemplate = ContextBundleTemplate()
    approval_policy: TriggerApproval = TriggerApproval()
    dedupe_policy: DedupePolicy | None = None
    concurrency_policy: ConcurrencyPolicy = ConcurrencyPolicy()
    schedule: Schedule | None = None
    write_back_policy: TriggerWriteBack = TriggerWriteBack()


class ExecutionSummary(Part, frozen=True):
    """What became of the events."""

    created: Count = 0
    coalesced: Count = 0
    rejected: Count = 0


class AgentTriggerRuleStatus(Status, frozen=True):
    """When the rule last fired."""

    last_triggered_at: str | None = None
    execution_summary: ExecutionSummary | None = None
