"""KR606: secrets are named, never written: not in values, not in what is rendered."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from krate_gitops.resources.package.contents import Finding, Object, Package
from krate_gitops.resources.structure import VALUE_NAMES

_SECRET_NAME = re.compile(r"(TOKEN|PASSWORD|PASSWD|SECRET|CREDENTIALS?|(API|ACCESS|PRIVATE|SIGNING)_?KEY|_KEY)(_|$)")
_NO_SECRET = frozenset({"", "true", "false"})
_SECRET_TEMPLATE = re.compile(r"^kind:\s*Secret\s*$", re.MULTILINE)


def plaintext_secrets(package: Package) -> Iterator[Finding]:
    """KR606."""
    for path in _value_names(package.values, ""):
        yield Finding("KR606", "values.yaml", f"{path} would hold a secret in plain text; name a Secret instead")
    for path, text in package.templates.items():
        if _SECRET_TEMPLATE.search(text) and ".Values." in text and ".Values.demoMode" not in text:
            yield Finding("KR606", path, "the template makes a Secret from values, in whatever mode")
    for name, objects in package.rendered.items():
        if name not in package.demo_sets:
            for one in objects:
                yield from _of_object(one)


def _value_names(values: Mapping[str, Any], above: str) -> Iterator[str]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _value_names(value, f"{above}{name}.")
        elif name in VALUE_NAMES:
            yield f"{above}{name}"


def _of_object(one: Object) -> Iterator[Finding]:
    if one.kind == "Secret" and any(one.content.get(field) for field in ("data", "stringData")):
        yield Finding("KR606", one.path, f"Secret {one.name} is rendered with its values")
    for container in _containers(one.content):
        for variable in container.get("env") or ():
            if _SECRET_NAME.search(variable["name"]) and str(variable.get("value", "")) not in _NO_SECRET:
                yield Finding(
                    "KR606", one.path, f"{variable['name']} of {one.kind} {one.name} is written, not referred to"
                )


def _containers(content: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    pod = content.get("spec") or {}
    while isinstance(pod, dict) and "template" in pod:
        pod = pod["template"].get("spec") or {}
    if isinstance(pod, dict):
        for field in ("initContainers", "containers"):
            yield from pod.get(field) or ()
