"""Policy rules of roles: what they allow, and whether some rules cover others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from krate_gitops.cluster.dev.access.attributes import Attributes, quoted_list

ALL = "*"


class Rule(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """One rule, for resources or for paths. Lists keep the order they were written in."""

    verbs: tuple[str, ...] = ()
    api_groups: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    resource_names: tuple[str, ...] = ()
    non_resource_urls: tuple[str, ...] = msgspec.field(default=(), name="nonResourceURLs")

    def allows(self, what: Attributes) -> bool:
        """Whether this rule alone allows ``what``."""
        if what.verb not in self.verbs and ALL not in self.verbs:
            return False
        if what.path:
            return any(_path_matches(pattern, what.path) for pattern in self.non_resource_urls)
        if what.group not in self.api_groups and ALL not in self.api_groups:
            return False
        if self.resource_names and what.name not in self.resource_names:
            return False
        if ALL in self.resources or what.full_resource in self.resources:
            return True
        return bool(what.subresource) and f"*/{what.subresource}" in self.resources

    def atoms(self) -> Iterator[Rule]:
        """The rule in pieces of one verb, one group, one resource and one name, or of one verb and one path."""
        for resource in self.resources:
            for group in self.api_groups:
                for verb in self.verbs:
                    for name in self.resource_names or (None,):
                        names = () if name is None else (name,)
                        yield Rule((verb,), (group,), (resource,), names)
        for path in self.non_resource_urls:
            for verb in self.verbs:
                yield Rule((verb,), non_resource_urls=(path,))

    def covers_atom(self, atom: Rule) -> bool:
        """Whether all that ``atom`` (see ``atoms``) allows is allowed by this rule alone."""
        if ALL not in self.verbs and atom.verbs[0] not in self.verbs:
            return False
        if atom.non_resource_urls:
            wanted = atom.non_resource_urls[0]
            return any(_path_matches(owned, wanted) for owned in self.non_resource_urls)
        if ALL not in self.api_groups and atom.api_groups[0] not in self.api_groups:
            return False
        if self.resource_names and (not atom.resource_names or atom.resource_names[0] not in self.resource_names):
            return False
        resource = atom.resources[0]
        if ALL in self.resources or resource in self.resources:
            return True
        _, slash, subresource = resource.partition("/")
        return bool(slash) and f"*/{subresource}" in self.resources

    def shown(self) -> str:
        """The rule on one line, as refusals to grant it print it."""
        parts = (
            ("APIGroups", self.api_groups),
            ("Resources", self.resources),
            ("NonResourceURLs", self.non_resource_urls),
            ("ResourceNames", self.resource_names),
            ("Verbs", self.verbs),
        )
        return "{" + ", ".join(f"{label}:{quoted_list(values)}" for label, values in parts if values) + "}"


def read_rules(role: dict[str, Any]) -> tuple[Rule, ...]:
    """The rules of a Role or ClusterRole as it is stored. What is no rule is left out: it can allow nothing."""
    rules = []
    for rule in role.get("rules") or ():
        try:
            rules.append(msgspec.convert(_without_nulls(rule), Rule))
        except msgspec.ValidationError:
            continue
    return tuple(rules)


def missing_rights(owned: Iterable[Rule], wanted: Iterable[Rule]) -> list[Rule]:
    """The pieces of ``wanted`` that no rule of ``owned`` covers, verbs of one resource put together again."""
    owned = tuple(owned)
    simple: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    missing = []
    for rule in wanted:
        for atom in rule.atoms():
            if any(held.covers_atom(atom) for held in owned):
                continue
            if atom.non_resource_urls:
                missing.append(atom)
                continue
            verbs = simple.setdefault((atom.api_groups[0], atom.resources[0], atom.resource_names), [])
            if atom.verbs[0] not in verbs:
                verbs.append(atom.verbs[0])
    for (group, resource, names), verbs in simple.items():
        missing.append(Rule(tuple(verbs), (group,), (resource,), names))
    return missing


def _path_matches(pattern: str, path: str) -> bool:
    """Whether a path, or all paths of another pattern, are among those of ``pattern``."""
    if pattern in (ALL, path):
        return True
    return pattern.endswith(ALL) and path.startswith(pattern.rstrip(ALL))


def _without_nulls(rule: object) -> object:
    if not isinstance(rule, dict):
        return rule
    return {key: value for key, value in rule.items() if value is not None}
