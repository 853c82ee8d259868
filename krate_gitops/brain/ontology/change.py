"""Two ontologies compared: what changed, which version that asks for, and whether records still use what went away.

A change is *major* when content that was right may now be wrong, *minor* when more is right than before, *patch* when
only words changed.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from krate_gitops.brain.base_fields import SENSITIVITIES
from krate_gitops.brain.model import (
    AttributeType,
    EdgeKind,
    Finding,
    NodeKind,
    Ontology,
    OntologyFinding,
    ValidationRules,
    Vocabulary,
)
from krate_gitops.brain.ontology.kinds import ACYCLIC, TRAVERSE
from krate_gitops.brain.ontology.load import EDGE_KINDS, NODE_KINDS, RULES, VOCABULARY, version_key


class ChangeLevel(enum.IntEnum):
    """Ordered, so that the level of a whole change is a maximum."""

    NONE = 0
    PATCH = 1
    MINOR = 2
    MAJOR = 3

    @property
    def label(self) -> str:
        return self.name.lower()


class Reason(msgspec.Struct, frozen=True):
    """One difference. ``subject`` is the part it is about, such as ``Runbook`` or ``Runbook.trigger``."""

    level: ChangeLevel
    path: str
    subject: str
    message: str


class Change(msgspec.Struct, frozen=True):
    """All differences, most serious first, and the level they add up to."""

    level: ChangeLevel
    reasons: tuple[Reason, ...]


class Usage(msgspec.Struct, frozen=True):
    """How many records use each part: kinds, edge kinds, and (kind, attribute) pairs."""

    node_kinds: Mapping[str, int] = {}
    edge_kinds: Mapping[str, int] = {}
    attributes: Mapping[tuple[str, str], int] = {}


def classify_change(old: Ontology, new: Ontology) -> Change:
    """What happened between two ontologies."""
    reasons = [
        *_parts(NODE_KINDS, "kind", old.node_kinds, new.node_kinds, _node_kind),
        *_parts(NODE_KINDS, "external prefix", old.external_prefixes, new.external_prefixes, _words_only),
        *_parts(EDGE_KINDS, "edge kind", old.edge_kinds, new.edge_kinds, _edge_kind),
        *_parts(VOCABULARY, "vocabulary", old.vocabularies, new.vocabularies, _vocabulary),
        *_rules(old.rules, new.rules),
    ]
    reasons.sort(key=lambda reason: (-reason.level, reason.path, reason.subject, reason.message))
    return Change(max((reason.level for reason in reasons), default=ChangeLevel.NONE), tuple(reasons))


def required_version(old: str, level: ChangeLevel) -> str:
    """The least version after ``old`` that a change of the level may carry."""
    major, minor, patch, _ = version_key(old)
    if level is ChangeLevel.MAJOR:
        return f"{major + 1}.0.0"
    if level is ChangeLevel.MINOR:
        return f"{major}.{minor + 1}.0"
    return f"{major}.{minor}.{patch + 1}" if level is ChangeLevel.PATCH else old


def check_bump(old: Ontology, new: Ontology) -> list[OntologyFinding]:
    """KB087 when the new version is lower than the change asks for, or than the old version."""
    change = classify_change(old, new)
    needed = required_version(old.version, change.level)
    if version_key(new.version) >= version_key(needed):
        return []
    if version_key(new.version) < version_key(old.version):
        message = f"ontologyVersion went back from {old.version} to {new.version}"
        path = NODE_KINDS
    else:
        first = change.reasons[0]
        message = f"{first.message} without a {change.level.label} bump"
        path = first.path
    finding = Finding("KB087", message, record=0, field="ontologyVersion", hint=f"set ontologyVersion to {needed}")
    return [OntologyFinding(path, finding)]


def removed_in_use(old: Ontology, new: Ontology, usage: Usage) -> list[OntologyFinding]:
    """KB085 for kinds and attributes that are gone while records of the new commit use them."""
    findings = [
        *_gone(NODE_KINDS, "nodeKinds", old.node_kinds, new.node_kinds, usage.node_kinds, "record"),
        *_gone(EDGE_KINDS, "edgeKinds", old.edge_kinds, new.edge_kinds, usage.edge_kinds, "edge"),
    ]
    for name, kind in new.node_kinds.items():
        before = old.node_kinds[name].attributes if name in old.node_kinds else {}
        for attribute in sorted(before.keys() - kind.attributes.keys()):
            uses = usage.attributes.get((name, attribute), 0)
            if uses:
                findings.append(_in_use(NODE_KINDS, "nodeKinds", f"{name}.{attribute}", uses, "record"))
    return findings


def _gone(
    path: str, key: str, old: Mapping[str, Any], new: Mapping[str, Any], uses: Mapping[str, int], what: str
) -> Iterator[OntologyFinding]:
    for name in sorted(old.keys() - new.keys()):
        if uses.get(name, 0):
            yield _in_use(path, key, name, uses[name], what)


def _in_use(path: str, key: str, subject: str, uses: int, what: str) -> OntologyFinding:
    message = f"{subject} removed but used by {uses} {what}{'s' if uses > 1 else ''}"
    return OntologyFinding(
        path, Finding("KB085", message, record=0, field=key, hint="deprecate it until nothing uses it")
    )


_Difference = tuple[ChangeLevel, str, str]
"""Level, what below the part (such as ``.trigger``), message."""


def _parts(path: str, what: str, old: Mapping[str, Any], new: Mapping[str, Any], compare: Any) -> Iterator[Reason]:
    for name in sorted(old.keys() | new.keys()):
        if name not in new:
            yield Reason(ChangeLevel.MAJOR, path, name, f"{what} {name} removed")
        elif name not in old:
            # A vocabulary that closes a field is no mere addition.
            level = ChangeLevel.MAJOR if getattr(new[name], "closed", False) else ChangeLevel.MINOR
            yield Reason(level, path, name, f"{what} {name} added")
        elif old[name] != new[name]:
            for level, below, message in compare(old[name], new[name]):
                yield Reason(level, path, name + below, f"{what} {name}: {message}")


def _node_kind(old: NodeKind, new: NodeKind) -> Iterator[_Difference]:
    yield from _set("idPrefix", old.id_prefixes, new.id_prefixes)
    yield from _set("forms", old.forms, new.forms)
    yield from _open_set("paths", "**", old.paths, new.paths)
    for name in sorted(set(new.required) - set(old.required)):
        yield ChangeLevel.MAJOR, "." + name, f"{name} is now required"
    for name in sorted(set(old.required) - set(new.required)):
        yield ChangeLevel.MINOR, "." + name, f"{name} is no longer required"
    yield from _sensitivity(old, new)
    if old.archive_direct != new.archive_direct:
        yield _step(old.archive_direct, "", "archiveDirect")
    if old.review_after_days != new.review_after_days:
        yield ChangeLevel.MINOR, "", "reviewAfterDays changed"
    yield from _state(old, new)
    for name in sorted(old.attributes.keys() | new.attributes.keys()):
        yield from _attribute(name, old.attributes.get(name), new.attributes.get(name))
    yield from _words_only(old, new)


_TEXTS = frozenset(("string", "timestamp", "date", "enum", "id", "digest", "url"))


def _attribute(name: str, old: AttributeType | None, new: AttributeType | None) -> Iterator[_Difference]:
    below = "." + name
    if old is None or new is None:
        level = ChangeLevel.MINOR if old is None else ChangeLevel.MAJOR
        yield level, below, f"attribute {name} {'added' if old is None else 'removed'}"
    elif old.type != new.type:
        wider = new.type == "object" or (new.type == "text" and old.type in _TEXTS)
        level = ChangeLevel.MINOR if wider else ChangeLevel.MAJOR
        yield level, below, f"attribute {name} is {new.type}, was {old.type}"
    elif old != new:
        if old.type == "enum":
            yield from (
                (level, below, message) for level, _, message in _set(f"values of {name}", old.values, new.values)
            )
        else:
            kinds = _open_set(f"kinds of {name}", "*", old.kinds or ("*",), new.kinds or ("*",))
            yield from ((level, below, message) for level, _, message in kinds)


def _edge_kind(old: EdgeKind, new: EdgeKind) -> Iterator[_Difference]:
    yield from _open_set("domain", "*", old.domain, new.domain)
    yield from _open_set("range", "*", old.range, new.range)
    yield from _open_set("external", "*", old.external, new.external)
    if old.min_per_source != new.min_per_source:
        yield _step(new.min_per_source > old.min_per_source, "", "minPerSource")
    if old.max_per_source != new.max_per_source:
        limit = new.max_per_source
        tighter = limit is not None and (old.max_per_source is None or limit < old.max_per_source)
        yield _step(tighter, "", "maxPerSource")
    if old.inverse != new.inverse:
        yield _step(old.inverse is not None, "", "inverse")
    if old.acyclic != new.acyclic:
        yield _step(ACYCLIC.index(new.acyclic) > ACYCLIC.index(old.acyclic), "", "acyclic")
    if old.traverse != new.traverse:
        yield _step(TRAVERSE.index(new.traverse) > TRAVERSE.index(old.traverse), "", "traverse")
    yield from _state(old, new)
    yield from _words_only(old, new)


def _vocabulary(old: Vocabulary, new: Vocabulary) -> Iterator[_Difference]:
    if old.closed != new.closed:
        yield _step(new.closed, "", "closed")
    # A term that leaves an open list only turns into a warning; still, content that was right is no longer.
    yield from _set("values", old.values, new.values)
    if old.aliases != new.aliases:
        removed = old.aliases.keys() - new.aliases.keys()
        yield (ChangeLevel.MAJOR if removed and new.closed else ChangeLevel.MINOR), "", "aliases changed"


def _rules(old: ValidationRules, new: ValidationRules) -> Iterator[Reason]:
    for level, below, message in _rule_differences(old, new):
        yield Reason(level, RULES, below, message)


def _rule_differences(old: ValidationRules, new: ValidationRules) -> Iterator[_Difference]:
    if old.fail_on != new.fail_on:
        yield _step(new.fail_on == "warning", "failOn", "failOn")
    yield from (
        (level, "disabled", message) for level, _, message in _set("disabled rules", old.disabled, new.disabled)
    )
    raised = sorted(
        code for code, level in new.severity.items() if level == "error" and old.severity.get(code) != level
    )
    if old.severity != new.severity:
        yield _step(bool(raised), "severity", "severity of " + (", ".join(raised) if raised else "rules"))
    lower = new.limits.record_bytes < old.limits.record_bytes or new.limits.note_bytes < old.limits.note_bytes
    if old.limits != new.limits:
        yield _step(lower, "limits", "limits")
    if old.foreign != new.foreign:
        yield ChangeLevel.MAJOR, "foreign", "foreign mapping changed"
    for name in ("stale_after_days", "disabled_paths", "secret_scan", "prompt_injection"):
        if getattr(old, name) != getattr(new, name):
            yield ChangeLevel.MINOR, name, f"{name.replace('_', ' ')} changed"


def _state(old: NodeKind | EdgeKind, new: NodeKind | EdgeKind) -> Iterator[_Difference]:
    if (old.state, old.replaced_by) != (new.state, new.replaced_by):
        yield ChangeLevel.MINOR, "", f"state is {new.state}, was {old.state}"


def _sensitivity(old: NodeKind, new: NodeKind) -> Iterator[_Difference]:
    pairs = (
        ("defaultSensitivity", old.default_sensitivity or "internal", new.default_sensitivity or "internal"),
        ("minSensitivity", old.min_sensitivity or "public", new.min_sensitivity or "public"),
    )
    for name, before, after in pairs:
        if before != after:
            yield _step(SENSITIVITIES.index(after) > SENSITIVITIES.index(before), "", name)


def _words_only(old: Any, new: Any) -> Iterator[_Difference]:
    for name in ("description", "examples", "resource_kind"):
        if getattr(old, name, None) != getattr(new, name, None):
            yield ChangeLevel.PATCH, "", f"{name.replace('_', ' ')} reworded"


def _step(tighter: bool, below: str, name: str) -> _Difference:
    return (ChangeLevel.MAJOR, below, f"{name} narrowed") if tighter else (ChangeLevel.MINOR, below, f"{name} widened")


def _set(name: str, old: tuple[str, ...], new: tuple[str, ...]) -> Iterator[_Difference]:
    """Losing a member narrows, gaining one widens."""
    lost, gained = sorted(set(old) - set(new)), sorted(set(new) - set(old))
    if lost:
        yield ChangeLevel.MAJOR, "", f"{name} narrowed ({', '.join(lost)})"
    if gained:
        yield ChangeLevel.MINOR, "", f"{name} widened ({', '.join(gained)})"


def _open_set(name: str, wildcard: str, old: tuple[str, ...], new: tuple[str, ...]) -> Iterator[_Difference]:
    if (wildcard in old) != (wildcard in new):
        yield _step(wildcard in old, "", name)
    elif wildcard not in old:
        yield from _set(name, old, new)
