"""Rules about what a stack takes in: whether it may, and whether a helper stays within what its parent has."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import re2

from krate_gitops.brain.scan.hidden import hidden_characters, invisible_ranges
from krate_gitops.resources.kinds.capabilities import AgentContextLabelSpec, AgentSkillSpec
from krate_gitops.resources.kinds.stack import AgentStackSpec
from krate_gitops.resources.kinds.tools import AgentToolProfileSpec
from krate_gitops.resources.kinds.triggers import AgentTriggerRuleSpec
from krate_gitops.resources.manifest import Issue, issue_of, site_of
from krate_gitops.resources.permissions.policy import WORKSPACE_MODES, is_broader
from krate_gitops.resources.rules.references import references_of
from krate_gitops.resources.world import Resource, World, names, repository_of

SOURCES_OF_LABELS: Mapping[str, tuple[str, ...]] = {
    "ci": ("pipeline", "job"),
    "webhook": ("webhook",),
    "repository-dispatch": ("webhook",),
    "issue-comment": ("issue", "pull-request"),
    "pr-comment": ("pull-request",),
    "label": ("issue", "pull-request"),
    "push": ("repository-file",),
    "tag": ("repository-file",),
    "manual": ("manual",),
}
"""What events of a trigger source are about, in the words of context labels; a schedule is about nothing."""
_JSON_PATH = re.compile(r"\$(\.[A-Za-z_][\w-]*|\[[0-9]+\]|\['[^'\]]*'\]|\.\*|\[\*\])*\Z")
_SECRET_REFERENCE = re.compile(r"(?i)(?:\$\{\{?|\{\{)\s*\.?secrets?\b|\bsecretKeyRef\b|\bvalueFrom\b")
_PERMISSION = re.compile(
    r"(?im)^[ \t>*-]*[\"'`]?(approvalMode|approvalPolicy|runnerPool|serviceAccount(?:Name|Ref)?|runtimeIdentity"
    r"|toolProfileRef|permissionRefs|roleRef|secretRefs?|secretGrants|nativeTools|allowedCommands)[\"'`]?\s*[:=]"
)


def not_admitted_here(world: World) -> Iterator[Issue]:
    """KR202: a server or skill admits the stack that uses it."""
    yield from _unlisted(world, "KR202", ("spec.mcpServerRefs", "spec.skillRefs"))


def label_not_allowed(world: World) -> Iterator[Issue]:
    """KR206: a label admits the stack or trigger rule, and the repository, it is used for."""
    yield from _unlisted(world, "KR206", ("spec.contextLabelRefs",))
    for rule in world.of(AgentTriggerRuleSpec):
        for reference, label in references_of(world, rule.manifest, rule.kind, "spec.contextLabels"):
            for what, allowed, own in (
                ("stack", label.spec.allowed_agent_stacks, rule.spec.agent_stack),
                ("repository", label.spec.allowed_repositories, rule.spec.match.repository),
            ):
                if allowed and own and own not in allowed:
                    message = f"AgentContextLabel {reference.name} is not for {what} {own}"
                    yield issue_of(rule.manifest, "KR206", message, reference.field)


def unlike_source(world: World) -> Iterator[Issue]:
    """KR206, for sources: a label is for what the events of a trigger rule are about."""
    for rule in world.of(AgentTriggerRuleSpec):
        for reference, label in references_of(world, rule.manifest, rule.kind, "spec.contextLabels"):
            for source in rule.spec.sources:
                about = SOURCES_OF_LABELS.get(source, ())
                if about and not any(one in label.spec.allowed_sources for one in about):
                    related = ((site_of(label.manifest, "spec.allowedSources"), "what it is for"),)
                    message = f"AgentContextLabel {reference.name} is not for {source}"
                    yield issue_of(rule.manifest, "KR206", message, reference.field, related=related)


def foreign_repository(world: World) -> Iterator[Issue]:
    """KR206, for the repository that a stack says it is for."""
    for stack in world.of(AgentStackSpec):
        repository = repository_of(stack.manifest)
        for reference, label in references_of(world, stack.manifest, stack.kind, "spec.contextLabelRefs"):
            allowed = label.spec.allowed_repositories
            if repository and allowed and repository not in allowed:
                message = f"AgentContextLabel {reference.name} is not for repository {repository}"
                yield issue_of(stack.manifest, "KR206", message, reference.field)


def _unlisted(world: World, code: str, prefixes: tuple[str, ...]) -> Iterator[Issue]:
    for stack in world.of(AgentStackSpec):
        for prefix in prefixes:
            for reference, capability in references_of(world, stack.manifest, stack.kind, prefix):
                allowed = capability.spec.allowed_agent_stacks
                if allowed and stack.manifest.name not in allowed:
                    related = ((site_of(capability.manifest, "spec.allowedAgentStacks"), "the stacks it is for"),)
                    message = f"{reference.kind} {reference.name} is not for AgentStack {stack.manifest.name}"
                    yield issue_of(stack.manifest, code, message, reference.field, related=related)


def wider_subagent(world: World) -> Iterator[Issue]:
    """KR204: a subagent has no server, skill or native tool that its stack lacks."""
    for stack in world.of(AgentStackSpec):
        tools = _native_tools(world, stack)
        for reference, subagent in references_of(world, stack.manifest, stack.kind, "spec.subagentRefs"):
            for field, has, may in (
                ("mcpServerRefs", subagent.spec.mcp_server_refs, stack.spec.mcp_server_refs),
                ("skillRefs", subagent.spec.skill_refs, stack.spec.skill_refs),
                ("toolRefs", [tool for tool in subagent.spec.tool_refs if tool in tools], _enabled(tools)),
            ):
                if more := [one for one in has if one not in may]:
                    related = ((site_of(subagent.manifest, f"spec.{field}"), "what it has"),)
                    message = f"AgentSubagent {reference.name} has {names(more)}, which the stack has not"
                    yield issue_of(stack.manifest, "KR204", message, reference.field, related=related)


def wider_workspace(world: World) -> Iterator[Issue]:
    """KR204, for workspaces: a subagent has no wider one than its stack."""
    for stack in world.of(AgentStackSpec):
        for _, workspace in references_of(world, stack.manifest, stack.kind, "spec.workspacePolicyRef"):
            for reference, subagent in references_of(world, stack.manifest, stack.kind, "spec.subagentRefs"):
                scope, mode = subagent.spec.workspace_scope, workspace.spec.mode
                if is_broader(scope, mode, WORKSPACE_MODES):
                    related = ((site_of(subagent.manifest, "spec.workspaceScope"), "what it has"),)
                    message = f"AgentSubagent {reference.name} works in {scope}, its stack in {mode}"
                    yield issue_of(stack.manifest, "KR204", message, reference.field, related=related)


def _native_tools(world: World, stack: Resource[AgentStackSpec]) -> Mapping[str, bool]:
    """Native tools by name and whether the stack's profile switches them on; empty where the profile isn't known."""
    profile = world.find(stack.organization, "AgentToolProfile", stack.spec.tool_profile_ref or "")
    return {} if profile is None else msgspec.to_builtins(profile.spec.native_tools)


def _enabled(tools: Mapping[str, bool]) -> list[str]:
    return [name for name, is_on in tools.items() if is_on]


def forbidden_fragment(world: World) -> Iterator[Issue]:
    """KR207: the text of a label or skill hides nothing, reads no secret and grants no permission."""
    fragments: list[tuple[Resource[Any], str | None]] = [
        *((one, one.spec.prompt_fragment) for one in world.of(AgentContextLabelSpec)),
        *((one, one.spec.prompt_fragment) for one in world.of(AgentSkillSpec)),
    ]
    for one, text in fragments:
        for fault in fragment_faults(text or ""):
            yield issue_of(one.manifest, "KR207", fault, "spec.promptFragment")


def fragment_faults(text: str) -> Iterator[str]:
    """What is forbidden in a text that becomes part of a prompt; nothing of the text itself is told."""
    if next(hidden_characters(text), None) is not None:
        yield "the text holds characters that a reader doesn't see"
    if invisible_ranges(text):
        yield "the text holds a comment or element that a reader doesn't see"
    if _SECRET_REFERENCE.search(text):
        yield "the text refers to the value of a secret"
    if (found := _PERMISSION.search(text)) is not None:
        yield f"the text sets {found[1]}, which no text can"


def bad_patterns(world: World) -> Iterator[Issue]:
    """KR208: patterns of commands can be split into words, matchers compile."""
    for one, field, commands in _commands(world):
        for at, command in enumerate(commands):
            if not _splits(command):
                message = "the pattern is no command: a quote is not closed, or nothing is in it"
                yield issue_of(one.manifest, "KR208", message, f"spec.{field}[{at}]")
    for rule in world.of(AgentTriggerRuleSpec):
        match = rule.spec.match
        if match.failure_signature is not None and not _compiles(match.failure_signature):
            yield issue_of(
                rule.manifest, "KR208", "the regular expression does not compile", "spec.match.failureSignature"
            )
        for at, payload in enumerate(match.payload):
            if not _JSON_PATH.match(payload.json_path):
                message = "the path must look like $.name[0].other"
                yield issue_of(rule.manifest, "KR208", message, f"spec.match.payload[{at}].jsonPath")


def allowed_and_denied(world: World) -> Iterator[Issue]:
    """KR209: no command is both allowed and denied."""
    for one in _commanded(world):
        denied = one.spec.denied_commands
        for at, command in enumerate(one.spec.allowed_commands):
            if command in denied:
                related = ((site_of(one.manifest, f"spec.deniedCommands[{denied.index(command)}]"), "denied here"),)
                message = "the same command is denied, which wins"
                yield issue_of(one.manifest, "KR209", message, f"spec.allowedCommands[{at}]", related=related)


def _commanded(world: World) -> Iterator[Resource[Any]]:
    yield from world.of(AgentStackSpec)
    yield from world.of(AgentToolProfileSpec)


def _commands(world: World) -> Iterator[tuple[Resource[Any], str, tuple[str, ...]]]:
    for one in _commanded(world):
        yield one, "allowedCommands", one.spec.allowed_commands
        yield one, "deniedCommands", one.spec.denied_commands


def _splits(command: str) -> bool:
    try:
        return bool(shlex.split(command))
    except ValueError:
        return False


def _compiles(expression: str) -> bool:
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(expression, options)
    except re2.error:
        return False
    return True
