"""Merging an applied object into a live one, and taking out what nobody owns any more."""

from __future__ import annotations

from collections import deque
from typing import Any

from krate_gitops.cluster.dev.fields.items import element_or_index
from krate_gitops.cluster.dev.fields.sets import HERE, FieldSet
from krate_gitops.cluster.dev.fields.shapes import ListShape, MapShape, Shape
from krate_gitops.cluster.dev.fields.typed import member_shape
from krate_gitops.cluster.equality import is_same


def merged(live: Any, applied: Any, shape: Shape) -> Any:
    """``live`` with the fields of ``applied``. What is the same is shared: an unchanged value is ``live`` itself.

    null over a map or list with entries leaves the entries: who applied them loses them when they are pruned.
    """
    if shape.map is not None and not shape.map.atomic and isinstance(live, dict):
        if isinstance(applied, dict):
            return _merged_map(live, applied, shape.map)
        if applied is None and live:
            return live
    if shape.list is not None and shape.list.relation != "atomic" and isinstance(live, list):
        if isinstance(applied, list):
            whole = _merged_list(live, applied, shape.list)
            return live if _are_the_same(whole, live) else whole
        if applied is None and live:
            return live
    return live if is_same(live, applied) else applied


def _merged_map(live: dict[str, Any], applied: dict[str, Any], shape: MapShape) -> dict[str, Any]:
    whole = live
    for name, value in applied.items():
        before = live.get(name)
        after = value if before is None else merged(before, value, member_shape(shape, name))
        if after is not before or name not in live:
            if whole is live:
                whole = dict(live)
            whole[name] = after
    return whole


def _are_the_same(left: list[Any], right: list[Any]) -> bool:
    return len(left) == len(right) and all(one is other for one, other in zip(left, right, strict=True))


def _merged_list(live: list[Any], applied: list[Any], shape: ListShape) -> list[Any]:
    """Applied items in the applied order; the others stay between them, as near to their place as that allows."""
    theirs = [(element_or_index(item, shape, index), item) for index, item in enumerate(live)]
    mine = [(element_or_index(item, shape, index), item) for index, item in enumerate(applied)]
    before = dict(theirs)
    wanted = {element for element, _ in mine}
    shared = deque(element for element, _ in mine if element in before)
    whole: list[Any] = []
    left = right = 0
    while left < len(theirs) or right < len(mine):
        if left < len(theirs):
            element, item = theirs[left]
            if right < len(mine) and element == mine[right][0]:
                whole.append(merged(item, mine[right][1], shape.item))
                left, right = left + 1, right + 1
                if shared and shared[0] == element:
                    shared.popleft()
                continue
            if element in wanted and shared and shared[0] != element:
                # It comes when its turn among the applied ones comes.
                left += 1
                continue
            if element not in wanted:
                whole.append(item)
                left += 1
                continue
        if right < len(mine):
            element, value = mine[right]
            right += 1
            whole.append(merged(before[element], value, shape.item) if element in before else value)
            if shared and shared[0] == element:
                shared.popleft()
        else:
            left += 1
    return whole


def without_unowned(value: Any, last: FieldSet, owned: FieldSet, shape: Shape) -> Any:
    """``value`` without what is in ``last`` and neither in ``owned`` itself nor above something that is."""
    if isinstance(value, dict) and shape.map is not None and not shape.map.atomic:
        kept = dict(value)
        for element, node in last.items():
            name = element[2:]
            if element == HERE or name not in kept:
                continue
            if element not in owned:
                del kept[name]
            elif node:
                inner = member_shape(shape.map, name)
                kept[name] = without_unowned(kept[name], node, owned[element], inner)
        return kept
    if isinstance(value, list) and shape.list is not None and shape.list.relation != "atomic":
        return _items_without(value, last, owned, shape.list)
    return value


def _items_without(value: list[Any], last: FieldSet, owned: FieldSet, shape: ListShape) -> list[Any]:
    kept = []
    for index, item in enumerate(value):
        element = element_or_index(item, shape, index)
        node = last.get(element)
        if node is None:
            kept.append(item)
        elif element in owned:
            kept.append(without_unowned(item, node, owned[element], shape.item) if node else item)
    return kept
