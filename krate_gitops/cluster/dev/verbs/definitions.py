"""What becomes of a definition: names are accepted, kinds are served, and at the end objects are cleaned up."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from krate_gitops.cluster.dev.kinds import Object
from krate_gitops.cluster.dev.verbs.metadata import now

DEFINITIONS = ("apiextensions.k8s.io", "customresourcedefinitions")
CLEANUP = "customresourcecleanup.apiextensions.k8s.io"
WRITER = "kube-apiserver"


def mark_for_deletion(old: Object) -> Object:
    """A definition whose deletion is asked for: it waits until its objects are gone."""
    if old["metadata"].get("deletionTimestamp"):
        return old
    finalizers = old["metadata"].get("finalizers") or []
    metadata = {
        **old["metadata"],
        "deletionTimestamp": now(),
        "finalizers": finalizers if CLEANUP in finalizers else [*finalizers, CLEANUP],
    }
    message = "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon"
    status = _with_conditions(old, [_condition("Terminating", True, "InstanceDeletionPending", message)])
    return {**old, "metadata": metadata, "status": status}


def settled(definition: Object, others: Iterable[Object]) -> Object:
    """The definition with its names accepted or refused, and established or not."""
    status = definition.get("status") or {}
    names = definition["spec"]["names"]
    accepted, conflict = _accepted(names, status.get("acceptedNames") or {}, _taken(definition, others))
    if conflict is None:
        found = [_condition("NamesAccepted", True, "NoConflicts", "no conflicts found")]
        message = "the initial names have been accepted"
        found.append(_condition("Established", True, "InitialNamesAccepted", message))
    else:
        reason, name = conflict
        found = [_condition("NamesAccepted", False, reason, f'"{name}" is already in use')]
        if not is_true(definition, "Established"):
            found.append(_condition("Established", False, "NotAccepted", "not all names are accepted"))
    return {**definition, "status": {**_with_conditions(definition, found), "acceptedNames": accepted}}


def is_true(definition: Object, condition: str) -> bool:
    """Whether a condition of a definition holds."""
    conditions = (definition.get("status") or {}).get("conditions") or ()
    return any(each["type"] == condition and each["status"] == "True" for each in conditions)


def _taken(definition: Object, others: Iterable[Object]) -> tuple[set[str], set[str]]:
    """Names of resources and of kinds that other definitions of the group have."""
    resources: set[str] = set()
    kinds: set[str] = set()
    for other in others:
        if (
            other["spec"]["group"] != definition["spec"]["group"]
            or other["metadata"]["name"] == definition["metadata"]["name"]
        ):
            continue
        names = (other.get("status") or {}).get("acceptedNames") or {}
        resources |= {names.get("plural") or "", names.get("singular") or "", *(names.get("shortNames") or ())}
        kinds |= {names.get("kind") or "", names.get("listKind") or ""}
    return resources - {""}, kinds - {""}


def _accepted(names: Object, before: Object, taken: tuple[set[str], set[str]]) -> tuple[Object, tuple[str, str] | None]:
    """The names that are free, those held before where a new one isn't, and the first conflict."""
    resources, kinds = taken
    conflicts: list[tuple[str, str]] = []
    accepted: dict[str, Any] = {"plural": "", "kind": ""}
    for field, reason, used in (
        ("plural", "PluralConflict", resources),
        ("singular", "SingularConflict", resources),
        ("kind", "KindConflict", kinds),
        ("listKind", "ListKindConflict", kinds),
    ):
        wanted = names.get(field) or ""
        if wanted in used:
            conflicts.append((reason, wanted))
            wanted = before.get(field) or ""
        if wanted or field in accepted:
            accepted[field] = wanted
    short = [name for name in names.get("shortNames") or () if name in resources]
    if short:
        conflicts.append(("ShortNamesConflict", short[0]))
        kept = before.get("shortNames")
    else:
        kept = names.get("shortNames")
    if kept:
        accepted["shortNames"] = kept
    if names.get("categories"):
        accepted["categories"] = names["categories"]
    return accepted, conflicts[0] if conflicts else None


def _condition(type_: str, value: bool, reason: str, message: str) -> Object:
    status = "True" if value else "False"
    return {"type": type_, "status": status, "lastTransitionTime": now(), "reason": reason, "message": message}


def _with_conditions(definition: Object, found: list[Object]) -> Object:
    """The status with conditions set; one that says the same keeps its time."""
    status = definition.get("status") or {}
    conditions = [dict(each) for each in status.get("conditions") or ()]
    for new in found:
        place = next((index for index, each in enumerate(conditions) if each["type"] == new["type"]), None)
        if place is None:
            conditions.append(new)
            continue
        if conditions[place]["status"] == new["status"]:
            new = {**new, "lastTransitionTime": conditions[place]["lastTransitionTime"]}
            if conditions[place]["reason"] == new["reason"] or new["type"] == "Established":
                continue
        conditions[place] = new
    return {**status, "conditions": conditions}
