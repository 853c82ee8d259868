"""What is known of native objects: names, versions, key names, rules. There is no field that could hold a value.

Key names come without values: a list of metadata has the managers of each object, and their fields name the keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from krate_gitops.resources.kinds.identity import ResourceRule

_DATA = ("data", "binaryData", "stringData")


class NativeObject(msgspec.Struct, frozen=True, kw_only=True):
    """One native object of the org namespace, or a ClusterRole.

    ``keys`` of a Secret or ConfigMap are sorted, None where they can't be read. ``version`` is its resource version.
    ``rules`` are those of a role. ``rotated_at`` is when keys
    were last written, RFC 3339, empty where it isn't known. ``drifted``: its owner found
    that it is not as it was written.
    """

    kind: str
    name: str
    version: str = ""
    keys: tuple[str, ...] | None = None
    rules: tuple[ResourceRule, ...] = ()
    rotated_at: str = ""
    drifted: bool = False
    deleting: bool = False


class Natives:
    """Native objects by kind and name. ``known`` is False where no cluster was asked."""

    def __init__(self, objects: Iterable[NativeObject] = (), *, known: bool = True) -> None:
        self._objects = {(one.kind, one.name): one for one in objects}
        self.known = known

    def find(self, kind: str, name: str) -> NativeObject | None:
        """The object of a name; None where there is none, or where it is about to go."""
        found = self._objects.get((kind, name))
        return None if found is None or found.deleting else found

    def __iter__(self) -> Iterator[NativeObject]:
        return iter(self._objects.values())


def native_of(value: Mapping[str, Any], *, kind: str = "", drifted: bool = False) -> NativeObject:
    """A native object from what an API server says of it, best from a list of metadata only.

    ``kind`` is for items of such lists, which don't say it themselves. Of a whole Secret only key names are kept.
    """
    metadata = _map(value.get("metadata"))
    kind = kind or _text(value.get("kind"))
    return NativeObject(
        kind=kind,
        name=_text(metadata.get("name")),
        version=_text(metadata.get("resourceVersion")),
        keys=_keys(value, metadata) if kind in ("Secret", "ConfigMap") else None,
        rules=tuple(_rules(value.get("rules"))) if kind in ("Role", "ClusterRole") else (),
        rotated_at=_changed_at(metadata) or _text(metadata.get("creationTimestamp")),
        drifted=drifted,
        deleting=bool(metadata.get("deletionTimestamp")),
    )


def _keys(value: Mapping[str, Any], metadata: Mapping[str, Any]) -> tuple[str, ...] | None:
    if any(name in value for name in _DATA):
        return tuple(sorted({key for name in _DATA for key in _map(value.get(name))}))
    managers = metadata.get("managedFields")
    if not isinstance(managers, list) or not managers:
        return None
    found: set[str] = set()
    for entry in managers:
        fields = _map(_map(entry).get("fieldsV1"))
        for name in _DATA:
            found |= {key[2:] for key in _map(fields.get(f"f:{name}")) if key.startswith("f:")}
    return tuple(sorted(found))


def _changed_at(metadata: Mapping[str, Any]) -> str:
    """When a manager last wrote keys, as RFC 3339; empty where that isn't known."""
    managers = metadata.get("managedFields")
    return max(
        (
            _text(_map(entry).get("time"))
            for entry in (managers if isinstance(managers, list) else ())
            if any(f"f:{name}" in _map(_map(entry).get("fieldsV1")) for name in _DATA)
        ),
        default="",
    )


def _rules(value: Any) -> Iterator[ResourceRule]:
    for rule in value if isinstance(value, list) else ():
        verbs = _texts(_map(rule).get("verbs"))
        if verbs:
            yield ResourceRule(
                verbs=verbs,
                api_groups=_texts(rule.get("apiGroups")),
                resources=_texts(rule.get("resources")),
                resource_names=_texts(rule.get("resourceNames")),
                non_resource_urls=_texts(rule.get("nonResourceURLs")),
            )


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
