"""One request for a kind, when it is known who sends it and what it is about."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any, Final

import msgspec

from krate_gitops.cluster.dev.access.identity import User
from krate_gitops.cluster.dev.http.request import Request
from krate_gitops.cluster.dev.kinds import Kind
from krate_gitops.cluster.dev.store.collection import Entry
from krate_gitops.cluster.dev.store.store import place_of

if TYPE_CHECKING:
    from krate_gitops.cluster.dev.cluster import Cluster


_ROOM_FOR_WARNINGS: Final = 4096
"""Characters of all warnings of an answer."""
_MOST_WARNINGS: Final = 64
"""Clients bound the headers they read, some at a hundred."""


class Call(msgspec.Struct):
    """What a verb works on. ``name`` is empty for collections, ``namespace`` for kinds of the cluster."""

    cluster: Cluster
    request: Request
    user: User
    kind: Kind
    namespace: str
    name: str
    subresource: str
    warnings: list[str]

    def entry(self, name: str | None = None) -> Entry | None:
        """The stored object that the path names, or another one beside it."""
        place = place_of(self.namespace, self.name if name is None else name)
        return self.cluster.store.collection(*self.kind.storage).get(place)

    def warn(self, text: str) -> None:
        """Adds a Warning header to the answer, once: if it has no control characters and there is room."""
        line = " ".join(text.split("\n"))
        taken = sum(map(len, self.warnings))
        if taken + len(line) > _ROOM_FOR_WARNINGS or any(unicodedata.category(each) == "Cc" for each in line):
            return
        if line not in self.warnings and len(self.warnings) < _MOST_WARNINGS:
            self.warnings.append(line)


class Result(msgspec.Struct):
    """What a verb answers: an object as its kind shows it, or a Status."""

    value: dict[str, Any]
    status: int = 200
    is_object: bool = True
