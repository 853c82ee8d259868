"""Strategic merge patch: a merge patch that knows which lists merge, by which key, and takes directives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from krate_gitops.cluster.dev.failure import ApiFailure
from krate_gitops.cluster.dev.refusals import bad_request

_DIRECTIVE, _RETAIN = "$patch", "$retainKeys"
_ORDER, _DELETE = "$setElementOrder/", "$deleteFromPrimitiveList/"

Schema = Mapping[str, Any]


def strategic_merge(document: dict[str, Any], patch: object, schema: Schema) -> dict[str, Any]:
    """The document with the patch.

    Raises ``ApiFailure``: 400 for a patch that is no object, 500 for an unknown directive or an item without its key.
    """
    if not isinstance(patch, dict):
        raise bad_request("error decoding patch: a strategic merge patch is an object")
    return _map(document, patch, schema)


def _map(document: dict[str, Any], patch: dict[str, Any], schema: Schema) -> dict[str, Any]:
    directive = patch.get(_DIRECTIVE)
    if directive == "replace":
        return {name: value for name, value in patch.items() if name != _DIRECTIVE}
    if directive == "delete":
        return {}
    if directive not in (None, "merge"):
        shown = " ".join(f"{name}:{patch[name]}" for name in sorted(patch))
        raise ApiFailure(500, "", f"unknown patch type: {directive} in map: map[{shown}]")
    whole = _retained(document, patch)
    for name, value in patch.items():
        if name.startswith(_DELETE):
            _delete_from(whole, name.removeprefix(_DELETE), value)
        elif not name.startswith("$"):
            _member(whole, name, value, _child(schema, name), patch.get(f"{_ORDER}{name}"))
    return whole


def _retained(document: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    kept = patch.get(_RETAIN)
    if isinstance(kept, list):
        return {name: value for name, value in document.items() if name in kept}
    return dict(document)


def _delete_from(whole: dict[str, Any], name: str, gone: Any) -> None:
    if isinstance(whole.get(name), list) and isinstance(gone, list):
        whole[name] = [item for item in whole[name] if item not in gone]


def _member(whole: dict[str, Any], name: str, value: Any, schema: Schema, order: Any) -> None:
    before = whole.get(name)
    if value is None:
        whole.pop(name, None)
    elif isinstance(value, dict):
        whole[name] = _map(before if isinstance(before, dict) else {}, value, schema)
    elif isinstance(value, list) and schema.get("x-kubernetes-patch-strategy") == "merge":
        ordered = order if isinstance(order, list) else None
        whole[name] = _list(before if isinstance(before, list) else [], value, schema, ordered)
    else:
        whole[name] = value


def _list(before: list[Any], patch: list[Any], schema: Schema, order: list[Any] | None) -> list[Any]:
    key = schema.get("x-kubernetes-patch-merge-key")
    if not key:
        mine = list(dict.fromkeys(patch))
        return _arranged([one for one in before if one not in mine], mine, before, order, lambda one: one)
    if any(isinstance(item, dict) and item.get(_DIRECTIVE) == "replace" for item in patch):
        return [item for item in patch if not (isinstance(item, dict) and _DIRECTIVE in item)]

    def named(item: Any) -> Any:
        if not isinstance(item, dict) or key not in item:
            raise ApiFailure(500, "", f"map: {item} does not contain declared merge key: {key}")
        return item[key]

    gone = {named(item) for item in patch if isinstance(item, dict) and item.get(_DIRECTIVE) == "delete"}
    known = {named(item): item for item in before if isinstance(item, dict) and key in item}
    items = schema.get("items") or {}
    mine = [_map(known.get(named(item), {}), item, items) for item in patch if named(item) not in gone]
    names = {named(item) for item in mine}
    others = [item for item in before if item.get(key) not in names and item.get(key) not in gone]
    return _arranged(others, mine, before, order, lambda item: item.get(key) if isinstance(item, dict) else item)


def _arranged(
    others: list[Any], mine: list[Any], before: list[Any], order: list[Any] | None, name: Callable[[Any], Any]
) -> list[Any]:
    """Both in one list: as they stood among each other before, the patch's own in front of what they can't be compared
    with. ``order`` is what the patch says about its items.
    """
    if order is not None:
        said = [name(item) for item in order]
        mine = sorted(mine, key=lambda item: said.index(name(item)) if name(item) in said else len(said))
    stood = [name(item) for item in before]
    whole: list[Any] = []
    left, right = list(others), list(mine)
    while left and right:
        first, second = name(left[0]), name(right[0])
        is_before = first in stood and second in stood and stood.index(first) < stood.index(second)
        whole.append(left.pop(0) if is_before else right.pop(0))
    return [*whole, *left, *right]


def _child(schema: Schema, name: str) -> Schema:
    properties: Mapping[str, Any] = schema.get("properties") or {}
    found = properties.get(name)
    if found is None:
        others = schema.get("additionalProperties")
        found = others if isinstance(others, dict) else {}
    return found if isinstance(found, dict) else {}
