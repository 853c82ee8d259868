"""What the server knows about one built-in kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from krate_gitops.cluster.dev.builtin.codec import Codec
from krate_gitops.cluster.dev.schemas.faults import Fault
from krate_gitops.cluster.dev.schemas.metadata import validate_metadata

Object = dict[str, Any]
Prepare = Callable[[Object, "Object | None", str], Object]
Validate = Callable[[Object, "Object | None"], list[Fault]]
Default = Callable[[Object], Object]
Warn = Callable[[Object, "Object | None"], list[str]]

ALL_VERBS: Final = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


class Subresource(msgspec.Struct, frozen=True):
    """A part of a kind with a path of its own. An empty ``kind`` is that of the kind itself."""

    name: str
    verbs: tuple[str, ...] = ("get", "patch", "update")
    kind: str = ""
    group: str = ""
    version: str = ""


STATUS: Final = Subresource("status")


class Column(msgspec.Struct, frozen=True):
    """A column of a Table. ``cell`` computes the text or number from the object."""

    name: str
    type: str
    description: str
    cell: Callable[[Object], Any]
    format: str = ""
    priority: int = 0


def _unchanged(new: Object, old: Object | None, subresource: str) -> Object:
    """Leaves the object as it is."""
    return new


def _nothing_wrong(new: Object, old: Object | None) -> list[Fault]:
    """Finds no fault."""
    return []


def _nothing_missing(new: Object) -> Object:
    """Leaves the object as it is."""
    return new


def _nothing_to_say(new: Object, old: Object | None) -> list[str]:
    """Finds nothing to warn of."""
    return []


class BuiltIn(msgspec.Struct, frozen=True):
    """One built-in kind.

    ``is_stored`` is False for reviews, which are answered and forgotten. ``creates_on_update``: a PUT makes the object.
    ``needs_version``: a PUT must carry a resourceVersion. ``returns_deleted``: DELETE answers with the object.
    ``has_generation``: the server counts changes of the specification. ``has_status``: the main resource can't write
    the status. ``storage_version`` is the version that the kind's storage hash is made of, mostly that of the kind.
    """

    group: str
    version: str
    kind: str
    plural: str
    raw_schema: dict[str, Any]
    codec: Codec
    schema: dict[str, Any]
    singular: str
    columns: tuple[Column, ...]
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    namespaced: bool = True
    verbs: tuple[str, ...] = ALL_VERBS
    subresources: tuple[Subresource, ...] = ()
    name_rule: str = "subdomain"
    has_generation: bool = False
    has_status: bool = False
    is_stored: bool = True
    creates_on_update: bool = False
    needs_version: bool = False
    returns_deleted: bool = False
    storage_version: str = ""
    reset_kind: Prepare = _unchanged
    default_kind: Default = _nothing_missing
    prepare_kind: Prepare = _unchanged
    validate_kind: Validate = _nothing_wrong
    warn_kind: Warn = _nothing_to_say

    @property
    def api_version(self) -> str:
        """The group and version as objects carry them."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def decode(self, body: Object) -> tuple[Object, list[str]]:
        """The body as the server reads it, and the paths of unknown fields in the order of the body.

        Empty values are left out or written as the server does, amounts and times get its spelling. Raises ApiFailure
        400 for a value of a wrong type.
        """
        return self.codec.decode(body)

    def default(self, new: Object) -> Object:
        """The object with what the server says for a client, whose owner is the client. ``new`` is not changed."""
        return self.default_kind(new)

    def reset(self, new: Object, old: Object | None, *, subresource: str = "") -> Object:
        """The object without what this path can't write: status by the main resource and vice versa.

        ``new`` must have gone through ``decode``. It is not changed.
        """
        fresh = dict(new)
        if subresource == "status" and old is not None:
            fresh = {**old, "metadata": _status_metadata(new, old)}
            if "status" in new:
                fresh["status"] = new["status"]
            else:
                fresh.pop("status", None)
        elif self.has_status:
            fresh.pop("status", None)
            if old is not None and "status" in old:
                fresh["status"] = old["status"]
        return self.reset_kind(fresh, old, subresource)

    def prepare(self, new: Object, old: Object | None, *, subresource: str = "") -> Object:
        """The object with what the server adds for itself, which nobody owns. ``new`` is not changed."""
        if self.has_status and "status" not in new and "status" in self.codec.empty:
            new = {**new, "status": self.codec.empty["status"]}
        return self.prepare_kind(new, old, subresource)

    def validate(self, new: Object, old: Object | None) -> list[Fault]:
        """What is wrong with the object, metadata first, in the order of the server."""
        metadata = validate_metadata(new, old, namespaced=self.namespaced, name_rule=self.name_rule)
        return [*metadata, *self.validate_kind(new, old)]


def _status_metadata(new: Object, old: Object) -> Object:
    """The metadata of a write to the status: labels and annotations of built-in kinds may change by it."""
    metadata: Object = new.get("metadata") or old.get("metadata") or {}
    return metadata
