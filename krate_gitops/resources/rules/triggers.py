"""Rules about trigger rules: schedules that parse, keys that bound, templates that can be filled."""

from __future__ import annotations

import re
from collections.abc import Iterator

from krate_gitops.resources.kinds.grants import AgentSecretGrantSpec
from krate_gitops.resources.kinds.persona import AgentDefinitionSpec
from krate_gitops.resources.kinds.stack import AgentStackSpec
from krate_gitops.resources.kinds.triggers import AgentTriggerRuleSpec
from krate_gitops.resources.kinds.workspace import AgentWorkspacePolicySpec
from krate_gitops.resources.manifest import Issue, issue_of, site_of
from krate_gitops.resources.rules.references import MISSING_HINT
from krate_gitops.resources.world import Resource, World, names

_PLACEHOLDER = re.compile(r"\{\{([^{}]*)\}\}")
_SOURCES = (
    "pullRequest",
    "issue",
    "pipeline",
    "job",
    "check",
    "delivery",
    "schedule",
    "workItem",
    "path",
    "triggerRule",
    "actor",
)
_OBJECTS = frozenset(("pullRequest", "issue", "pipeline", "job", "check", "delivery", "workItem", "sha", "commit"))
"""Placeholders that name one source object or commit, and so bound a key."""
PLACEHOLDERS = frozenset(
    (*_SOURCES, *(f"sourceRefs.{one}" for one in _SOURCES), "repository", "ref", "branch", "sha", "commit", "taskKind",
     "agentStack", "eventType", "conclusion", "workflow", "step", "labels", "mention", "failureSignature")
)  # fmt: skip
"""What templates and keys may name, between double braces."""

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_CRON_FIELDS: tuple[tuple[int, int, tuple[str, ...]], ...] = (
    (0, 59, ()),
    (0, 23, ()),
    (1, 31, ()),
    (1, 12, _MONTHS),
    (0, 7, _DAYS),
)
_CRON_PART = re.compile(r"(?:(\*)|([0-9a-z]+)(?:-([0-9a-z]+))?)(?:/([0-9]+))?\Z")


def bad_cron(world: World) -> Iterator[Issue]:
    """KR401: schedules are cron expressions of five fields."""
    for rule in world.of(AgentTriggerRuleSpec):
        if rule.spec.schedule is not None and not is_cron(rule.spec.schedule.cron):
            yield issue_of(rule.manifest, "KR401", _NO_CRON, "spec.schedule.cron")
    for policy in world.of(AgentWorkspacePolicySpec):
        schedule = policy.spec.retention_policy.cleanup_schedule
        if schedule is not None and not is_cron(schedule):
            yield issue_of(policy.manifest, "KR401", _NO_CRON, "spec.retentionPolicy.cleanupSchedule")


_NO_CRON = "not a cron expression of five fields: minute, hour, day, month, weekday"


def is_cron(text: str) -> bool:
    """Whether a text is a five-field cron expression: lists, ranges, steps, and names of months and weekdays."""
    fields = text.lower().split()
    return len(fields) == len(_CRON_FIELDS) and all(
        all(_is_cron_part(part, least, most, words) for part in field.split(","))
        for field, (least, most, words) in zip(fields, _CRON_FIELDS, strict=True)
    )


def _is_cron_part(part: str, least: int, most: int, words: tuple[str, ...]) -> bool:
    match = _CRON_PART.match(part)
    if match is None or (match[4] is not None and not 1 <= int(match[4][:4]) <= most):
        return False
    if match[1]:
        return True
    first, last = _cron_number(match[2], words, least), _cron_number(match[3] or match[2], words, least)
    return first is not None and last is not None and least <= first <= last <= most


def _cron_number(text: str, words: tuple[str, ...], least: int) -> int | None:
    if text in words:
        return words.index(text) + least
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 2 else None


def unbounded_key(world: World) -> Iterator[Issue]:
    """KR404: a key names a source object or commit."""
    for rule in world.of(AgentTriggerRuleSpec):
        policy = rule.spec.dedupe_policy
        if policy is not None and not any(one.rpartition(".")[2] in _OBJECTS for one in _placeholders(policy.key)):
            message = "the key names no source object or commit, so unlike events would count as one"
            yield issue_of(rule.manifest, "KR404", message, "spec.dedupePolicy.key")


def unknown_placeholder(world: World) -> Iterator[Issue]:
    """KR405: templates name what an event has."""
    for rule in world.of(AgentTriggerRuleSpec):
        key = rule.spec.dedupe_policy.key if rule.spec.dedupe_policy else ""
        for field, text in (("promptTemplate", rule.spec.prompt_template or ""), ("dedupePolicy.key", key)):
            for placeholder in _placeholders(text):
                if placeholder not in PLACEHOLDERS:
                    shown = placeholder if re.fullmatch(r"[A-Za-z.]{1,40}", placeholder) else "…"
                    yield issue_of(rule.manifest, "KR405", f"unknown placeholder {{{{{shown}}}}}", f"spec.{field}")


def _placeholders(text: str) -> list[str]:
    """What stands between double braces, each once."""
    return list(dict.fromkeys(found.strip() for found in _PLACEHOLDER.findall(text)))


def unsigned_webhook(world: World) -> Iterator[Issue]:
    """KR407: where webhooks start agents, a grant names the secret that signs them."""
    signing = {one.organization for one in world.known(AgentSecretGrantSpec) if one.spec.purpose == "webhook-signing"}
    for rule in world.of(AgentTriggerRuleSpec):
        if "webhook" in rule.spec.sources and rule.organization not in signing:
            message = "no AgentSecretGrant with purpose webhook-signing is among these files"
            field = f"spec.sources[{rule.spec.sources.index('webhook')}]"
            yield issue_of(rule.manifest, "KR407", message, field, hint=MISSING_HINT)


def wider_targets(world: World) -> Iterator[Issue]:
    """KR408: a rule writes back only where its stack may."""
    for rule in world.of(AgentTriggerRuleSpec):
        name = rule.spec.agent_stack or _stack_of(world, rule)
        stack: Resource[AgentStackSpec] | None = world.find(rule.organization, "AgentStack", name)
        if stack is None:
            continue
        may = stack.spec.write_back_policy.allowed_targets
        for at, target in enumerate(rule.spec.write_back_policy.allowed_targets):
            if target not in may:
                related = ((site_of(stack.manifest, "spec.writeBackPolicy.allowedTargets"), "what the stack may"),)
                message = f"the stack may not write to {target}; it may to {names(may) or 'nothing'}"
                field = f"spec.writeBackPolicy.allowedTargets[{at}]"
                yield issue_of(rule.manifest, "KR408", message, field, related=related)


def _stack_of(world: World, rule: Resource[AgentTriggerRuleSpec]) -> str:
    """Name of the stack behind the definition that a rule starts; empty where it isn't known."""
    definition: Resource[AgentDefinitionSpec] | None = world.find(
        rule.organization, "AgentDefinition", rule.spec.agent_definition or ""
    )
    return "" if definition is None else definition.spec.stack_ref
