"""What differs between two states of an object, as sets of fields."""

from __future__ import annotations

from typing import Any, NamedTuple

from krate_gitops.cluster.dev.fields.items import element_or_index
from krate_gitops.cluster.dev.fields.sets import HERE, FieldSet
from krate_gitops.cluster.dev.fields.shapes import ListShape, MapShape, Shape
from krate_gitops.cluster.dev.fields.typed import member_shape
from krate_gitops.cluster.equality import is_same

_ABSENT: Any = object()
Path = tuple[str, ...]


class Difference(NamedTuple):
    """Fields that went, that changed their value (or order), and that came. Containers that came or went are in it."""

    removed: FieldSet
    modified: FieldSet
    added: FieldSet

    @property
    def is_empty(self) -> bool:
        """Whether both states are the same."""
        return not (self.removed or self.modified or self.added)


def compare(old: Any, new: Any, shape: Shape) -> Difference:
    """What makes ``new`` of ``old``."""
    walk = _Walk()
    walk.visit(old, new, shape, ())
    return Difference(walk.removed, walk.modified, walk.added)


class _Walk:
    def __init__(self) -> None:
        self.removed: FieldSet = {}
        self.modified: FieldSet = {}
        self.added: FieldSet = {}

    def visit(self, old: Any, new: Any, shape: Shape, path: Path) -> None:
        if old is new:
            return
        if self._is_open(old, new, dict) and shape.map is not None and not shape.map.atomic:
            self._members(old or {}, new or {}, shape.map, path)
            self._container(old, new, path)
        elif self._is_open(old, new, list) and shape.list is not None and shape.list.relation != "atomic":
            self._items(old or [], new or [], shape.list, path)
            self._container(old, new, path)
        elif old is _ABSENT:
            _insert(self.added, path)
        elif new is _ABSENT:
            _insert(self.removed, path)
        elif not is_same(old, new):
            _insert(self.modified, path)

    @staticmethod
    def _is_open(old: Any, new: Any, kind: type) -> bool:
        """Whether both are of a kind, or one is and the other is nothing; two empty ones are plain values."""
        kinds = [one for one in (old, new) if one is not _ABSENT and one is not None]
        return bool(kinds) and all(isinstance(one, kind) for one in kinds) and any(kinds)

    def _container(self, old: Any, new: Any, path: Path) -> None:
        if path and old is _ABSENT:
            _insert(self.added, path)
        elif path and new is _ABSENT:
            _insert(self.removed, path)

    def _members(self, old: Any, new: Any, shape: MapShape, path: Path) -> None:
        old, new = _known(old, {}), _known(new, {})
        for name, item in new.items():
            self.visit(old.get(name, _ABSENT), item, member_shape(shape, name), (*path, f"f:{name}"))
        for name, item in old.items():
            if name not in new:
                self.visit(item, _ABSENT, member_shape(shape, name), (*path, f"f:{name}"))

    def _items(self, old: Any, new: Any, shape: ListShape, path: Path) -> None:
        before = {element_or_index(item, shape, index): item for index, item in enumerate(_known(old, []))}
        after = {element_or_index(item, shape, index): item for index, item in enumerate(_known(new, []))}
        for element, item in after.items():
            self.visit(before.get(element, _ABSENT), item, shape.item, (*path, element))
        for element, item in before.items():
            if element not in after:
                self.visit(item, _ABSENT, shape.item, (*path, element))


def _known(value: Any, nothing: Any) -> Any:
    return nothing if value is _ABSENT or value is None else value


def _insert(fields: FieldSet, path: Path) -> None:
    """Adds a path. Containers come after what is below them, so a node that exists gets its ``.``."""
    if not path:
        return
    node = fields
    for element in path[:-1]:
        node = node.setdefault(element, {})
    last = path[-1]
    if node.get(last):
        node[last][HERE] = {}
    else:
        node.setdefault(last, {})
