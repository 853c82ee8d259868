"""A commit laid over what is live: the objects that there will be, as the API server will show them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Object = Mapping[str, Any]
Identity = tuple[str, str]
"""Kind and name, within one namespace."""


def overlay(desired: Iterable[Object], live: Iterable[Object], removed: Iterable[Identity] = ()) -> list[Object]:
    """Desired objects over live ones, all in defaulted form and of one namespace; sorted by kind and name.

    An object whose spec stays keeps its generation and status. One whose spec changes gets the next generation, so
    that its status is stale, as it will be. A new one has generation 1 and no status. ``removed`` are those that the
    plan prunes.
    """
    gone = set(removed)
    found = {identity_of(one): one for one in live if identity_of(one) not in gone}
    for one in desired:
        identity = identity_of(one)
        found[identity] = _over(one, found.get(identity))
    return [found[identity] for identity in sorted(found)]


def identity_of(value: Object) -> Identity:
    """Kind and name of an object; empty where it doesn't say."""
    metadata = value.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else ""
    return str(value.get("kind") or ""), str(name or "")


def _over(desired: Object, live: Object | None) -> Object:
    metadata = dict(_map(desired.get("metadata")))
    if live is None:
        return {**_without_status(desired), "metadata": {**metadata, "generation": 1}}
    known = _map(live.get("metadata"))
    generation = known.get("generation")
    before = generation if isinstance(generation, int) else 0
    metadata["generation"] = before if desired.get("spec") == live.get("spec") else before + 1
    if "uid" in known:
        metadata["uid"] = known["uid"]
    status = {"status": live["status"]} if "status" in live else {}
    return {**_without_status(desired), "metadata": metadata, **status}


def _without_status(value: Object) -> dict[str, Any]:
    return {name: item for name, item in value.items() if name != "status"}


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
