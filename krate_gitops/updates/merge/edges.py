"""Edges in every form in which a record may declare them, by kind and target."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from krate_gitops.updates.merge.order import joint_order
from krate_gitops.updates.merge.plain import Missing, fingerprint

EDGE_FIELDS = ("edges", "related")
"""Top-level fields that hold edges: of a graph record, and of a Markdown record."""
_KIND_NAMES = ("kind", "type")


class EdgeKey(NamedTuple):
    """An edge of a record. ``rest`` is empty unless several have the kind and target; then it tells them apart."""

    kind: str
    target: str
    rest: str = ""

    @property
    def place(self) -> str:
        """As it is shown behind the name of the field."""
        return f".{self.kind}[{self.target}]"


class Edges(NamedTuple):
    """The edges of one version. ``items`` holds each as a map with its ``target``; ``texts`` are those written as the
    bare target; ``single`` the kinds without a list; ``kind_name`` is set where all stand in one list, with it.
    """

    kinds: tuple[str, ...]
    items: dict[EdgeKey, dict[str, Any]]
    texts: frozenset[EdgeKey]
    single: frozenset[str]
    kind_name: str | None = None


NO_EDGES = Edges((), {}, frozenset(), frozenset())


def shared_targets(*values: Any) -> frozenset[tuple[str, str]]:
    """Kinds and targets that some version has more than once."""
    found: set[tuple[str, str]] = set()
    for value in values:
        counts = Counter((kind, item["target"]) for kind, item, _ in _listed(value) or ())
        found.update(one for one, count in counts.items() if count > 1)
    return frozenset(found)


def read_edges(value: Any, shared: frozenset[tuple[str, str]]) -> Edges | None:
    """The edges of a field's value; None where it is in none of their forms, or has one without a target."""
    listed = _listed(value)
    if listed is None:
        return None
    items: dict[EdgeKey, dict[str, Any]] = {}
    texts: set[EdgeKey] = set()
    seen: Counter[EdgeKey] = Counter()
    for kind, item, is_text in listed:
        rest = fingerprint(item) if (kind, item["target"]) in shared else ""
        key = EdgeKey(kind, item["target"], rest)
        seen[key] += 1
        key = key if seen[key] == 1 else key._replace(rest=f"{rest} {seen[key]}")
        items[key] = item
        if is_text:
            texts.add(key)
    if isinstance(value, dict):
        single = frozenset(kind for kind, held in value.items() if not isinstance(held, list))
        return Edges(tuple(value), items, frozenset(texts), single)
    if isinstance(value, list) and value:
        name = _kind_name(value[0])
        return Edges(tuple(dict.fromkeys(key.kind for key in items)), items, frozenset(), frozenset(), name)
    return NO_EDGES


def _listed(value: Any) -> list[tuple[str, dict[str, Any], bool]] | None:
    """Kind, map and whether it is a bare target, for each edge; None for a value of another form."""
    found: list[tuple[str, dict[str, Any], bool]] = []
    if isinstance(value, Missing):
        return found
    if isinstance(value, dict):
        for kind, held in value.items():
            for item in held if isinstance(held, list) else [held]:
                if not _is_edge(item):
                    return None
                found.append((kind, item if isinstance(item, dict) else {"target": item}, isinstance(item, str)))
        return found
    if not isinstance(value, list):
        return None
    for item in value:
        name = _kind_name(item)
        if name is None or not _is_edge(item):
            return None
        found.append((item[name], {key: held for key, held in item.items() if key != name}, False))
    return found


def _kind_name(item: Any) -> str | None:
    return next((name for name in _KIND_NAMES if isinstance(item, dict) and isinstance(item.get(name), str)), None)


def _is_edge(item: Any) -> bool:
    return isinstance(item, str) or (isinstance(item, dict) and isinstance(item.get("target"), str))


def write_edges(items: dict[EdgeKey, dict[str, Any]], sides: Sequence[Edges], single: dict[str, Any]) -> Any:
    """Merged edges in the form of theirs, or of ours where they have none; ``sides`` are base, ours and theirs.

    ``single`` holds the values of kinds that were merged on their own. A kind whose last edge went away stays as an
    empty list where we left it there.
    """
    base, ours, theirs = sides
    form = theirs if theirs.items or theirs.kinds else ours
    order = joint_order(list(base.items), list(ours.items), list(theirs.items), set(items))
    if form.kind_name is not None:
        return [{form.kind_name: key.kind, **items[key]} for key in order]
    grouped: dict[str, list[Any]] = {}
    for key in order:
        texts = theirs.texts if key in theirs.items else ours.texts
        is_text = len(items[key]) == 1 and (key in texts or (ours.kind_name is not None and key not in theirs.items))
        grouped.setdefault(key.kind, []).append(key.target if is_text else items[key])
    kept = {*grouped, *(kind for kind in theirs.kinds if kind in ours.kinds)}
    written: dict[str, Any] = {}
    for kind in joint_order(base.kinds, ours.kinds, theirs.kinds, kept):
        held = grouped.get(kind, [])
        is_single = kind in (theirs.single if kind in theirs.kinds else ours.single)
        written[kind] = single[kind] if kind in single else held[0] if is_single and len(held) == 1 else held
    return written
