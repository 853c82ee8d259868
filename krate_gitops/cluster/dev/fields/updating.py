"""Owners after a write that isn't an apply: whoever changes a field owns it, alone."""

from __future__ import annotations

from typing import Any

from krate_gitops.cluster.dev.fields.comparing import Difference, compare
from krate_gitops.cluster.dev.fields.entries import (
    UPDATE,
    Entry,
    ends_tracking,
    ownable,
    read_entries,
    read_given_entries,
    with_entries,
    without_entries,
    without_strangers,
)
from krate_gitops.cluster.dev.fields.sets import difference, union
from krate_gitops.cluster.dev.fields.shapes import FieldSchema, shape_of


def track_update(
    old: dict[str, Any] | None,
    new: dict[str, Any],
    *,
    manager: str,
    schema: FieldSchema,
    subresource: str = "",
    now: str,
    empty: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """``new`` with its managed fields brought up to date; ``old`` is None for an object that is created.

    Entries that the client sent take the place of the old ones, but not through a subresource; one empty entry ends the
    tracking until somebody applies. An object that nobody tracks stays so. ``empty`` is what every new object of the
    kind has anyhow: nobody owns it.
    """
    bare = without_entries(new)
    entries = [] if old is None else _current(old, new, subresource)
    if old is not None and not entries:
        return with_entries(bare, ())
    api_version = str(new.get("apiVersion", ""))
    entries = without_strangers(entries, api_version)
    found = compare(without_entries(old) if old is not None else empty or {}, bare, shape_of(schema))
    if found.is_empty:
        return with_entries(bare, entries)
    return with_entries(bare, moved(entries, found, Entry(manager, UPDATE, api_version, subresource, now, {})))


def _current(old: dict[str, Any], new: dict[str, Any], subresource: str) -> list[Entry]:
    """The entries that count: the client's where it sent some that make sense, the stored ones otherwise."""
    if not subresource:
        if ends_tracking(new):
            return []
        if given := read_given_entries(new):
            return given
    return read_entries(old)


def moved(entries: list[Entry], found: Difference, writer: Entry) -> list[Entry]:
    """The entries after a change: what was touched is the writer's, what is gone is nobody's.

    ``writer`` is the writer's entry with the time of the change; its fields don't count.
    """
    changed = ownable(union(found.modified, found.added))
    touched = union(union(found.modified, found.added), found.removed)
    kept: list[Entry] = []
    for one in entries:
        fields = difference(one.fields, touched)
        if changed and one.owner == writer.owner:
            # Both his: what he had and nobody touched, and what he changed now.
            changed = union(changed, fields)
        else:
            kept.append(one if fields is one.fields else one.with_fields(fields))
    return [*kept, writer.with_fields(changed)]
