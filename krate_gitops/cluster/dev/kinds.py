"""What the server knows of a kind it serves: its names, its verbs, and how its objects are checked and shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from krate_gitops.cluster.dev.schemas.faults import Fault

Object = dict[str, Any]

ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


class Rules(Protocol):
    """How objects of one kind and version are read, completed, checked and shown.

    Methods that return objects may change and return the one they got (it is the caller's own). They may raise
    ``ApiFailure``.
    """

    schema: Object
    """The OpenAPI node of a whole object."""
    empty: Object | None
    """What every new object has, whoever makes it and whatever it says; nobody owns that."""

    def decode(self, body: Object, *, applied: bool = False) -> tuple[Object, list[str]]:
        """A body with its types checked and unknown fields dropped, and the paths of those."""

    def default(self, new: Object) -> Object:
        """Fills in what was left out, as if the writer had said it."""

    def is_typed(self, new: Object, old: Object, subresource: str) -> bool:
        """Whether even what this path may not write has the types of the schema. If not, nobody owns anything."""

    def reset(self, new: Object, old: Object | None, subresource: str) -> Object:
        """Puts back what this path may not write."""

    def prepare(self, new: Object, old: Object | None, subresource: str) -> Object:
        """Sets what is the server's own."""

    def validate(self, new: Object, old: Object | None, subresource: str) -> Sequence[Fault]:
        """What is wrong with the object."""

    def show(self, stored: Object) -> Object:
        """A stored object as this version shows it; the stored one is shared and stays as it is."""

    def stored(self, value: Object) -> Object:
        """An object of this version in the form in which it is stored."""

    def warnings(self, new: Object, old: Object | None) -> list[str]:
        """Advice for whoever wrote the object."""


class Column(Protocol):
    """One column of a kind's table; ``cell`` makes the text or number of one object."""

    name: str
    type: str
    format: str
    description: str
    priority: int

    def cell(self, value: Object, /) -> Any:
        """What the column shows of an object."""


class Subresource(msgspec.Struct, frozen=True):
    """A path below an object, such as ``status``; ``kind`` is (group, version, kind) where it isn't the object's."""

    name: str
    verbs: tuple[str, ...]
    kind: tuple[str, str, str] | None = None


class Kind(msgspec.Struct, frozen=True, eq=False):
    """A kind in one version, as it is served. Compared by identity: a definition that changes makes new ones."""

    group: str
    version: str
    kind: str
    plural: str
    singular: str
    list_kind: str
    namespaced: bool
    rules: Rules
    verbs: tuple[str, ...] = ALL_VERBS
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[Subresource, ...] = ()
    columns: tuple[Any, ...] = ()
    """Each a ``Column``."""
    storage: tuple[str, str] = ("", "")
    """(group, plural) of the collection."""
    storage_version: str = ""
    custom: bool = False
    deprecation: str = ""
    selectable: tuple[str, ...] = ()
    """Paths of further fields that field selectors know."""
    keeps_generation: bool = False
    """Whether the server counts changes of the specification."""
    creates_by_put: bool = False
    returns_deleted: bool = False
    """Whether a DELETE answers the object, not a Status."""
    needs_version: bool = False
    """Whether a PUT has to name the version it replaces."""
    typed_items: bool = False
    """Whether items of a list have kind and apiVersion."""

    @property
    def api_version(self) -> str:
        """``group/version``, or the version alone for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def resource(self) -> str:
        """The plural with its group, as messages have it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def qualified(self) -> str:
        """The kind with its group, as messages have it."""
        return f"{self.kind}.{self.group}" if self.group else self.kind

    @property
    def is_stored(self) -> bool:
        """Whether there are objects; reviews only answer."""
        return "get" in self.verbs

    def subresource(self, name: str) -> Subresource | None:
        """One of the paths below an object."""
        return next((each for each in self.subresources if each.name == name), None)
