"""``metadata.managedFields``: one entry for each manager, operation, version and subresource."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from krate_gitops.cluster.dev.fields.sets import FieldSet, checked, difference

APPLY, UPDATE = "Apply", "Update"

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
    """The entries that a client sent along, None where it sent none or what is no such list."""
    given = (obj.get("metadata") or {}).get("managedFields")
    if not isinstance(given, list):
        return None
    try:
        found = [_entry(one) for one in given if isinstance(one, dict) and one]
        return [one.with_fields(checked(one.fields)) for one in found]
    except (ValueError, AttributeError):
        return None


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
