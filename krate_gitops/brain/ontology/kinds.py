"""``node-kinds.yaml`` and ``edge-kinds.yaml``: one kind at a time, each as complete as its text allows.

A kind without a usable name is left out. Anything else that is wrong in a kind falls back to its default, so that one
slip does not turn every record of the kind into a record of an unknown kind.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeVar

from krate_gitops.brain.base_fields import SENSITIVITIES
from krate_gitops.brain.model import ATTRIBUTE_TYPES, AttributeType, EdgeKind, ExternalPrefix, NodeKind
from krate_gitops.brain.ontology.reader import Section, scalar_text

NODE_KIND_NAME = re.compile(r"[A-Z][A-Za-z0-9]*\Z")
EDGE_KIND_NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*\Z")
ID_PREFIX = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*\Z")
RELAXED_ID_PREFIX = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)*\Z")

STATES = ("active", "deprecated")
FORMS = ("graph", "markdown")
ACYCLIC = ("no", "warn", "error")
TRAVERSE = ("full", "leaf", "none")

_PASCAL = "a PascalCase name such as AgentPractice"
_SNAKE = "a snake_case name such as depends_on"
_PREFIX = "lower case words joined by hyphens, such as agent-practice"

Named = TypeVar("Named", NodeKind, EdgeKind, ExternalPrefix)
Pointers = dict[str, str]
"""Name of a part → pointer of its place in the file."""


class Keeper:
    """Keeps the first part of each name; a second one is KB083."""

    def __init__(self, key: str) -> None:
        self._key = key
        self.pointers: Pointers = {}

    def admits(self, section: Section, name: str) -> bool:
        if name in self.pointers:
            section.report.add("KB083", f'{self._key} "{name}" is declared twice', section.at(self._key))
            return False
        self.pointers[name] = section.pointer
        return True


def read_node_kinds(root: Section, *, foreign: bool) -> tuple[dict[str, NodeKind], Pointers]:
    """Kinds by name, and where each stands. ``foreign`` admits several prefixes a kind, and camelCase ones."""
    keeper = Keeper("name")
    kinds: dict[str, NodeKind] = {}
    for section in root.sections("nodeKinds", required=True):
        kind = _node_kind(section, RELAXED_ID_PREFIX if foreign else ID_PREFIX, foreign)
        if kind.name and keeper.admits(section, kind.name):
            kinds[kind.name] = kind
    return kinds, keeper.pointers


def _node_kind(section: Section, prefix: re.Pattern[str], foreign: bool) -> NodeKind:
    first = section.text("idPrefix", "", required=True, pattern=prefix, expected=_PREFIX)
    more = section.texts("idPrefixes", accept=_matches(prefix), expected=_PREFIX) if foreign else ()
    state, replaced_by = _state(section)
    kind = NodeKind(
        name=section.text("name", "", required=True, pattern=NODE_KIND_NAME, expected=_PASCAL),
        id_prefix=first,
        id_prefixes=tuple(dict.fromkeys((first, *more))) if first else more,
        description=section.text("description", "").strip(),
        state=state,
        replaced_by=replaced_by,
        forms=section.texts("forms", FORMS, accept=FORMS.__contains__, expected="graph or markdown") or FORMS,
        paths=section.texts("paths", ("**",), expected="a path pattern") or ("**",),
        required=section.texts("required", expected="a field name"),
        attributes=_attributes(section),
        default_sensitivity=section.choice("defaultSensitivity", SENSITIVITIES, None),
        min_sensitivity=section.choice("minSensitivity", SENSITIVITIES, None),
        archive_direct=section.flag("archiveDirect", False),
        review_after_days=section.integer("reviewAfterDays", None, 1),
        examples=section.texts("examples", expected="an id"),
    )
    section.close()
    return kind


def _state(section: Section) -> tuple[str, str | None]:
    return section.choice("state", STATES, "active"), section.text("replacedBy", None, expected="the name of a kind")


def _attributes(section: Section) -> Mapping[str, AttributeType]:
    declared = section.section("attributes")
    if declared is None:
        return {}
    attributes: dict[str, AttributeType] = {}
    for name in declared.names():
        part = declared.section(name)
        if part is not None:
            attributes[name] = _attribute(part)
        elif declared.get(name) is None:
            declared.wrong(name, "a map with a type, such as {type: string}")
    return attributes


def _attribute(part: Section) -> AttributeType:
    name = part.choice("type", ATTRIBUTE_TYPES, None)
    if part.get("type") is None:
        part.report.add("KB081", '"type" is missing', part.pointer, hint="one of " + ", ".join(ATTRIBUTE_TYPES))
    values = _terms(part) if name == "enum" else ()
    kinds = part.texts("kinds", expected="the name of a kind") if name in ("id", "id-list") else ()
    part.close()
    # What cannot be read is held to nothing, so that records are not blamed for it.
    if name is None or (name == "enum" and not values):
        return AttributeType("object")
    return AttributeType(name, values, kinds)


def _terms(part: Section) -> tuple[str, ...]:
    listed = part.get("values")
    terms = [scalar_text(item) for item in listed] if isinstance(listed, list) else []
    if not terms or None in terms:
        part.report.add("KB081", "an enum needs its values, a list of texts", part.at("values"))
    return tuple(term for term in terms if term is not None)


def read_external_prefixes(root: Section, *, foreign: bool) -> tuple[dict[str, ExternalPrefix], Pointers]:
    pattern = RELAXED_ID_PREFIX if foreign else ID_PREFIX
    keeper = Keeper("prefix")
    found: dict[str, ExternalPrefix] = {}
    for section in root.sections("externalPrefixes"):
        external = ExternalPrefix(
            prefix=section.text("prefix", "", required=True, pattern=pattern, expected=_PREFIX),
            description=section.text("description", "").strip(),
            resource_kind=section.text("resourceKind", None),
        )
        section.close()
        if external.prefix and keeper.admits(section, external.prefix):
            found[external.prefix] = external
    return found, keeper.pointers


def read_edge_kinds(root: Section) -> tuple[dict[str, EdgeKind], Pointers]:
    """Edge kinds by name, and where each stands."""
    keeper = Keeper("name")
    kinds: dict[str, EdgeKind] = {}
    for section in root.sections("edgeKinds", required=True):
        kind = _edge_kind(section)
        if kind.name and keeper.admits(section, kind.name):
            kinds[kind.name] = kind
    return kinds, keeper.pointers


def _edge_kind(section: Section) -> EdgeKind:
    state, replaced_by = _state(section)
    least = section.integer("minPerSource", 0, 0)
    most = section.integer("maxPerSource", None, 1)
    if most is not None and least > most:
        section.wrong("maxPerSource", f"at least minPerSource, which is {least}")
        most = None
    kind = EdgeKind(
        name=section.text("name", "", required=True, pattern=EDGE_KIND_NAME, expected=_SNAKE),
        description=section.text("description", "").strip(),
        state=state,
        replaced_by=replaced_by,
        domain=_ends(section, "domain", ("*",)),
        range=_ends(section, "range", ("*", "@same")),
        external=_ends(section, "external", ("*",), default=()),
        min_per_source=least,
        max_per_source=most,
        inverse=section.text("inverse", None, expected="the name of an edge kind"),
        acyclic=section.choice("acyclic", ACYCLIC, "no"),
        traverse=section.choice("traverse", TRAVERSE, "full"),
        examples=section.texts("examples", expected="an edge as text"),
    )
    section.close()
    return kind


def _ends(section: Section, key: str, wild: tuple[str, ...], default: tuple[str, ...] = ("*",)) -> tuple[str, ...]:
    """Names of one end; a wildcard stands alone."""
    names = section.texts(key, default, expected="a name")
    for name in names:
        if name[0] in "*@" and (name not in wild or len(names) > 1):
            section.wrong(key, "a list of names, or alone " + " or ".join(f'["{item}"]' for item in wild))
            return default
    return names


def _matches(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda text: pattern.match(text) is not None
