"""Which fields a manager owns, from the field sets that the API server keeps, and what that proves.

A field set is a tree: ``f:NAME`` steps into a member, ``k:{...}`` into a list item by its keys, ``v:VALUE`` into a set;
``.`` stands for the node itself, and ``{}`` ends a path.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from krate_gitops.cluster.equality import is_same

FieldSet = Mapping[str, Any]

FIELD_MANAGER = "krate-gitops"
CLIENT_SIDE_MANAGERS = ("kubectl", "k9s", "before-first-apply")
"""Managers behind which people stand: names that begin so."""

_IDENTIFYING = frozenset({"apiVersion", "kind", "metadata.name", "metadata.namespace"})
"""Fields that no field set holds, whoever wrote them."""
_MISSING: Any = object()


class Foreign(NamedTuple):
    """A field of an owned object that somebody else added, and who."""

    field: str
    manager: str


def own_fields(live: Mapping[str, Any], manager: str = FIELD_MANAGER) -> FieldSet | None:
    """What ``manager`` has applied; None where it never did."""
    for entry in _entries(live):
        if entry.get("manager") == manager and entry.get("operation") == "Apply" and not entry.get("subresource"):
            return entry.get("fieldsV1") or {}
    return None


def applied_at(live: Mapping[str, Any], manager: str = FIELD_MANAGER) -> str:
    """When ``manager`` last changed something by applying, RFC 3339; empty where it never did."""
    for entry in _entries(live):
        if entry.get("manager") == manager and entry.get("operation") == "Apply" and not entry.get("subresource"):
            return str(entry.get("time") or "")
    return ""


def is_unchanged(desired: Mapping[str, Any], live: Mapping[str, Any]) -> bool:
    """Whether applying ``desired`` would certainly change nothing.

    True only when the fields we own are exactly those of ``desired``, with the same values. False proves nothing: the
    server may still find that a quantity or a default makes both the same.
    """
    owned = own_fields(live)
    return owned is not None and _covers(desired, owned, live, "")


def foreign_fields(desired: Mapping[str, Any], live: Mapping[str, Any]) -> list[Foreign]:
    """Fields outside of status that people's own tools manage on a live object and the desired one doesn't have."""
    found = {}
    for entry in _entries(live):
        if _is_client_side(entry):
            for path, keys in _leaves(entry.get("fieldsV1") or {}, ()):
                if path and path != "status" and not path.startswith("status.") and _at(desired, keys) is _MISSING:
                    found[path] = Foreign(path, str(entry.get("manager")))
    return [found[path] for path in sorted(found)]


def managers_of(live: Mapping[str, Any], fields: Iterable[str]) -> list[str]:
    """Others than us who manage one of the fields, dotted paths, or something below or above it."""
    wanted = list(fields)
    found = set()
    for entry in _entries(live):
        manager = str(entry.get("manager") or "")
        if manager != FIELD_MANAGER and not entry.get("subresource"):
            paths = [path for path, _ in _leaves(entry.get("fieldsV1") or {}, ())]
            if any(_is_related(path, field) for path in paths for field in wanted):
                found.add(manager)
    return sorted(found)


def _is_related(left: str, right: str) -> bool:
    return left == right or left.startswith((f"{right}.", f"{right}[")) or right.startswith((f"{left}.", f"{left}["))


def folded(live: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """The managed fields of ``live`` with those of people's own tools taken over into our entry.

    After that the next apply removes what Git doesn't say. None where there is nothing to take over.
    """
    entries = list(_entries(live))
    taken = [entry for entry in entries if _is_client_side(entry)]
    if not taken:
        return None
    kept = [entry for entry in entries if entry not in taken]
    ours = next((one for one in kept if one.get("manager") == FIELD_MANAGER and one.get("operation") == "Apply"), None)
    fields: FieldSet = (ours or {}).get("fieldsV1") or {}
    for entry in taken:
        fields = _union(fields, entry.get("fieldsV1") or {})
    mine = {**(ours or taken[0]), "manager": FIELD_MANAGER, "operation": "Apply", "fieldsV1": fields}
    return [*(dict(entry) for entry in kept if entry is not ours), mine]


def changed_fields(desired: Mapping[str, Any], live: Mapping[str, Any] | None) -> list[str]:
    """Dotted paths of what applying would change: other values, new fields, and fields we own that are gone."""
    if live is None:
        return []
    found = set(_differences(desired, live, ""))
    for path, keys in _leaves(own_fields(live) or {}, ()):
        if path and _at(desired, keys) is _MISSING and not path.startswith("status"):
            found.add(path)
    return sorted(found)


def projection(desired: Any, live: Any) -> Any:
    """The part of ``live`` that ``desired`` speaks of: members by name, lists and plain values as a whole."""
    if isinstance(desired, Mapping) and isinstance(live, Mapping):
        return {name: projection(item, live[name]) for name, item in desired.items() if name in live}
    return live


def _entries(live: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for entry in (live.get("metadata") or {}).get("managedFields") or ():
        if isinstance(entry, dict):
            yield entry


def _is_client_side(entry: Mapping[str, Any]) -> bool:
    manager = str(entry.get("manager") or "")
    return not entry.get("subresource") and manager.startswith(CLIENT_SIDE_MANAGERS)


def _covers(desired: Any, owned: FieldSet, live: Any, path: str) -> bool:
    """Whether ``owned`` is exactly the field set of ``desired``, and ``live`` has its values."""
    children = [key for key in owned if key != "."]
    if not children:
        return is_same(desired, live)
    if isinstance(desired, dict) and isinstance(live, dict):
        names = [name for name in desired if f"{path}{name}" not in _IDENTIFYING]
        return len(names) == len(children) and all(
            name in live
            and (part := owned.get(f"f:{name}")) is not None
            and _covers(desired[name], part, live[name], f"{path}{name}.")
            for name in names
        )
    return isinstance(desired, list) and isinstance(live, list) and _covers_list(desired, owned, live)


def _covers_list(desired: list[Any], owned: FieldSet, live: list[Any]) -> bool:
    keys = [key for key in owned if key != "."]
    if len(keys) != len(desired):
        return False
    for key in keys:
        mine, theirs = _item(desired, key), _item(live, key)
        if mine is _MISSING or theirs is _MISSING or not _covers(mine, owned[key], theirs, "item."):
            return False
    return True


def _item(items: list[Any], key: str) -> Any:
    """The item that a step of a field set leads to."""
    kind, _, text = key.partition(":")
    try:
        wanted = json.loads(text)
    except ValueError:
        return _MISSING
    if kind == "v":
        return next((item for item in items if is_same(item, wanted)), _MISSING)
    if kind == "k" and isinstance(wanted, dict):
        return next((one for one in items if isinstance(one, dict) and _has_keys(one, wanted)), _MISSING)
    if kind == "i" and isinstance(wanted, int) and 0 <= wanted < len(items):
        return items[wanted]
    return _MISSING


def _has_keys(item: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return all(name in item and is_same(item[name], value) for name, value in wanted.items())


def _leaves(fields: FieldSet, keys: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Dotted path and steps of each end of a field set."""
    children = [key for key in fields if key != "."]
    if not children:
        yield _shown(keys), keys
    for key in children:
        yield from _leaves(fields[key], (*keys, key))


def _shown(keys: tuple[str, ...]) -> str:
    text = ""
    for key in keys:
        kind, _, name = key.partition(":")
        text += f".{name}" if kind == "f" else f"[{name}]"
    return text.removeprefix(".")


def _at(value: Any, keys: tuple[str, ...]) -> Any:
    for key in keys:
        if key.startswith("f:"):
            value = value.get(key[2:], _MISSING) if isinstance(value, dict) else _MISSING
        else:
            value = _item(value, key) if isinstance(value, list) else _MISSING
        if value is _MISSING:
            return _MISSING
    return value


def _differences(desired: Any, live: Any, path: str) -> Iterator[str]:
    if isinstance(desired, dict) and isinstance(live, dict) and desired:
        for name, item in desired.items():
            inner = f"{path}.{name}" if path else name
            if name not in live:
                yield inner
            else:
                yield from _differences(item, live[name], inner)
    elif not is_same(desired, live):
        yield path


def _union(left: FieldSet, right: FieldSet) -> FieldSet:
    merged = dict(left)
    for key, item in right.items():
        merged[key] = _union(merged[key], item) if key in merged else item
    return merged
