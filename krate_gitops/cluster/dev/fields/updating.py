"""Owners after a write that isn't an apply: whoever changes a field owns it, alone."""

from __future__ import annotations

from typing import Any

from krate_gitops.cluster.dev.fields.comparing import Difference, compare
from krate_gitops.cluster.dev.fields.entries import (
    UPDATE,
    Entry,
    ownable,
    read_entries,
    read_given_entries,
    with_entries,
    without_entries,
)
from krate_gitops.cluster.dev.fields.sets import FieldSet, difference, intersection, union
from krate_gitops.cluster.dev.fields.shapes import FieldSchema, shape_of


def track_update(
    old: dict[str, Any] | None,
    new: dict[str, Any],
    *,
    manager: str,
    schema: FieldSchema,
    subresource: str = "",
    now: str,
) -> dict[str, Any]:
    """``new`` with its managed fields brought up to date; ``old`` is None for an object that is created.

    Entries that the client sent take the place of the old ones; an empty list of them, or one with an empty entry,
    ends the tracking until somebody applies. An object that nobody tracks stays so.
    """
    entries = read_entries(old)
    given = read_given_entries(new)
    bare = without_entries(new)
    if given is not None and old is not None:
        if not given and (new.get("metadata") or {}).get("managedFields"):
            return with_entries(bare, ())
        entries = given or entries
    if old is not None and not entries:
        return with_entries(bare, ())
    found = compare(without_entries(old) if old is not None else {}, bare, shape_of(schema))
    if old is not None and found.is_empty:
        return with_entries(bare, entries)
    return with_entries(bare, _moved(entries, found, str(new.get("apiVersion", "")), manager, subresource, now))


def _moved(
    entries: list[Entry], found: Difference, api_version: str, manager: str, subresource: str, now: str
) -> list[Entry]:
    changed = ownable(union(found.modified, found.added))
    writer = Entry(manager, UPDATE, api_version, subresource, now, {})
    mine = next((one for one in entries if one.owner == writer.owner), None)
    kept = [_taken(one, changed, found.removed) for one in entries if one is not mine]
    before: FieldSet = mine.fields if mine else {}
    fields = union(difference(before, found.removed), changed)
    if mine is not None and fields == before:
        return [*kept, mine]
    return [*kept, writer.with_fields(fields)]


def _taken(entry: Entry, changed: FieldSet, removed: FieldSet) -> Entry:
    fields = difference(entry.fields, intersection(entry.fields, changed)) if changed else entry.fields
    fields = difference(fields, removed) if removed else fields
    return entry if fields is entry.fields else entry.with_fields(fields)
