"""Checks of ``metadata``: names, labels, annotations, owners, finalizers, and what an update may not change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from krate_gitops.cluster.dev.schemas.faults import Fault, forbidden, go_quote, invalid_value, required, too_long
from krate_gitops.cluster.dev.schemas.names import NAME_RULES, label, label_value, qualified

Object = dict[str, Any]

ANNOTATIONS_LIMIT: Final = 256 * 1024
"""Bytes of all annotations of an object, keys and values."""

_STANDARD_FINALIZERS: Final = frozenset({"kubernetes", "orphan", "foregroundDeletion"})
_NO_OWNERS: Final = frozenset({("v1", "Event")})
_IMMUTABLE: Final = (
    "name",
    "namespace",
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
)


def validate_metadata(
    obj: Object,
    old: Object | None,
    *,
    namespaced: bool,
    name_rule: str = "subdomain",
    qualified_finalizers: bool = True,
) -> list[Fault]:
    """What is wrong with the metadata of an object, or of its update.

    ``name_rule`` is a word of ``names.NAME_RULES``. ``qualified_finalizers``: a finalizer needs a slash unless it is a
    standard one; so it is for built-in kinds. Faults of what can't be changed come twice, as the server has them.
    """
    metadata: Object = obj.get("metadata") or {}
    if old is None:
        return validate_new(metadata, namespaced, NAME_RULES[name_rule], qualified_finalizers)
    faults = validate_update(metadata, old.get("metadata") or {})
    return [*faults, *faults, *(_unqualified(metadata) if qualified_finalizers else ())]


def validate_new(
    metadata: Object, namespaced: bool, rule: Callable[[str], list[str]], qualified_finalizers: bool
) -> list[Fault]:
    """What is wrong with the metadata of a new object."""
    faults: list[Fault] = []
    name = metadata.get("name") or ""
    prefix = metadata.get("generateName") or ""
    if prefix:
        # The server checks the prefix as if it went on after a dash.
        checked = prefix[:-1] + "a" if prefix.endswith("-") else prefix
        faults.extend(invalid_value("metadata.generateName", prefix, text) for text in rule(checked))
    if not name:
        faults.append(required("metadata.name", "name or generateName is required"))
    else:
        faults.extend(invalid_value("metadata.name", name, text) for text in rule(name))
    namespace = metadata.get("namespace") or ""
    if namespaced and not namespace:
        faults.append(required("metadata.namespace"))
    elif namespaced:
        faults.extend(invalid_value("metadata.namespace", namespace, text) for text in label(namespace))
    elif namespace:
        faults.append(forbidden("metadata.namespace", "not allowed on this type"))
    generation = metadata.get("generation") or 0
    if generation < 0:
        faults.append(invalid_value("metadata.generation", generation, "must be greater than or equal to 0"))
    faults.extend(_described(metadata))
    faults.extend(_finalizers(metadata))
    return [*faults, *(_unqualified(metadata) if qualified_finalizers else ())]


def validate_update(new: Object, old: Object) -> list[Fault]:
    """What is wrong with a change of metadata; once."""
    faults: list[Fault] = []
    if old.get("deletionTimestamp"):
        added = sorted(set(new.get("finalizers") or ()) - set(old.get("finalizers") or ()))
        if added:
            shown = "[]string{" + ", ".join(go_quote(name) for name in added) + "}"
            text = f"no new finalizers can be added if the object is being deleted, found new finalizers {shown}"
            faults.append(forbidden("metadata.finalizers", text))
    for field in _IMMUTABLE:
        if new.get(field) != old.get(field):
            faults.append(invalid_value(f"metadata.{field}", new.get(field, _empty(field)), "field is immutable"))
    return [*faults, *_described(new)]


def _empty(field: str) -> str | None:
    """How a missing value is shown."""
    return "" if field in ("name", "namespace", "uid") else None


def _described(metadata: Object) -> list[Fault]:
    """Faults of labels, annotations and owners."""
    labels = validate_labels(metadata.get("labels") or {}, "metadata.labels")
    annotations = validate_annotations(metadata.get("annotations") or {}, "metadata.annotations")
    return [*labels, *annotations, *_owners(metadata.get("ownerReferences") or [])]


def validate_labels(labels: dict[str, str], field: str) -> list[Fault]:
    """What is wrong with labels or with a selector of the same form."""
    faults: list[Fault] = []
    for key, text in labels.items():
        faults.extend(invalid_value(field, key, message) for message in qualified(key))
        faults.extend(invalid_value(field, text, message) for message in label_value(text))
    return faults


def validate_annotations(annotations: dict[str, str], field: str) -> list[Fault]:
    """What is wrong with annotations. Their keys may be in upper case."""
    faults: list[Fault] = []
    size = 0
    for key, text in annotations.items():
        faults.extend(invalid_value(field, key, message) for message in qualified(key.lower()))
        size += len(key.encode()) + len(text.encode())
    if size > ANNOTATIONS_LIMIT:
        faults.append(too_long(field, ANNOTATIONS_LIMIT))
    return faults


def _owners(references: list[Object]) -> list[Fault]:
    """What is wrong with the owners."""
    field = "metadata.ownerReferences"
    faults: list[Fault] = []
    controller = ""
    for reference in references:
        version = reference.get("apiVersion") or ""
        if not version.rpartition("/")[2]:
            faults.append(invalid_value(f"{field}.apiVersion", version, "version must not be empty"))
        for name in ("kind", "name", "uid"):
            if not reference.get(name):
                faults.append(invalid_value(f"{field}.{name}", "", "must not be empty"))
        if (version, reference.get("kind")) in _NO_OWNERS:
            group, _, short = version.rpartition("/")
            text = f"{group}/{short}, Kind={reference['kind']} is disallowed from being an owner"
            faults.append(invalid_value(field, _owner(reference), text))
        if reference.get("controller"):
            current = f"{reference.get('kind') or ''}/{reference.get('name') or ''}"
            if controller:
                text = (
                    'Only one reference can have Controller set to true. Found "true" in references for '
                    f"{controller} and {current}"
                )
                faults.append(invalid_value(field, [_owner(one) for one in references], text))
            else:
                controller = current
    return faults


def _owner(reference: Object) -> Object:
    """A reference as messages show it."""
    fixed = {name: reference.get(name) or "" for name in ("apiVersion", "kind", "name", "uid")}
    more = {name: reference[name] for name in ("controller", "blockOwnerDeletion") if reference.get(name) is not None}
    return {**fixed, **more}


def _finalizers(metadata: Object) -> list[Fault]:
    """What is wrong with the finalizers as names."""
    names: list[str] = metadata.get("finalizers") or []
    faults = [invalid_value("metadata.finalizers", name, text) for name in names for text in qualified(name)]
    if "orphan" in names and "foregroundDeletion" in names:
        text = "finalizer orphan and foregroundDeletion cannot be both set"
        faults.append(invalid_value("metadata.finalizers", names, text))
    return faults


def _unqualified(metadata: Object) -> list[Fault]:
    """Finalizers of built-in kinds that are neither standard nor of a domain."""
    return [
        invalid_value(
            f"metadata.finalizers[{index}]", name, "name is neither a standard finalizer name nor is it fully qualified"
        )
        for index, name in enumerate(metadata.get("finalizers") or ())
        if "/" not in name and name not in _STANDARD_FINALIZERS
    ]
