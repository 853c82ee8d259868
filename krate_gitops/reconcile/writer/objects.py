"""Which objects a change creates, updates and deletes, and which fields; values only where everybody may see them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import msgspec

from krate_gitops.records.config_changes import ChangedObject
from krate_gitops.resources.credentials import without_credentials
from krate_gitops.resources.edit.fields import Step, pointer
from krate_gitops.resources.edit.values import same
from krate_gitops.resources.manifest import Manifest
from krate_gitops.resources.structure import shown_name
from krate_gitops.resources.world import organization_of

SENSITIVE_KINDS = frozenset(("ConfigMap", "Secret"))
"""Kinds whose values are for nobody's eyes."""
HIDDEN = "[hidden]"
_MOST_FIELDS = 100
_LONGEST_VALUE = 200


class FieldChange(msgspec.Struct, frozen=True, kw_only=True):
    """A field that differs; ``old`` and ``new`` are texts to show, empty where there is no value."""

    field: str
    old: str
    new: str


class ObjectChange(msgspec.Struct, frozen=True, kw_only=True):
    """An object that differs. ``operation`` is create, update or delete; ``fields`` are those of an update."""

    operation: str
    kind: str
    name: str
    path: str
    fields: tuple[FieldChange, ...] = ()

    def recorded(self) -> ChangedObject:
        """The same without values."""
        return ChangedObject(
            operation=self.operation,
            kind=self.kind,
            name=self.name,
            path=self.path,
            fields=tuple(one.field for one in self.fields),
        )


class _Key(NamedTuple):
    group: str
    kind: str
    organization: str
    name: str


def compare(old: Iterable[Manifest], new: Iterable[Manifest]) -> list[ObjectChange]:
    """Differences between two loads, by kind and name. Moving an object to another file is none."""
    changes = []
    for was, will in differing(old, new):
        here = will or was
        if here is None:
            continue
        operation = "create" if was is None else "delete" if will is None else "update"
        fields: tuple[FieldChange, ...] = ()
        if was is not None and will is not None:
            hides = here.kind in SENSITIVE_KINDS
            fields = tuple(_few(_fields(was.value, will.value, (), hides)))
        changes.append(
            ObjectChange(
                operation=operation,
                kind=shown_name(here.kind),
                name=shown_name(here.name),
                path=here.path,
                fields=fields,
            )
        )
    return changes


def differing(old: Iterable[Manifest], new: Iterable[Manifest]) -> Iterator[tuple[Manifest | None, Manifest | None]]:
    """Objects that differ, as they were and as they will be, by kind and name."""
    before, after = ({_key(one): one for one in manifests} for manifests in (old, new))
    for key in sorted(before.keys() | after.keys()):
        was, will = before.get(key), after.get(key)
        if was is None or will is None or not same(was.value, will.value):
            yield was, will


def _key(manifest: Manifest) -> _Key:
    return _Key(manifest.api_version.rpartition("/")[0], manifest.kind, organization_of(manifest), manifest.name)


def _fields(old: Any, new: Any, steps: tuple[Step, ...], hides: bool) -> Iterator[FieldChange]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            if not same(old.get(key), new.get(key)):
                yield from _fields(old.get(key), new.get(key), (*steps, key), hides)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new) and steps:
        for at, (one, other) in enumerate(zip(old, new, strict=True)):
            if not same(one, other):
                yield from _fields(one, other, (*steps, at), hides)
    else:
        yield FieldChange(field=without_credentials(pointer(steps)), old=_shown(old, hides), new=_shown(new, hides))


def _few(changes: Iterator[FieldChange]) -> Iterator[FieldChange]:
    for at, change in enumerate(changes):
        if at == _MOST_FIELDS:
            yield FieldChange(field="…", old="", new="")
            return
        yield change


def _shown(value: Any, hides: bool) -> str:
    if value is None:
        return ""
    if hides:
        return HIDDEN
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    shown = text if len(text) <= _LONGEST_VALUE else text[:_LONGEST_VALUE] + "…"
    return HIDDEN if without_credentials(text) != text else shown
