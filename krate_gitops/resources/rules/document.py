"""Rules for any document: what it says it is, its name, its metadata."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from krate_gitops.resources.kinds.common import API_VERSION, GROUP, NAME_PATTERN
from krate_gitops.resources.kinds.inventory import KINDS, MODELS, Author
from krate_gitops.resources.manifest import Issue, Manifest, issue_of, site_of
from krate_gitops.resources.structure import VALUE_NAMES, did_you_mean, shown_name
from krate_gitops.resources.world import World

NATIVE_VERSIONS = ("v1", "rbac.authorization.k8s.io/v1")
PROJECTIONS = ("ServiceAccount", "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")
"""Native kinds that controllers write from identity kinds."""
_TOP = ("apiVersion", "kind", "metadata", "spec", "status")
_CONFIG_MAP = ("apiVersion", "kind", "metadata", "data", "binaryData", "immutable")
_METADATA = ("name", "namespace", "labels", "annotations", "generateName")
SERVER_OWNED = (
    "uid", "resourceVersion", "generation", "managedFields", "ownerReferences", "finalizers", "creationTimestamp",
    "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink",
)  # fmt: skip
RESERVED_KEYS = (
    f"{GROUP}/gitops-engine", f"{GROUP}/gitops-source", f"{GROUP}/gitops-source-uid", f"{GROUP}/source-path",
    f"{GROUP}/content-digest", f"{GROUP}/approve-plan", f"{GROUP}/drift-ack", f"{GROUP}/accept-rewind",
    f"{GROUP}/reconcile-at",
)  # fmt: skip
"""Marks of ownership and consent, which live objects carry and Git never does."""
ADOPT = f"{GROUP}/adopt"
"""In Git: this object is taken over from the source of that name. On a live object it is an admin's consent."""
_NATIVE_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([-.a-z0-9]*[a-z0-9])?\Z")
_MANAGED_BY = "app.kubernetes.io/managed-by"
_NAME = re.compile(NAME_PATTERN.rstrip("$") + r"\Z")
_KEY_NAME = re.compile(r"[A-Za-z0-9]([-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?\Z")
_KEY_PREFIX = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\Z")
_MOST_ANNOTATION_BYTES = 262_144
_MOST_RELATED = 5


def unknown_version(world: World) -> Iterator[Issue]:
    """KR003: ``apiVersion`` is this program's or an admitted native one."""
    for one in world.manifests:
        if one.api_version != API_VERSION and one.api_version not in NATIVE_VERSIONS:
            missing = "apiVersion" not in one.value
            yield issue_of(one, "KR003", "apiVersion is required" if missing else "unknown apiVersion", "apiVersion")


def unknown_kind(world: World) -> Iterator[Issue]:
    """KR004: ``kind`` is one of the inventory."""
    for one in world.manifests:
        if one.is_ours and one.kind not in KINDS:
            message = f"unknown kind {shown_name(one.kind)}" if one.kind else "kind is required"
            yield issue_of(one, "KR004", message, "kind", hint=did_you_mean(one.kind, KINDS))


def missing_name(world: World) -> Iterator[Issue]:
    """KR005: ``metadata.name`` is there and a text."""
    for one in (*_ours(world), *world.natives):
        if not one.name and "generateName" not in one.metadata:
            yield issue_of(one, "KR005", "metadata.name is required", "metadata.name")


def bad_name(world: World) -> Iterator[Issue]:
    """KR006: ``metadata.name`` is a DNS-1123 label, and nothing generates it."""
    for one in (*_ours(world), *world.natives):
        if "generateName" in one.metadata:
            yield issue_of(one, "KR006", "generateName is not accepted", "metadata.generateName", at_key=True)
        elif one.name and not (_NAME if one.is_ours else _NATIVE_NAME).match(one.name):
            message = "the name must be 1 to 63 of a-z, 0-9 and -, with a letter or digit at both ends"
            yield issue_of(one, "KR006", message, "metadata.name")


def missing_spec(world: World) -> Iterator[Issue]:
    """KR007: ``spec`` is there and a map."""
    for one, _ in world.modelled:
        if not isinstance(one.value.get("spec"), dict):
            message = "spec must be a map" if "spec" in one.value else "spec is required"
            yield issue_of(one, "KR007", message, "spec")


def unknown_fields(world: World) -> Iterator[Issue]:
    """KR012, outside of specs."""
    for one, _ in world.modelled:
        for name in one.value:
            if name not in _TOP and name not in VALUE_NAMES:
                yield issue_of(one, "KR012", f"unknown field {shown_name(name)}", name, at_key=True)
    for one in world.natives:
        for name in one.value:
            if name not in (*_CONFIG_MAP, *(("spec",) if one.kind == "Namespace" else ())) and name not in VALUE_NAMES:
                yield issue_of(one, "KR012", f"unknown field {shown_name(name)}", name, at_key=True)
    for one in (*(one for one, _ in world.modelled), *world.natives):
        for name in one.metadata:
            if name not in _METADATA and name not in SERVER_OWNED:
                yield issue_of(one, "KR012", f"unknown field {shown_name(name)}", f"metadata.{name}", at_key=True)


def wrong_metadata(world: World) -> Iterator[Issue]:
    """KR009, outside of specs."""
    for one in world.manifests:
        if not isinstance(one.value.get("metadata", {}), dict):
            yield issue_of(one, "KR009", "expected a map", "metadata")
        elif not isinstance(one.metadata.get("namespace", ""), str):
            yield issue_of(one, "KR009", "expected text", "metadata.namespace")
    for one in world.natives:
        yield from _wrong_data(one)


