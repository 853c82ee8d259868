"""Personas and definitions: how an agent presents itself, and which stack is behind it."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, field

from krate_gitops.resources.kinds.common import (
    Agreement,
    OrgSpec,
    Part,
    RequiredPrompt,
    SkillRef,
    StackRef,
    Strings,
    Text,
    TriggerRuleRef,
    ref,
)

_ONE = (
    Agreement(
        "",
        "give either ref or inline",
        lambda part: (part.ref is None) != (part.inline is None),
        "has(self.ref) != has(self.inline)",
    ),
)


class SoulChoice(Part, frozen=True):
    """A soul by name, or its content."""

    agreements = _ONE
    ref: Annotated[str, ref("AgentSoul")] | None = None
    inline: dict[str, Any] | None = None


class AppearanceChoice(Part, frozen=True):
    """An appearance by name, or its content."""

    agreements = _ONE
    ref: Annotated[str, ref("AgentAppearance")] | None = None
    inline: dict[str, Any] | None = None


class VoiceChoice(Part, frozen=True):
    """A voice by name, or its content."""

    agreements = _ONE
    ref: Annotated[str, ref("AgentVoiceProfile")] | None = None
    inline: dict[str, Any] | None = None


class AgentPersonaSpec(OrgSpec, frozen=True):
    """How an agent presents itself."""

    display_name: Text
    tagline: str | None = None
    soul: SoulChoice | None = None
    personality: Any = None
    role: Text | None = None
    skill_refs: tuple[SkillRef, ...] = ()
    knowledge_refs: Strings = ()
    appearance: AppearanceChoice | None = None
    voice_profile: VoiceChoice | None = None


class AgentSoulSpec(OrgSpec, frozen=True):
    """Text that shapes a character."""

    content: RequiredPrompt


class AgentAppearanceSpec(OrgSpec, frozen=True):
    """How an agent looks."""

    attributes: dict[str, Any] = field(default_factory=dict)


class AgentVoiceProfileSpec(OrgSpec, frozen=True):
    """How an agent sounds."""

    tts_provider: Text
    settings: dict[str, Any] = field(default_factory=dict)


class AgentDefinitionSpec(OrgSpec, frozen=True):
    """A persona on exactly one stack."""

    persona_ref: Annotated[str, ref("AgentPersona")]
    stack_ref: StackRef
    scope: Text | None = None
    role_context: Annotated[str, Meta(max_length=65_536)] | None = None
    trigger_refs: tuple[TriggerRuleRef, ...] = ()
    meeting_config: dict[str, Any] | None = None
    limits: dict[str, Any] | None = None
