"""Server-side apply: a manager says what it wants, and gets the object with that, or a conflict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from krate_gitops.cluster.dev.failure import ApiFailure
from krate_gitops.cluster.dev.fields.comparing import compare
from krate_gitops.cluster.dev.fields.conflicts import Conflict, refusal
from krate_gitops.cluster.dev.fields.entries import (
    APPLY,
    UPDATE,
    Entry,
    Owner,
    ownable,
    read_entries,
    with_entries,
    without_entries,
    without_strangers,
)
from krate_gitops.cluster.dev.fields.last_applied import KUBECTL, last_applied_fields, with_last_applied
from krate_gitops.cluster.dev.fields.merging import merged, without_unowned
from krate_gitops.cluster.dev.fields.sets import FieldSet, difference, intersection, union
from krate_gitops.cluster.dev.fields.shapes import FieldSchema, Shape, shape_of
from krate_gitops.cluster.dev.fields.typed import complaints, conforms, field_set
from krate_gitops.cluster.equality import is_same

BEFORE_FIRST_APPLY = "before-first-apply"


def apply(
    live: dict[str, Any] | None,
    applied: dict[str, Any],
    *,
    manager: str,
    schema: FieldSchema,
    force: bool,
    subresource: str = "",
    now: str,
    empty: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The object after ``manager`` has applied; ``live`` None for one that isn't there yet.

    An apply that changes nothing gives ``live`` itself. ``empty`` is what every new object of the kind has anyhow:
    nobody owns it. Raises ``ApiFailure``: 500 for what the schema doesn't know, 409 for fields of others that would
    change and aren't forced.
    """
    shape = shape_of(schema)
    _refuse_untyped(applied, shape)
    old = empty or {} if live is None else without_entries(live)
    entries = _tracked(live, old, empty or {}, shape, now)
    owner = Owner(manager, APPLY, "", subresource)
    mine = next((one for one in entries if one.owner == owner), None)
    others = [one for one in entries if one is not mine]
    wanted = ownable(field_set(applied, shape))
    whole = merged(old, applied, shape)
    if mine is not None and difference(mine.fields, wanted):
        whole = without_unowned(whole, mine.fields, _all_owned(field_set(applied, shape), others), shape)
    entry = Entry(manager, APPLY, applied["apiVersion"], subresource, mine.time if mine is not None else "", wanted)
    if live is not None and is_same(whole, old):
        # Nothing but owners may have changed: the time of an entry is that of its last change of the object.
        return _same_object(live, whole, entry, mine, others)
    found = compare(old, whole, shape)
    changed = union(found.modified, found.added)
    conflicts = [(one, hit) for one in others if (hit := intersection(one.fields, changed))]
    if conflicts and not force:
        conflicts = _not_last_applied(conflicts, manager, old, shape)
        if conflicts:
            raise refusal(conflicts)
    touched = union(changed, found.removed)
    kept = [one.with_fields(difference(one.fields, touched)) for one in others]
    return with_entries(with_last_applied(whole, applied, manager), [*kept, entry.with_fields(wanted, time=now)])


def _same_object(
    live: dict[str, Any], whole: dict[str, Any], entry: Entry, mine: Entry | None, others: list[Entry]
) -> dict[str, Any]:
    """The live object itself, or with the manager's new claims where it makes some."""
    if entry == mine and len(others) + 1 == len(read_entries(live)):
        return live
    return with_entries(whole, [*others, entry])


def _refuse_untyped(applied: dict[str, Any], shape: Shape) -> None:
    if not conforms(applied, shape):
        wrong = list(complaints(applied, shape))
        version, metadata = applied.get("apiVersion", ""), applied.get("metadata") or {}
        namespace, name = (_text(metadata.get(member)) for member in ("namespace", "name"))
        kind = f"{version if '/' in version else f'/{version}'}, Kind={applied.get('kind', '')}"
        text = wrong[0] if len(wrong) == 1 else "errors:\n  " + "\n  ".join(wrong)
        raise ApiFailure(500, "", f"failed to create typed patch object ({namespace}/{name}; {kind}): {text}")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _tracked(
    live: dict[str, Any] | None, old: dict[str, Any], empty: dict[str, Any], shape: Shape, now: str
) -> list[Entry]:
    """The entries of a live object. Of one that nobody tracked, everything counts as somebody's."""
    if live is None:
        return []
    api_version = str(live.get("apiVersion", ""))
    entries = read_entries(live)
    if entries:
        return without_strangers(entries, api_version)
    fields = ownable(compare(empty, old, shape).added)
    return [Entry(BEFORE_FIRST_APPLY, UPDATE, api_version, "", now, fields)] if fields else []


def _all_owned(sent: FieldSet, others: Sequence[Entry]) -> FieldSet:
    owned = sent
    for one in others:
        owned = union(owned, one.fields)
    return owned


def _not_last_applied(conflicts: Sequence[Conflict], manager: str, old: dict[str, Any], shape: Shape) -> list[Conflict]:
    """Conflicts without fields that kubectl itself wrote before it applied on the server, as its annotation says."""
    allowed = last_applied_fields(old, shape) if manager == KUBECTL else {}
    kept = ((entry, difference(hit, allowed)) for entry, hit in conflicts)
    return [(entry, hit) for entry, hit in kept if hit]