def _wrong_data(one: Manifest) -> Iterator[Issue]:
    """Contents of a ConfigMap that aren't texts by name."""
    for part in ("data", "binaryData"):
        entries = one.value.get(part, {})
        if not isinstance(entries, dict):
            yield issue_of(one, "KR009", "expected a map", part)
            continue
        for key, value in entries.items():
            if not isinstance(value, str):
                yield issue_of(one, "KR009", "expected text; quote it", f"{part}.{key}")
    if not isinstance(one.value.get("immutable", False), bool):
        yield issue_of(one, "KR009", "expected true or false", "immutable")


def status_in_git(world: World) -> Iterator[Issue]:
    """KR013: Git says nothing about observed state."""
    for one, _ in world.modelled:
        if "status" in one.value:
            yield issue_of(one, "KR013", "status is written by controllers and left out here", "status", at_key=True)


def server_metadata(world: World) -> Iterator[Issue]:
    """KR014: Git holds nothing that the API server writes."""
    for one in world.manifests:
        for name in SERVER_OWNED:
            if name in one.metadata:
                yield issue_of(one, "KR014", f"{name} belongs to the API server", f"metadata.{name}", at_key=True)


def twice(world: World) -> Iterator[Issue]:
    """KR015: no two documents are the same object. Each is shown with the others."""
    seen: dict[tuple[str, str, str], list[Manifest]] = {}
    for one in (*(one for one, _ in world.modelled), *world.natives):
        if one.name:
            namespace = world.expected_namespace(one) or str(one.metadata.get("namespace", ""))
            seen.setdefault((one.kind, namespace, one.name), []).append(one)
    for (kind, _, name), same in seen.items():
        for one in same if len(same) > 1 else ():
            others = [other for other in same[:_MOST_RELATED] if other is not one]
            related = tuple((site_of(other, "metadata.name"), "the same object") for other in others)
            yield issue_of(
                one, "KR015", f"{kind} {name} is defined {len(same)} times", "metadata.name", related=related
            )


def never_in_git(world: World) -> Iterator[Issue]:
    """KR016: execution records and projections of identities aren't written by hand."""
    for one in world.manifests:
        if one.is_ours and one.kind in KINDS and KINDS[one.kind].author is Author.CONTROLLER:
            yield issue_of(one, "KR016", f"{one.kind} is a record that controllers write", "kind")
        elif one.api_version in NATIVE_VERSIONS and one.kind in PROJECTIONS:
            hint = "write an AgentServiceAccount or AgentRoleBinding; the native object is made from it"
            yield issue_of(one, "KR016", f"native {one.kind} objects are written by controllers", "kind", hint=hint)


def not_admitted(world: World) -> Iterator[Issue]:
    """KR017: kinds come only where the source admits them; of native ones those that it names."""
    admitted, natives = world.context.allowed_kinds, set(map(id, world.natives))
    for one in world.manifests:
        if one.api_version in NATIVE_VERSIONS:
            if one.kind not in (*PROJECTIONS, "Secret") and id(one) not in natives:
                yield issue_of(one, "KR017", "this native kind is not admitted", "kind" if one.kind else "")
        elif admitted is not None and one.is_ours and one.kind in MODELS and one.kind not in admitted:
            yield issue_of(one, "KR017", "this kind is not among those of the source", "kind")


def moved_from(manifest: Manifest) -> str:
    """Name of the source that an object is taken over from, as its author says; empty for none.

    It counts as a claim on an object that the named source of the same organization owns, and as nothing else: an
    object that nobody owns is adopted by an admin's consent on the live object alone. It is never applied.
    """
    annotations = manifest.metadata.get("annotations")
    stated = annotations.get(ADOPT) if isinstance(annotations, dict) else None
    return stated if isinstance(stated, str) else ""


def bad_labels(world: World) -> Iterator[Issue]:
    """KR019: labels and annotations are well formed, and none is a mark of ownership or consent."""
    for one in world.manifests:
        for part in ("labels", "annotations"):
            entries = one.metadata.get(part, {})
            if not isinstance(entries, dict):
                yield issue_of(one, "KR019", f"{part} must be a map", f"metadata.{part}")
                continue
            for key, value in entries.items():
                if fault := _fault(part, key, value) or _bad_move(world, part, key, value):
                    yield issue_of(one, "KR019", fault, f"metadata.{part}.{key}", at_key=isinstance(value, str))


def _bad_move(world: World, part: str, key: str, value: str) -> str:
    """What is wrong with a claim on an object of another source; empty when nothing is."""
    if key != ADOPT:
        return ""
    if part == "labels":
        return "this key is an annotation"
    if not _NAME.match(value):
        return "the value must be the name of the source that has owned the object"
    if value == world.context.source:
        return "an object can't be taken over from its own source; consent is given on the live object"
    return ""


def _ours(world: World) -> Iterator[Manifest]:
    return (one for one in world.manifests if one.is_ours)


def _fault(part: str, key: str, value: Any) -> str:
    """What is wrong with one label or annotation; empty when nothing is."""
    prefix, slash, name = key.rpartition("/")
    if not _KEY_NAME.match(name) or (slash and not (len(prefix) <= 253 and _KEY_PREFIX.match(prefix))):
        return f"the key of a {part[:-1]} is a name of at most 63 characters, with a domain and / in front or none"
    if not isinstance(value, str):
        return "the value must be text; quote it"
    if key in RESERVED_KEYS or (key == _MANAGED_BY and value == "krate-gitops"):
        return "this key says who owns an object or consents to something, and is never set in Git"
    if part == "labels" and value and not _KEY_NAME.match(value):
        return "the value of a label has at most 63 letters, digits, -, _ and ."
    if len(value.encode()) > _MOST_ANNOTATION_BYTES:
        return f"annotations have at most {_MOST_ANNOTATION_BYTES} bytes"
    return ""
