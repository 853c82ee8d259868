"""The kinds that are served now: built-in ones, and those of established definitions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from krate_gitops.cluster.dev.builtin.kind import BuiltIn, Column
from krate_gitops.cluster.dev.builtin.registry import built_in_kinds
from krate_gitops.cluster.dev.kinds import Kind, Object, Subresource
from krate_gitops.cluster.dev.rules import BuiltInRules, CustomRules, NewerEventRules
from krate_gitops.cluster.dev.schemas.structural import compile_schema
from krate_gitops.cluster.dev.verbs.columns import custom_columns

_CUSTOM_VERBS = ("delete", "deletecollection", "get", "list", "patch", "create", "update", "watch")
_STATUS = Subresource("status", ("get", "patch", "update"))
_EVENTS = ("", "events")

_VERSION = re.compile(r"v(\d+)(?:(alpha|beta)(\d+))?")


class Catalog:
    """Kinds by group, version and plural. ``revision`` grows with every change."""

    def __init__(self) -> None:
        self._built_in = [_built_in(kind) for kind in built_in_kinds()]
        self._custom: dict[str, list[Kind]] = {}
        self.revision = 0
        self._index()

    def find(self, group: str, version: str, plural: str) -> Kind | None:
        """The kind at a path."""
        return self._by_path.get((group, version, plural))

    def kinds(self) -> Iterator[Kind]:
        """Every kind in every version."""
        yield from self._built_in
        for kinds in self._custom.values():
            yield from kinds

    def built_in_groups(self) -> set[str]:
        """Names of groups that are always there."""
        return self._groups

    def of_definition(self, name: str) -> list[Kind]:
        """The kinds that a definition serves."""
        return self._custom.get(name, [])

    def set_definition(self, name: str, definition: Object | None) -> list[Kind]:
        """Takes over what a definition says now (``None``: it is gone); answers the kinds that were served before."""
        before = self._custom.pop(name, [])
        if definition is not None and is_established(definition):
            kinds = _custom_kinds(definition)
            if kinds:
                self._custom[name] = kinds
        self.revision += 1
        self._index()
        return before

    def _index(self) -> None:
        self._by_path = {(kind.group, kind.version, kind.plural): kind for kind in self.kinds()}
        self._groups = {kind.group for kind in self._built_in}


def is_established(definition: Object) -> bool:
    """Whether a definition is served."""
    conditions = (definition.get("status") or {}).get("conditions") or ()
    return any(each["type"] == "Established" and each["status"] == "True" for each in conditions)


def by_priority(version: str) -> tuple[Any, ...]:
    """A key that sorts versions as clients prefer them: v2, v1, v1beta1, v1alpha1, then others by name."""
    found = _VERSION.fullmatch(version)
    if found is None:
        return (1, version)
    level = {None: 0, "beta": 1, "alpha": 2}[found.group(2)]
    return (0, level, -int(found.group(1)), -int(found.group(3) or 0))


def _built_in(kind: BuiltIn) -> Kind:
    is_event = kind.plural == "events"
    return Kind(
        group=kind.group,
        version=kind.version,
        kind=kind.kind,
        plural=kind.plural,
        singular=kind.singular,
        list_kind=f"{kind.kind}List",
        namespaced=kind.namespaced,
        rules=_rules(kind),
        verbs=kind.verbs,
        short_names=kind.short_names,
        categories=kind.categories,
        subresources=tuple(
            Subresource(each.name, each.verbs, (each.group, each.version, each.kind) if each.kind else None)
            for each in kind.subresources
        ),
        columns=kind.columns or _default_columns(),
        storage=_EVENTS if is_event else (kind.group, kind.plural),
        storage_version=kind.storage_version or kind.version,
        keeps_generation=kind.has_generation,
        creates_by_put=kind.creates_on_update,
        needs_version=kind.needs_version,
        returns_deleted=kind.returns_deleted,
    )


def _rules(kind: BuiltIn) -> BuiltInRules:
    if kind.plural == "events" and kind.group:
        older = next(each for each in built_in_kinds() if (each.group, each.plural) == _EVENTS)
        return NewerEventRules(kind, older)
    return BuiltInRules(kind)


def _default_columns() -> tuple[Column, ...]:
    return (
        Column(
            "Name", "string", "Name must be unique within a namespace.", lambda each: each["metadata"]["name"], "name"
        ),
        Column("Created At", "date", "When the object was made.", lambda each: each["metadata"]["creationTimestamp"]),
    )


def _custom_kinds(definition: Object) -> list[Kind]:
    spec = definition["spec"]
    names = {**spec["names"], **{key: item for key, item in definition["status"]["acceptedNames"].items() if item}}
    storage = next(each["name"] for each in spec["versions"] if each.get("storage"))
    served = [each for each in spec["versions"] if each.get("served")]
    return [
        _custom(spec, names, version, storage, served)
        for version in sorted(served, key=lambda each: by_priority(each["name"]))
    ]


def _custom(spec: Object, names: Object, version: Object, storage: str, served: list[Object]) -> Kind:
    group, namespaced = spec["group"], spec["scope"] == "Namespaced"
    status = (version.get("subresources") or {}).get("status") is not None
    schema = (version.get("schema") or {}).get("openAPIV3Schema") or {}
    rules = CustomRules(
        compile_schema(schema),
        f"{group}/{version['name']}",
        names["kind"],
        stored_version=f"{group}/{storage}",
        namespaced=namespaced,
        status=status,
    )
    return Kind(
        group=group,
        version=version["name"],
        kind=names["kind"],
        plural=names["plural"],
        singular=names["singular"],
        list_kind=names["listKind"],
        namespaced=namespaced,
        rules=rules,
        verbs=_CUSTOM_VERBS,
        short_names=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        subresources=(_STATUS,) if status else (),
        columns=custom_columns(version.get("additionalPrinterColumns")),
        storage=(group, names["plural"]),
        storage_version=storage,
        custom=True,
        deprecation=_deprecation(group, names["kind"], version, served),
        selectable=tuple(each["jsonPath"].lstrip(".") for each in version.get("selectableFields") or ()),
        keeps_generation=True,
        needs_version=True,
        typed_items=True,
    )


def _deprecation(group: str, kind: str, version: Object, served: list[Object]) -> str:
    if not version.get("deprecated"):
        return ""
    if version.get("deprecationWarning"):
        return str(version["deprecationWarning"])
    said = f"{group}/{version['name']} {kind} is deprecated"
    better = sorted((each["name"] for each in served if not each.get("deprecated")), key=by_priority)
    newer = [name for name in better if by_priority(name) < by_priority(version["name"])]
    return f"{said}; use {group}/{newer[0]} {kind}" if newer else said
