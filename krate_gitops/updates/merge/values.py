"""Three-way merge of the value of a record, key by key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from krate_gitops.brain.timestamps import normalise_timestamp
from krate_gitops.resources.edit.values import same
from krate_gitops.updates.merge.by_line import merge_lines, regions
from krate_gitops.updates.merge.edges import EDGE_FIELDS, EdgeKey, Edges, read_edges, shared_targets, write_edges
from krate_gitops.updates.merge.order import joint_order, unique
from krate_gitops.updates.merge.plain import MISSING, fingerprint, is_scalar

_NAMES = ("id", "name", "key", "target", "path")
"""Members that tell the items of a list of maps apart, where every item has a text of its own there."""
_CLOCK = "updatedAt"


class Difference(NamedTuple):
    """A place that both sides changed, with the values of it; ``MISSING`` for none."""

    place: str
    observed: Any
    current: Any
    proposed: Any


class Merged(NamedTuple):
    """The merged value, with theirs at the places that clash."""

    value: Any
    clashes: list[Difference]


def merge_maps(base: Any, ours: Any, theirs: Any, hint: Any = MISSING) -> Merged:
    """Merges the maps of one record.

    ``hint`` is the value that a clean merge by line has, where there is one: a text or list that both sides changed on
    different lines is taken from it.
    """
    merger = _Merger()
    return Merged(merger.maps(base, ours, theirs, hint, "", True), merger.clashes)


class _Merger:
    def __init__(self) -> None:
        self.clashes: list[Difference] = []

    def any(self, base: Any, ours: Any, theirs: Any, hint: Any, place: str) -> Any:
        """The merged value of a place, ``MISSING`` where there shall be none."""
        if same(ours, base) or same(ours, theirs):
            return theirs
        if same(theirs, base):
            return ours
        sides = (base, ours, theirs)
        if _all(sides, dict):
            return self.maps(_or(base, {}), ours, theirs, hint, place, False)
        if place.rpartition(".")[2] == _CLOCK:
            later = _later(ours, theirs)
            if later is not None:
                return later
        if _all(sides, list):
            return self._lists(_or(base, []), ours, theirs, hint, place)
        if _all(sides, str) and base is not MISSING and any("\n" in text for text in sides):
            return self._text(base, ours, theirs, hint, place)
        return self._hinted(base, ours, theirs, hint, place)

    def maps(self, base: Any, ours: Any, theirs: Any, hint: Any, place: str, is_top: bool) -> dict[str, Any]:
        """A map with every key of the three merged on its own."""
        found: dict[str, Any] = {}
        hints = hint if isinstance(hint, dict) else {}
        for key in dict.fromkeys((*theirs, *ours)):
            three = (base.get(key, MISSING), ours.get(key, MISSING), theirs.get(key, MISSING))
            below = f"{place}.{key}" if place else key
            value = None
            if is_top and key in EDGE_FIELDS and not same(three[1], three[0]) and not same(three[2], three[0]):
                value = self._edges(*three, hints.get(key, MISSING), below)
            if value is None:
                value = self.any(*three, hints.get(key, MISSING), below)
            if value is not MISSING:
                found[key] = value
        return {key: found[key] for key in joint_order(list(base), list(ours), list(theirs), set(found))}

    def _hinted(self, base: Any, ours: Any, theirs: Any, hint: Any, place: str) -> Any:
        """What a clean merge by line made of a place, else a clash."""
        for kind in (str, list):
            if all(isinstance(side, kind) for side in (base, ours, theirs, hint)):
                return hint
        self.clashes.append(Difference(place, base, theirs, ours))
        return theirs

    def _text(self, base: str, ours: str, theirs: str, hint: Any, place: str) -> str:
        """A text of several lines."""
        merged = merge_lines(base, ours, theirs)
        if merged.clashes and isinstance(hint, str):
            return hint
        for clash in merged.clashes:
            sides = ("\n".join(lines) for lines in (clash.observed, clash.current, clash.proposed))
            self.clashes.append(Difference(place, *sides))
        return merged.text

    def _unless_hinted(self, merge: Callable[[], Any], hint: Any) -> Any:
        """What a merge makes of a place, or a clean merge by line where the other clashes."""
        before = len(self.clashes)
        merged = merge()
        if len(self.clashes) == before or hint is MISSING:
            return merged
        del self.clashes[before:]
        return hint

    # Edges

    def _edges(self, base: Any, ours: Any, theirs: Any, hint: Any, place: str) -> Any | None:
        shared = shared_targets(base, ours, theirs)
        read = [read_edges(side, shared) for side in (base, ours, theirs)]
        old, mine, current = read
        if old is None or mine is None or current is None:
            return None
        hinted = None if hint is MISSING else read_edges(hint, shared)
        single = old.single & mine.single & current.single

        def merge() -> Any:
            sides = tuple(_without(edges, single) for edges in (old, mine, current))
            items = self._keyed(sides, hinted.items if hinted else {}, lambda key: place + key.place)
            if not items and not single and MISSING in (ours, theirs):
                return MISSING
            # A kind whose target stands there without a list has just one; two new ones can't both be had.
            ones = {kind: self.any(base[kind], ours[kind], theirs[kind], MISSING, f"{place}.{kind}") for kind in single}
            return write_edges(items, (old, mine, current), ones)

        return self._unless_hinted(merge, hint if hinted else MISSING)

    def _keyed(self, sides: Sequence[dict[Any, Any]], hints: dict[Any, Any], place: Callable[[Any], str]) -> Any:
        """Items by key, each merged on its own; those that shall go are left out."""
        base, ours, theirs = sides
        found = {}
        for key in dict.fromkeys((*theirs, *ours)):
            three = (base.get(key, MISSING), ours.get(key, MISSING), theirs.get(key, MISSING))
            value = self.any(*three, hints.get(key, MISSING), place(key))
            if value is not MISSING:
                found[key] = value
        return found

    # Lists

    def _lists(self, base: list[Any], ours: list[Any], theirs: list[Any], hint: Any, place: str) -> list[Any]:
        sides = (base, ours, theirs)
        prints = [[fingerprint(item) for item in side] for side in sides]
        if all(map(is_scalar, (*base, *ours, *theirs))) and all(map(unique, prints)):
            return _sets(sides, prints)
        name = name_of(*sides)
        if name is not None:
            old, mine, current = ({item[name]: item for item in side} for side in sides)
            if not _renamed_twice(set(old), set(mine), set(current)):
                hints = {item[name]: item for item in hint} if isinstance(hint, list) and _named(hint, name) else {}

                def merge() -> list[Any]:
                    items = self._keyed((old, mine, current), hints, lambda key: f"{place}[{key}]")
                    return [items[key] for key in joint_order(list(old), list(mine), list(current), set(items))]

                return self._unless_hinted(merge, hint if hints else MISSING)
        return self._sequences(sides, prints, hint, place)

    def _sequences(self, sides: Sequence[list[Any]], prints: list[list[str]], hint: Any, place: str) -> Any:
        """Items in order, merged as lines are; where the counts are equal, item by item."""
        return self._unless_hinted(
            lambda: self._in_order(sides, prints, place), hint if isinstance(hint, list) else MISSING
        )

    def _in_order(self, sides: Sequence[list[Any]], prints: list[list[str]], place: str) -> list[Any]:
        base, ours, theirs = sides
        found: list[Any] = []
        for region in regions(*prints):
            old, mine, current = base[region.base], ours[region.ours], theirs[region.theirs]
            if region.taken is not None:
                found += mine if region.taken == "ours" else current
            elif len(old) == len(mine) == len(current):
                for at, three in enumerate(zip(old, mine, current, strict=True), region.theirs.start):
                    found.append(self.any(*three, MISSING, f"{place}[{at}]"))
            elif not old:
                found += [*current, *(item for item in mine if not _among(item, current))]
            else:
                self.clashes.append(Difference(f"{place}[{region.theirs.start}]", old, current, mine))
                found += current
        return found


def _without(edges: Edges, kinds: frozenset[str]) -> dict[EdgeKey, dict[str, Any]]:
    return {key: item for key, item in edges.items.items() if key.kind not in kinds}


def _all(sides: Sequence[Any], kind: type) -> bool:
    """Whether both sides are of a type, and the base too, or missing."""
    return (sides[0] is MISSING or isinstance(sides[0], kind)) and all(isinstance(side, kind) for side in sides[1:])


def _or(value: Any, default: Any) -> Any:
    return default if value is MISSING else value


def name_of(*sides: list[Any]) -> str | None:
    """The member that tells the items of all these lists apart, if there is one."""
    return next((name for name in _NAMES if all(_named(side, name) for side in sides)), None)


def _named(items: list[Any], name: str) -> bool:
    names = [item.get(name) if isinstance(item, dict) else None for item in items]
    return all(isinstance(one, str) for one in names) and unique(names)


def _renamed_twice(old: set[Any], ours: set[Any], theirs: set[Any]) -> bool:
    """Whether both sides may have given one item another name, which is no addition of two."""
    return bool(old - ours - theirs and ours - old - theirs and theirs - old - ours)


def _among(item: Any, others: list[Any]) -> bool:
    return any(same(item, other) for other in others)


def _sets(sides: Sequence[list[Any]], prints: list[list[str]]) -> list[Any]:
    """Scalars as a set: without what either side took out, with what either put in."""
    base, ours, theirs = prints
    values = {
        key: item for side, items in zip(prints, sides, strict=True) for key, item in zip(side, items, strict=True)
    }
    old, mine, current = set(base), set(ours), set(theirs)
    kept = (mine & current) | (mine - old) | (current - old)
    return [values[key] for key in joint_order(base, ours, theirs, kept)]


def _later(ours: Any, theirs: Any) -> Any | None:
    """The later of two timestamps, theirs where they are the same moment; None where one is none."""
    mine, current = (normalise_timestamp(side) if isinstance(side, str) else None for side in (ours, theirs))
    if mine is None or current is None:
        return None
    return ours if mine > current else theirs


def settled(value: dict[str, Any]) -> str:
    """A fingerprint of a record that doesn't tell apart what means the same: the order of a list of scalars without
    repetitions, of keys, and of edges.
    """
    shared = shared_targets(*(value.get(field, MISSING) for field in EDGE_FIELDS))
    loose: dict[str, Any] = {}
    for key, item in value.items():
        edges = read_edges(item, shared) if key in EDGE_FIELDS else None
        if edges is None:
            loose[key] = _loose(item)
        else:
            loose[key] = [sorted(fingerprint([*one[:2], held]) for one, held in edges.items.items())]
    return fingerprint(loose)


def _loose(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _loose(item) for key, item in value.items()}
    if not isinstance(value, list):
        return value
    if all(map(is_scalar, value)):
        prints = [fingerprint(item) for item in value]
        return sorted(prints) if unique(prints) else prints
    return [_loose(item) for item in value]
