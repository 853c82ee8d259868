"""Strategic merge patch: a merge patch that knows which lists merge, by which key, and takes directives."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

import msgspec

from krate_gitops.cluster.dev.failure import ApiFailure
from krate_gitops.cluster.dev.refusals import bad_request
from krate_gitops.cluster.dev.wording import go_text

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
        raise ApiFailure(500, "", f"unknown patch type: {go_text(directive)} in map: {go_text(patch)}")
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
        return _values(before, patch, order)
    if any(isinstance(item, dict) and item.get(_DIRECTIVE) == "replace" for item in patch):
        return [item for item in patch if not (isinstance(item, dict) and _DIRECTIVE in item)]
    names = [_name(item, key) for item in patch]
    gone = {
        name
        for name, item in zip(names, patch, strict=True)
        if isinstance(item, dict) and item.get(_DIRECTIVE) == "delete"
    }
    known = {_name(item, key): item for item in before}
    items = schema.get("items") or {}
    mine = {
        name: _map(known.get(name, {}), item, items)
        for name, item in zip(names, patch, strict=True)
        if name not in gone
    }
    others = {name: item for name, item in known.items() if name not in mine and name not in gone}
    said = None if order is None else [_name(item, key) for item in order]
    return _arranged(others, mine, list(known), said)


def _name(item: Any, key: str) -> str:
    """The value of an item's key, as text that can be compared. Raises ``ApiFailure`` 500 if it has none."""
    if not isinstance(item, dict) or key not in item:
        raise ApiFailure(500, "", f"map: {go_text(item)} does not contain declared merge key: {key}")
    return _text(item[key])


def _text(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _values(before: list[Any], patch: list[Any], order: list[Any] | None) -> list[Any]:
    """A list that is a set of values."""
    known = {_text(item): item for item in before}
    mine = {_text(item): item for item in patch}
    others = {name: item for name, item in known.items() if name not in mine}
    return _arranged(others, mine, list(known), None if order is None else list(map(_text, order)))


def _arranged(others: dict[str, Any], mine: dict[str, Any], stood: list[str], order: list[str] | None) -> list[Any]:
    """Both in one list, by name: as they stood among each other before, the patch's own in front of what they can't be
    compared with. ``order`` is what the patch says about its items.
    """
    place = {name: index for index, name in enumerate(stood)}
    right = deque(mine)
    if order is not None:
        said = {name: index for index, name in enumerate(order)}
        right = deque(sorted(mine, key=lambda name: said.get(name, len(said))))
    left = deque(others)
    whole: list[Any] = []
    while left and right:
        is_before = right[0] in place and place[left[0]] < place[right[0]]
        whole.append(others[left.popleft()] if is_before else mine[right.popleft()])
    return [*whole, *(others[name] for name in left), *(mine[name] for name in right)]


def _child(schema: Schema, name: str) -> Schema:
    properties: Mapping[str, Any] = schema.get("properties") or {}
    found = properties.get(name)
    if found is None:
        others = schema.get("additionalProperties")
        found = others if isinstance(others, dict) else {}
    return found if isinstance(found, dict) else {}
