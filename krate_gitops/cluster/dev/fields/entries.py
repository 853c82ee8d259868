"""``metadata.managedFields``: one entry for each manager, operation, version and subresource."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from krate_gitops.cluster.dev.fields.sets import FieldSet, checked, difference

APPLY, UPDATE = "Apply", "Update"
MAX_ENTRIES = 1000
"""How many entries a client may send."""

_STRIPPED: FieldSet = {
    "f:apiVersion": {},
    "f:kind": {},
    "f:metadata": {
        ".": {},
        **{
            f"f:{name}": {}
            for name in (
                "name", "namespace", "creationTimestamp", "selfLink", "uid", "generation", "managedFields",
                "resourceVersion",
            )
        },
    },
}  # fmt: skip
"""What nobody owns, since the server decides it or it says which object this is."""


class Owner(NamedTuple):
    """Whose an entry is. Of somebody who applies, the version doesn't tell entries apart."""

    manager: str
    operation: str
    api_version: str
    subresource: str


class Entry(NamedTuple):
    """An entry with its fields; ``time`` is RFC 3339 in seconds, or empty."""

    manager: str
    operation: str
    api_version: str
    subresource: str
    time: str
    fields: FieldSet

    @property
    def owner(self) -> Owner:
        """Whose it is."""
        version = "" if self.operation == APPLY else self.api_version
        return Owner(self.manager, self.operation, version, self.subresource)

    def with_fields(self, fields: FieldSet, *, time: str = "") -> Entry:
        """The same entry with other fields, and another time where one is given."""
        return self._replace(fields=fields, time=time or self.time)

    def value(self) -> dict[str, Any]:
        """As objects carry it."""
        body: dict[str, Any] = {"manager": self.manager, "operation": self.operation, "apiVersion": self.api_version}
        if self.time:
            body["time"] = self.time
        body |= {"fieldsType": "FieldsV1", "fieldsV1": self.fields}
        if self.subresource:
            body["subresource"] = self.subresource
        return body


def read_entries(obj: dict[str, Any] | None) -> list[Entry]:
    """The entries of a stored object; its sets are in the form that is kept here."""
    return [_entry(one) for one in _raw(obj)]


def read_given_entries(obj: dict[str, Any]) -> list[Entry] | None:
    """The entries that a client sent along, None where it sent none, or something that is no list of entries."""
    given = (obj.get("metadata") or {}).get("managedFields")
    if not isinstance(given, list) or len(given) > MAX_ENTRIES:
        return None
    try:
        return [_checked(one) for one in given]
    except ValueError:
        return None


def _checked(one: object) -> Entry:
    if not isinstance(one, dict) or one.get("operation") not in (APPLY, UPDATE):
        raise ValueError("operation must be `Apply` or `Update`")
    if not one.get("apiVersion") or one.get("fieldsType") != "FieldsV1":
        raise ValueError("an entry needs an apiVersion, and FieldsV1")
    entry = _entry(one)
    return entry.with_fields(checked(entry.fields))


def ends_tracking(obj: dict[str, Any]) -> bool:
    """Whether the client says by one empty entry that it wants no managed fields."""
    given = (obj.get("metadata") or {}).get("managedFields")
    return isinstance(given, list) and len(given) == 1 and given[0] == {}


def without_strangers(entries: list[Entry], api_version: str) -> list[Entry]:
    """The entries without those of other groups, whose fields are not those of this kind."""
    group = _group(api_version)
    if group in _SHARED_GROUPS:
        return entries
    kept = [one for one in entries if _group(one.api_version) == group]
    return entries if len(kept) == len(entries) else kept


_SHARED_GROUPS = frozenset({"", "events.k8s.io"})
"""Events are in both groups."""


def _group(api_version: str) -> str:
    return api_version.rpartition("/")[0]


def settled(new: dict[str, Any], old: dict[str, Any]) -> dict[str, Any]:
    """``old`` itself if ``new`` differs in nothing but times of managed fields, else ``new``.

    Only the finished object shows it: a default or another spelling of a value may have looked like a change before.
    """
    before, after = _raw(old), _raw(new)
    if before == after:
        return new
    if len(before) != len(after) or list(map(_timeless, before)) != list(map(_timeless, after)):
        return new
    return old if without_entries(old) == without_entries(new) else new


def _timeless(one: dict[str, Any]) -> dict[str, Any]:
    return {name: item for name, item in one.items() if name != "time"}


def with_entries(obj: dict[str, Any], entries: Iterable[Entry]) -> dict[str, Any]:
    """The object with these entries, sorted as the server does; without any the field is left out."""
    kept = sorted(
        (one for one in entries if one.fields),
        key=lambda one: (one.operation, one.time, one.manager, one.api_version, one.subresource),
    )
    metadata = {name: item for name, item in obj["metadata"].items() if name != "managedFields"}
    if kept:
        metadata["managedFields"] = [one.value() for one in kept]
    return {**obj, "metadata": metadata}


def without_entries(obj: dict[str, Any]) -> dict[str, Any]:
    """The object without its managed fields; the rest is shared."""
    metadata = obj.get("metadata") or {}
    return {**obj, "metadata": {name: item for name, item in metadata.items() if name != "managedFields"}}


def ownable(fields: FieldSet) -> FieldSet:
    """The fields that somebody may own."""
    return difference(fields, _STRIPPED)


def _raw(obj: dict[str, Any] | None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ((obj or {}).get("metadata") or {}).get("managedFields") or []
    return found


def _entry(one: dict[str, Any]) -> Entry:
    return Entry(
        str(one.get("manager") or ""),
        str(one.get("operation") or ""),
        str(one.get("apiVersion") or ""),
        str(one.get("subresource") or ""),
        str(one.get("time") or ""),
        one.get("fieldsV1") or {},
    )
