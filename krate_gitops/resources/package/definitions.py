"""KR601 to KR603: definitions are those of the inventory, complete, and of no execution kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from krate_gitops.resources.crds import definition
from krate_gitops.resources.kinds.common import GROUP, VERSION
from krate_gitops.resources.kinds.inventory import Author, Kind
from krate_gitops.resources.package.contents import Finding, Object, Package


def disagreeing(package: Package) -> Iterator[Finding]:
    """KR601: each kind of the inventory has one definition, which says what the inventory says."""
    found = [(kind_of(one), one) for one in package.definitions]
    count = Counter(name for name, _ in found)
    for kind in package.kinds.values():
        if kind.spec is not None and count[kind.name] != 1:
            says = "is missing" if not count[kind.name] else "is there more than once"
            yield Finding("KR601", f"crds/{kind.crd}.yaml", f"the definition of {kind.name} {says}")
    for name, one in found:
        kind_or_none = package.kinds.get(name)
        if kind_or_none is None:
            yield Finding("KR601", one.path, f"{name or one.kind or 'a document'} is no kind of the inventory")
        elif kind_or_none.spec is not None:
            for place in differences(one.content, definition(kind_or_none)):
                yield Finding("KR601", one.path, f"the definition of {name} differs from the inventory at {place}")
                break


def incomplete(package: Package) -> Iterator[Finding]:
    """KR602: definitions have a status subresource, required fields, and the organization an object belongs to."""
    for one in package.definitions:
        kind = package.kinds.get(kind_of(one))
        if kind is None or kind.author is Author.CONTROLLER:
            continue
        for version in one.content.get("spec", {}).get("versions", []):
            for lack in _lacks(version, kind):
                yield Finding("KR602", one.path, f"the definition of {kind.name} has no {lack}")


def _lacks(version: dict[str, Any], kind: Kind) -> Iterator[str]:
    if "status" not in version.get("subresources", {}):
        yield "status subresource"
    top = version.get("schema", {}).get("openAPIV3Schema", {})
    spec = top.get("properties", {}).get("spec", {})
    if kind.required and not spec.get("required"):
        yield "list of required fields"
    if kind.scoped and "organizationRef" not in spec.get("properties", {}):
        yield "organizationRef"


def execution_kinds(package: Package) -> Iterator[Finding]:
    """KR603: records are kept in a store, so their kinds are not installed with the others."""
    for one in package.definitions:
        kind = package.kinds.get(kind_of(one))
        if kind is not None and kind.author is Author.CONTROLLER:
            yield Finding("KR603", one.path, f"{kind.name} is an execution kind and does not belong under crds")


def kind_of(one: Object) -> str:
    """The kind that a definition defines, empty where it is none of this group and version."""
    spec = one.content.get("spec", {})
    versions = [version.get("name") for version in spec.get("versions", [])]
    if one.kind != "CustomResourceDefinition" or spec.get("group") != GROUP or versions != [VERSION]:
        return ""
    return str(spec.get("names", {}).get("kind", ""))


def differences(one: Any, other: Any, place: str = "") -> Iterator[str]:
    """Dotted places at which two values differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted({*one, *other}):
            yield from differences(one.get(key), other.get(key), f"{place}.{key}" if place else key)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from differences(left, right, f"{place}[{number}]")
    elif one != other:
        yield place
