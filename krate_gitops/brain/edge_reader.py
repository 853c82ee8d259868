"""The edges a record declares, in each of the forms in which they may be written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from krate_gitops.brain.base_fields import TITLE_CHARACTERS
from krate_gitops.brain.field_reader import FieldReader
from krate_gitops.brain.model import Edge
from krate_gitops.brain.timestamps import normalise_timestamp
from krate_gitops.brain.values import settle_asking, text_of
from krate_gitops.brain.yaml_fast import NeedExact


class EdgeReader:
    """Declared edges in any accepted form."""

    def __init__(self, reader: FieldReader, key: str, fractions: Callable[[], bool]) -> None:
        self._reader = reader
        self._key = key
        self._fractions = fractions
        self._edges: list[Edge] = []

    def read(self, raw: Mapping[str, Any]) -> tuple[Edge, ...]:
        """The edges of a record's mapping; what is none is reported."""
        declared = raw.get(self._key)
        if declared is None:
            return ()
        if type(declared) is dict:
            for kind, items in declared.items():
                self._of_kind(kind, items)
        elif type(declared) is list:
            for at, item in enumerate(declared):
                self._with_kind(item, f"{self._key}[{at}]")
        else:
            self._reader.add("KB021", f"{self._key} must be a map of lists", self._key)
        return tuple(self._edges)

    def _of_kind(self, kind: Any, items: Any) -> None:
        if type(kind) is not str:
            raise NeedExact
        field = f"{self._key}.{kind}"
        if items is None:
            return
        if type(items) is list:
            for at, item in enumerate(items):
                if type(item) is str:
                    self._edges.append(Edge(kind, item))
                else:
                    self._item(kind, item, f"{field}[{at}]", 4)
        else:
            self._item(kind, items, field, 3)

    def _item(self, kind: str, item: Any, field: str, depth: int) -> None:
        if type(item) is dict:
            target = self._reader.text_at(item.get("target"), f"{field}.target")
            if target is None:
                self._reader.add("KB021", "an edge needs a target", field)
                return
            rest = {key: value for key, value in item.items() if key != "target"}
            self._check(rest, field)
            self._edges.append(Edge(kind, target, settle_asking(rest, depth, self._fractions) if rest else None))
            return
        try:
            target = text_of(item)
        except TypeError:
            target = None
        if target is None:
            self._reader.add("KB021", "an edge is an id or a map with a target", field)
        else:
            self._edges.append(Edge(kind, target))

    def _with_kind(self, item: Any, field: str) -> None:
        kind = self._reader.text_at(item.get("kind"), f"{field}.kind") if type(item) is dict else None
        if kind is None:
            self._reader.add("KB021", "an edge of a list needs a kind and a target", field)
            return
        self._item(kind, {key: value for key, value in item.items() if key != "kind"}, field, 3)

    def _check(self, rest: Mapping[str, Any], field: str) -> None:
        note = rest.get("note")
        if type(note) is str and len(note) > TITLE_CHARACTERS:
            self._reader.add("KB021", f"note is longer than {TITLE_CHARACTERS} characters", f"{field}.note")
        if rest.get("since") is not None:
            since = self._reader.text_at(rest["since"], f"{field}.since")
            if since is not None and normalise_timestamp(since) is None:
                self._reader.add("KB024", "since is not a timestamp with an offset", f"{field}.since")
