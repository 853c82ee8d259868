"""KR605: no role says "everything", and the process that people reach sees no Secret."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from krate_gitops.resources.package.contents import Finding, Object, Package

WEB = "web"
_ROLES, _BINDINGS = ("Role", "ClusterRole"), ("RoleBinding", "ClusterRoleBinding")
_WILDCARD = re.compile(r"""(?:[\[,:]\s*|^\s*-\s+)["']\*["']""", re.MULTILINE)


def broad_roles(package: Package) -> Iterator[Finding]:
    """KR605."""
    for path, text in package.templates.items():
        if _WILDCARD.search(text):
            yield Finding("KR605", path, "the template grants a wildcard")
    for objects in package.rendered.values():
        roles = [one for one in objects if one.kind in _ROLES]
        for role in roles:
            if any("*" in (*_list(rule, "resources"), *_list(rule, "verbs"), *_list(rule, "apiGroups"))
                   for rule in role.content.get("rules") or ()):  # fmt: skip
                yield Finding("KR605", role.path, f"{role.kind} {role.name} grants a wildcard")
        yield from _web(objects, roles)


def _web(objects: Sequence[Object], roles: Sequence[Object]) -> Iterator[Finding]:
    """What the web account is bound to, whatever the role is called; and what roles of its component say."""
    accounts = {one.name for one in objects if one.kind == "ServiceAccount" and one.component == WEB}
    by_name = {(one.kind, one.name): one for one in roles}
    reached = {(one.kind, one.name) for one in roles if one.component == WEB}
    for binding in (one for one in objects if one.kind in _BINDINGS):
        subjects = binding.content.get("subjects") or ()
        if not any(one.get("kind") == "ServiceAccount" and one.get("name") in accounts for one in subjects):
            continue
        reference = binding.content["roleRef"]
        if (reference["kind"], reference["name"]) not in by_name:
            yield Finding(
                "KR605", binding.path, f"{binding.name} binds web to {reference['name']}, which is not of this chart"
            )
        reached.add((reference["kind"], reference["name"]))
    for key in sorted(reached & by_name.keys()):
        if any(_reads_secrets(rule) for rule in by_name[key].content.get("rules") or ()):
            yield Finding("KR605", by_name[key].path, f"{key[0]} {key[1]} lets web read Secrets")


def _reads_secrets(rule: dict[str, Any]) -> bool:
    resources = {one.partition("/")[0] for one in _list(rule, "resources")}
    return bool(resources & {"secrets", "*"} and {"", "*"} & set(_list(rule, "apiGroups")))


def _list(rule: dict[str, Any], name: str) -> list[str]:
    return rule.get(name) or []
