"""Changes in one form: what means the same is the same, and has the same digest."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from krate_gitops.reconcile.writer.request import Apply, Assign, Change, Delete
from krate_gitops.resources.edit.canonical import canonical_object
from krate_gitops.resources.edit.fields import parse_path, pointer
from krate_gitops.resources.schema import find_kind

_NATIVE = {"configmap": "ConfigMap", "configmaps": "ConfigMap", "cm": "ConfigMap"}


def normal_changes(changes: Sequence[Change]) -> tuple[Change, ...]:
    """The changes with full kinds, full field paths and canonical objects. Raises ``UsageError(INVALID_REQUEST)``."""
    return tuple(_normal(change) for change in changes)


def full_kind(name: str) -> str:
    """The kind that any of its names means. Raises ``UsageError(INVALID_REQUEST)``."""
    return _NATIVE.get(name.lower()) or find_kind(name).name


def _normal(change: Change) -> Change:
    if isinstance(change, Apply):
        return msgspec.structs.replace(change, object=canonical_object(change.object))
    if isinstance(change, Assign):
        return Assign(
            kind=full_kind(change.kind),
            name=change.name,
            fields={pointer(parse_path(field)): value for field, value in change.fields.items()},
            remove=tuple(pointer(parse_path(field)) for field in change.remove),
        )
    if isinstance(change, Delete):
        return Delete(kind=full_kind(change.kind), name=change.name)
    return change
