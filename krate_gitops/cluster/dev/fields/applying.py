"""Server-side apply: a manager says what it wants, and gets the object with that, or a conflict."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from krate_gitops.cluster.dev.failure import ApiFailure, Cause
from krate_gitops.cluster.dev.fields.comparing import compare
from krate_gitops.cluster.dev.fields.entries import (
    APPLY,
    UPDATE,
    Entry,
    Owner,
    ownable,
    read_entries,
    with_entries,
    without_entries,
)
from krate_gitops.cluster.dev.fields.merging import merged, without_unowned
from krate_gitops.cluster.dev.fields.sets import FieldSet, difference, intersection, path_text, paths, union
from krate_gitops.cluster.dev.fields.shapes import FieldSchema, Shape, shape_of
from krate_gitops.cluster.dev.fields.typed import complaints, field_set

BEFORE_FIRST_APPLY = "before-first-apply"
KUBECTL = "kubectl"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

Conflict = tuple[Entry, FieldSet]


def apply(
    live: dict[str, Any] | None,
    applied: dict[str, Any],
    *,
    manager: str,
    schema: FieldSchema,
    force: bool,
    subresource: str = "",
    now: str,
) -> dict[str, Any]:
    """The object after ``manager`` has applied; ``live`` None for one that isn't there yet.

    An apply that changes nothing gives an object equal to ``live``. Raises ``ApiFailure``: 500 for what the schema
    doesn't know, 409 for fields of others that would change and aren't forced.
    """
    shape = shape_of(schema)
    _refuse_untyped(applied, shape)
    old = {} if live is None else without_entries(live)
    entries = _tracked(live, old, shape, now)
    owner = Owner(manager, APPLY, "", subresource)
    mine = next((one for one in entries if one.owner == owner), None)
    others = [one for one in entries if one is not mine]
    sent = field_set(applied, shape)
    wanted = ownable(sent)
    whole = merged(old, applied, shape) if live is not None else applied
    if mine is not None and mine.fields is not wanted:
        whole = without_unowned(whole, mine.fields, _all_owned(sent, others), shape)
    found = compare(old, whole, shape)
    changed = ownable(union(found.modified, found.added))
    conflicts = [(one, hit) for one in others if (hit := intersection(one.fields, changed))]
    if conflicts and not force:
        conflicts = _not_last_applied(conflicts, manager, old, applied)
        if conflicts:
            raise _refused(conflicts)
    kept = [_left_to(one, changed, found.removed) for one in others]
    if whole == old:
        # Nothing but owners may have changed: the time of an entry is that of its last change of the object.
        time = mine.time if mine is not None else ""
        return with_entries(whole, [*kept, Entry(manager, APPLY, applied["apiVersion"], subresource, time, wanted)])
    entry = Entry(manager, APPLY, applied["apiVersion"], subresource, now, wanted)
    return with_entries(_with_last_applied(whole, applied, manager), [*kept, entry])


def _refuse_untyped(applied: dict[str, Any], shape: Shape) -> None:
    wrong = list(complaints(applied, shape))
    if wrong:
        group_version, metadata = applied.get("apiVersion", ""), applied.get("metadata") or {}
        group, slash, version = group_version.rpartition("/")
        named = f"{metadata.get('namespace', '')}/{metadata.get('name', '')}"
        kind = f"{group}/{version}" if slash else f"/{version}"
        text = "; ".join(wrong) if len(wrong) == 1 else "errors:\n  " + "\n  ".join(wrong)
        message = f"failed to create typed patch object ({named}; {kind}, Kind={applied.get('kind', '')}): {text}"
        raise ApiFailure(500, "", message)


def _tracked(live: dict[str, Any] | None, old: dict[str, Any], shape: Shape, now: str) -> list[Entry]:
    """The entries of a live object. Of one that nobody tracked, everything counts as somebody's."""
    entries = read_entries(live)
    if live is None or entries:
        return entries
    fields = ownable(compare({}, old, shape).added)
    return [Entry(BEFORE_FIRST_APPLY, UPDATE, str(live.get("apiVersion", "")), "", now, fields)] if fields else []


def _all_owned(sent: FieldSet, others: Sequence[Entry]) -> FieldSet:
    owned = sent
    for one in others:
        owned = union(owned, one.fields)
    return owned


def _left_to(entry: Entry, changed: FieldSet, removed: FieldSet) -> Entry:
    """What another manager still owns: what was changed by force isn't his any more, nor what is gone."""
    fields = entry.fields
    if changed and (hit := intersection(fields, changed)):
        fields = difference(fields, hit)
    if removed:
        fields = difference(fields, removed)
    return entry if fields is entry.fields else entry.with_fields(fields)


def _refused(conflicts: Sequence[Conflict]) -> ApiFailure:
    ordered = sorted(conflicts, key=lambda one: one[0].owner)
    told = [(_name(entry), [path_text(path) for path in paths(fields)]) for entry, fields in ordered]
    causes = tuple(
        Cause("FieldManagerConflict", f"conflict with {name}", field) for name, fields in told for field in fields
    )
    if len(causes) == 1:
        text = f"{causes[0].message}: {causes[0].field}"
    else:
        text = "\n".join("\n".join([f"conflicts with {name}:", *(f"- {one}" for one in found)]) for name, found in told)
    count = f"{len(causes)} conflict" + ("s" if len(causes) != 1 else "")
    return ApiFailure(409, "Conflict", f"Apply failed with {count}: {text}", causes=causes)


def _name(entry: Entry) -> str:
    text = json.dumps(entry.manager, ensure_ascii=False)
    if entry.subresource:
        text += f' with subresource "{entry.subresource}"'
    return f"{text} using {entry.api_version}" if entry.operation == UPDATE else text


def _not_last_applied(
    conflicts: Sequence[Conflict], manager: str, old: dict[str, Any], applied: dict[str, Any]
) -> list[Conflict]:
    """Conflicts without fields that kubectl itself wrote before it applied on the server, as its annotation says."""
    if manager != KUBECTL:
        return list(conflicts)
    last = _last_applied(old)
    if last is None:
        return list(conflicts)
    fields = ownable(field_set(last, shape_of({})))
    kept = ((entry, difference(hit, intersection(hit, fields))) for entry, hit in conflicts)
    return [(entry, hit) for entry, hit in kept if hit]


def _last_applied(obj: dict[str, Any]) -> dict[str, Any] | None:
    text = ((obj.get("metadata") or {}).get("annotations") or {}).get(LAST_APPLIED)
    try:
        value = json.loads(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _with_last_applied(obj: dict[str, Any], applied: dict[str, Any], manager: str) -> dict[str, Any]:
    """Keeps kubectl's annotation true, where there is one, so that its older versions still work."""
    if manager != KUBECTL or _last_applied(obj) is None:
        return obj
    text = json.dumps(without_entries(applied), separators=(",", ":"), sort_keys=True, ensure_ascii=False) + "\n"
    metadata = {**obj["metadata"], "annotations": {**obj["metadata"]["annotations"], LAST_APPLIED: text}}
    return {**obj, "metadata": metadata}
